//! The boundary that no panic crosses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sipgate_oauth2::{Error, Result};

use crate::error::sipgate_oauth2_error;
use crate::status::{sipgate_oauth2_code, sipgate_oauth2_status};

/// Runs `work`; its error goes to `error`, where there is a place for it, and its code is returned.
///
/// # Safety
///
/// `error` is NULL or points to a place for one pointer.
pub(crate) unsafe fn run(error: *mut *mut sipgate_oauth2_error, work: impl FnOnce() -> Result<()>) -> sipgate_oauth2_status {
    sipgate_oauth2_memory::wipe_sqlite();
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::caught_panic("a C call")));
    match outcome {
        Ok(()) => sipgate_oauth2_code::SIPGATE_OK as sipgate_oauth2_status,
        Err(problem) => {
            let number = problem.code().number();
            if !error.is_null() {
                // SAFETY: not NULL, and so a place for one pointer.
                unsafe { error.write(Box::into_raw(Box::new(sipgate_oauth2_error::from(problem)))) };
            }
            number
        }
    }
}
