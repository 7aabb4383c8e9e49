//! Where logins are kept.

use std::ffi::c_char;

use sipgate_oauth2::{Result, Store};

use crate::arguments::{self, place, text};
use crate::at_exit;
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::fork;
use crate::own_store::{OwnStore, sipgate_oauth2_store_functions};
use crate::status::sipgate_oauth2_status;
use crate::store_options::sipgate_oauth2_store_options;

/// Where logins are kept, for all clients and processes that use it. Any number of threads may use it, and a forked child too. Clients keep what they
/// need of it, so it may be freed before them.
pub struct sipgate_oauth2_store {
    pub(crate) store: Store,
    /// Where it is the application's own.
    pub(crate) own: Option<OwnStore>,
}

/// Logins that end with the process: for tests, and for programs for one run. `options` may be NULL. On success `store` is the caller's, to be freed
/// with sipgate_oauth2_store_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_memory(
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { made(options, store, error, || Ok((Store::memory(), None))) }
}

/// Logins in a SQLite database, for any number of processes of one machine. The file is made when it is not there, readable by its owner alone, and
/// opened at once. `options` may be NULL. Refused, and left as it is, is a file that others can read or replace (SIPGATE_STORE_PERMISSIONS), that a newer
/// version wrote (SIPGATE_STORE_FORMAT), or that is no database of this library's (SIPGATE_STORE_CORRUPT). On success `store` is the caller's, to be
/// freed with sipgate_oauth2_store_free; on failure it is not written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_sqlite(
    path: *const c_char,
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { made(options, store, error, || Ok((Store::sqlite(text("path", path)?)?, None))) }
}

/// As sipgate_oauth2_store_sqlite, on a network file system, which that refuses: their locks are known to fail, and then two machines spend one refresh token.
/// For whoever knows better about theirs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_sqlite_on_network_file_system(
    path: *const c_char,
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { made(options, store, error, || Ok((Store::sqlite_on_network_file_system(text("path", path)?)?, None))) }
}

/// Logins wherever these functions of the application's own put them. `functions` is copied; `options` may be NULL. On success `store` is the caller's,
/// to be freed with sipgate_oauth2_store_free, and `functions->user_data` is the library's, until it calls `functions->free`. On failure `store` is not written,
/// nothing was called, and `user_data` stays the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_new(
    functions: *const sipgate_oauth2_store_functions,
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        made(options, store, error, || {
            let own = OwnStore::new(functions)?;
            Ok((Store::new(own.clone()), Some(own)))
        })
    }
}

/// Frees a store. Clients, token sources and calls that have it keep what they need of it. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_free(store: *mut sipgate_oauth2_store) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(store) };
}

/// # Safety
///
/// `options` is NULL or a live handle; `store` and `error` are NULL or point to a place for one pointer.
unsafe fn made(
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
    make: impl FnOnce() -> Result<(Store, Option<OwnStore>)>,
) -> sipgate_oauth2_status {
    // SAFETY: the caller's promise is ours.
    unsafe {
        boundary::run(error, || {
            let out = place("store", store)?;
            fork::watch();
            at_exit::watch();
            let (mut store, own) = make()?;
            if let Some(options) = options.as_ref() {
                store = options.apply(store)?;
            }
            out.put(sipgate_oauth2_store { store, own });
            Ok(())
        })
    }
}
