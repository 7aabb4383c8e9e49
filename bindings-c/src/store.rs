//! Where logins are kept.

use std::ffi::c_char;

use sipgate_oauth2::{Result, Store};

use crate::arguments::text;
use crate::at_exit;
use crate::boundary::run_out;
use crate::custom_store::{CustomStore, sipgate_oauth2_store_functions};
use crate::error::sipgate_oauth2_error;
use crate::fork;
use crate::handle::{boxed, free};
use crate::status::sipgate_oauth2_status;
use crate::store_options::sipgate_oauth2_store_options;

/// Where logins are kept, for all clients and processes that use it. Any number of threads may use
/// it, and so may a forked child.
pub struct sipgate_oauth2_store {
    pub(crate) store: Store,
    /// The functions, if it is a custom store.
    pub(crate) custom: Option<CustomStore>,
}

boxed!(sipgate_oauth2_store);

/// Keeps logins in memory only; they are lost when the process exits. For tests, and for programs
/// that run once. `options` may be NULL. The caller owns `store`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_memory(
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("store", store, error, || made(options, || Ok((Store::memory(), None)))) }
}

/// Keeps logins in a SQLite database, for any number of processes on one machine. Opens the file,
/// and creates it, readable by its owner alone, if it does not exist. `options` may be NULL.
/// Blocks. Fails, and leaves the file unchanged, if other users can read or replace it
/// (SIPGATE_STORE_PERMISSIONS), if a newer version wrote it (SIPGATE_STORE_FORMAT), if it is not a
/// database of this library (SIPGATE_STORE_CORRUPT), or on a network file system, unless
/// sipgate_oauth2_store_options_allow_network_file_system was called. The caller owns `store`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_sqlite(
    path: *const c_char,
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("store", store, error, || {
            made(options, || {
                let sqlite = options.as_ref().map(|options| options.sqlite()).unwrap_or_default();
                Ok((Store::sqlite_with(text("path", path)?, &sqlite)?, None))
            })
        })
    }
}

/// Keeps logins where `url` says: "postgres://user@host/database", "rediss://host:6379",
/// "sqlite:///full/path" or "memory:". Opening a database on a server does no I/O, so a program
/// starts while its database restarts: sipgate_oauth2_store_check_settings looks. For SQLite it
/// does what sipgate_oauth2_store_sqlite does. Fails with SIPGATE_INVALID_ARGUMENT for a mistake in
/// the URL, which is never shown, and for an option that the URL's store does not have. `options`
/// may be NULL. The caller owns `store`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_open(
    url: *const c_char,
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("store", store, error, || {
            made(options, || {
                let of_url = options.as_ref().map(|options| options.of_url()).unwrap_or_default();
                Ok((Store::open_with(text("url", url)?, &of_url)?, None))
            })
        })
    }
}

/// Keeps logins in a custom store: wherever these functions put them. `functions` is copied;
/// `options` may be NULL. The caller owns `store`. On success the library owns
/// `functions->user_data` until it calls `functions->free`; on failure it has called none of the
/// functions, and `user_data` remains the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_new(
    functions: *const sipgate_oauth2_store_functions,
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run_out("store", store, error, || {
            made(options, || {
                let custom = CustomStore::new(functions)?;
                Ok((Store::new(custom.clone()), Some(custom)))
            })
        })
    }
}

/// Frees a store. Clients and token sources that use it keep what they need of it. Does nothing if
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_free(store: *mut sipgate_oauth2_store) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(store) };
}

/// # Safety
///
/// `options` is NULL or a live handle.
unsafe fn made(
    options: *const sipgate_oauth2_store_options,
    make: impl FnOnce() -> Result<(Store, Option<CustomStore>)>,
) -> Result<sipgate_oauth2_store> {
    fork::watch();
    at_exit::watch();
    let (mut store, custom) = make()?;
    // SAFETY: NULL or a live handle.
    if let Some(options) = unsafe { options.as_ref() } {
        store = options.apply(store)?;
    }
    Ok(sipgate_oauth2_store { store, custom })
}
