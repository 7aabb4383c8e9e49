//! The boundary that no panic crosses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sipgate_oauth2::{Error, Result};

use crate::arguments::handle_mut;
use crate::error::sipgate_oauth2_error;
use crate::handle::IntoHandle;
use crate::status::{Status, sipgate_oauth2_status};

/// Runs `work`. Writes its error to `error`, unless that is NULL, and returns its code.
///
/// # Safety
///
/// `error` is NULL or points to a place for one pointer.
pub(crate) unsafe fn run(error: *mut *mut sipgate_oauth2_error, work: impl FnOnce() -> Result<()>) -> sipgate_oauth2_status {
    sipgate_oauth2_memory::wipe_sqlite();
    let outcome = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::caught_panic("a C call")));
    match outcome {
        Ok(()) => Status::SIPGATE_OK as sipgate_oauth2_status,
        Err(failure) => {
            let number = failure.code().number();
            if !error.is_null() {
                // SAFETY: not NULL, and so a place for one pointer.
                unsafe { error.write(failure.into_handle()) };
            }
            number
        }
    }
}

/// Runs `work` and writes what it made to `out`, which is called `name`. `out` is checked first, so
/// that nothing is made that nobody can get.
///
/// # Safety
///
/// `out` and `error` are NULL or point to a place for one pointer.
pub(crate) unsafe fn run_out<H, V: IntoHandle<H>>(
    name: &str,
    out: *mut *mut H,
    error: *mut *mut sipgate_oauth2_error,
    work: impl FnOnce() -> Result<V>,
) -> sipgate_oauth2_status {
    let give = || {
        if out.is_null() {
            return Err(Error::invalid_argument(name, "is NULL; pass the address of a pointer"));
        }
        let handle = work()?.into_handle();
        // SAFETY: not NULL, and so a place for one pointer.
        unsafe { out.write(handle) };
        Ok(())
    };
    // SAFETY: the caller upholds the contract.
    unsafe { run(error, give) }
}

/// A handle that setters change.
pub(crate) trait Settings {
    /// What functions call the handle.
    const NAME: &str;

    /// The settings, as the core has them.
    type Values: Clone;

    fn values(&mut self) -> &mut Self::Values;
}

/// The only member of a handle as its settings, and what functions call the handle.
macro_rules! settings {
    ($handle:ident($values:ty), $name:literal) => {
        impl crate::boundary::Settings for $handle {
            const NAME: &str = $name;
            type Values = $values;

            fn values(&mut self) -> &mut $values {
                &mut self.0
            }
        }
    };
}
pub(crate) use settings;

/// Runs `change` on a copy of the settings and keeps the copy, unless `change` fails.
///
/// # Safety
///
/// `settings` is NULL or a live handle that no other thread uses; `error` is NULL or points to a
/// place for one pointer.
pub(crate) unsafe fn set<H: Settings>(
    settings: *mut H,
    error: *mut *mut sipgate_oauth2_error,
    change: impl FnOnce(H::Values) -> Result<H::Values>,
) -> sipgate_oauth2_status {
    // SAFETY: the caller upholds the contract.
    unsafe {
        run(error, || {
            let values = handle_mut(H::NAME, settings)?.values();
            *values = change(values.clone())?;
            Ok(())
        })
    }
}
