//! Whether a custom store keeps its promises.

use sipgate_oauth2::{Error, conformance};

use crate::arguments::handle;
use crate::boundary::run_out;
use crate::error::sipgate_oauth2_error;
use crate::handle::{boxed, free};
use crate::status::sipgate_oauth2_status;
use crate::store::sipgate_oauth2_store;
use crate::text::{Text, lend, sipgate_oauth2_str};

/// The promises that a store broke, and how; none if it is correct. It never changes; any number of
/// threads may use it.
pub struct sipgate_oauth2_store_violations(Vec<Text>);

boxed!(sipgate_oauth2_store_violations);

/// Checks every promise that the library relies on, of a store that sipgate_oauth2_store_new made:
/// for the tests of such a store. Blocks: it calls the functions on this thread and others, for a
/// fraction of a second if the store is quick. It stores entries under random keys that expire
/// within seconds, so the store need not be empty. The caller owns `violations`. A broken promise
/// is not a failure of this function. sipgate_oauth2_store_check_settings looks at other stores.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_check(
    store: *const sipgate_oauth2_store,
    violations: *mut *mut sipgate_oauth2_store_violations,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("violations", violations, error, || {
            let custom = handle("store", store)?.custom.as_ref();
            let custom = custom
                .ok_or_else(|| Error::invalid_argument("store", "is no custom store; pass one that sipgate_oauth2_store_new made"))?;
            let broken = conformance::check(custom).err().unwrap_or_default();
            Ok(sipgate_oauth2_store_violations(broken.iter().map(|violation| violation.to_string().as_str().into()).collect()))
        })
    }
}

/// How many violations there are; 0 if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_violations_count(violations: *const sipgate_oauth2_store_violations) -> usize {
    // SAFETY: NULL or a live handle.
    unsafe { violations.as_ref() }.map_or(0, |violations| violations.0.len())
}

/// Which promise was broken, and how: one for each `index` from 0. Borrowed from the violations;
/// empty after the last, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_violations_at(
    violations: *const sipgate_oauth2_store_violations,
    index: usize,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { violations.as_ref() }, |violations| violations.0.get(index))
}

/// Frees violations. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_violations_free(violations: *mut sipgate_oauth2_store_violations) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(violations) };
}
