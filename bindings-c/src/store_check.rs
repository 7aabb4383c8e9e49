//! Whether a store of the application's own keeps its promises.

use sipgate_oauth2::{Error, store_kit};

use crate::arguments::{self, handle, place};
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;
use crate::store::sipgate_oauth2_store;
use crate::text::{Text, lend, sipgate_oauth2_str};

/// The promises that a store broke, and how: none where it is good. It never changes; any number of threads may use it.
pub struct sipgate_oauth2_store_violations(Vec<Text>);

/// Checks every promise that the library builds on, of a store that sipgate_oauth2_store_new made: for the tests of such a store. Waits; it calls the functions
/// on this thread and others, and takes a fraction of a second where the store is quick. What it stores is under keys drawn at random and ends within
/// seconds, so the store need not be empty. That a store breaks promises is no failure of this function. On success `violations` is the caller's, to be
/// freed with sipgate_oauth2_store_violations_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_check(
    store: *const sipgate_oauth2_store,
    violations: *mut *mut sipgate_oauth2_store_violations,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let out = place("violations", violations)?;
            let own = handle("store", store)?.own.as_ref();
            let own =
                own.ok_or_else(|| Error::invalid_argument("store", "is the library's own; pass one that sipgate_oauth2_store_new made"))?;
            let broken = store_kit::check(own).err().unwrap_or_default();
            out.put(sipgate_oauth2_store_violations(broken.iter().map(|violation| violation.to_string().as_str().into()).collect()));
            Ok(())
        })
    }
}

/// How many there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_violations_count(violations: *const sipgate_oauth2_store_violations) -> usize {
    // SAFETY: NULL or a live handle.
    unsafe { violations.as_ref() }.map_or(0, |violations| violations.0.len())
}

/// Which promise was broken, and how: one for each `index` from 0. Belongs to the violations; no text behind the last, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_violations_at(
    violations: *const sipgate_oauth2_store_violations,
    index: usize,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { violations.as_ref() }, |violations| violations.0.get(index))
}

/// Frees violations. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_violations_free(violations: *mut sipgate_oauth2_store_violations) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(violations) };
}
