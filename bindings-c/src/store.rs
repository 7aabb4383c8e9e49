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
    unsafe { made(options, store, error, |_| Ok((Store::memory(), None))) }
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
    unsafe { made(options, store, error, |options| Ok((Store::sqlite_with(text("path", path)?, options.sqlite())?, None))) }
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
    unsafe { made(options, store, error, |options| Ok((Store::open_with(text("url", url)?, options.of_url())?, None))) }
}

/// Keeps logins in a custom store: wherever these functions put them. `functions` is copied;
/// `options` may be NULL. The caller owns `store`. On success the library owns
/// `functions->user_data` until it calls `functions->free`; on failure it has called none of the
/// functions, and `user_data` still belongs to the caller.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_new(
    functions: *const sipgate_oauth2_store_functions,
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        made(options, store, error, |_| {
            let custom = CustomStore::new(functions)?;
            Ok((Store::new(custom.clone()), Some(custom)))
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

/// Makes a store with `make` and what the options say of all stores.
///
/// # Safety
///
/// `options` is NULL or a live handle. `store` and `error` are NULL or point to a place for one
/// pointer.
unsafe fn made(
    options: *const sipgate_oauth2_store_options,
    store: *mut *mut sipgate_oauth2_store,
    error: *mut *mut sipgate_oauth2_error,
    make: impl FnOnce(&sipgate_oauth2_store_options) -> Result<(Store, Option<CustomStore>)>,
) -> sipgate_oauth2_status {
    let make = || {
        fork::watch();
        at_exit::watch();
        let defaults = sipgate_oauth2_store_options::default();
        // SAFETY: NULL or a live handle.
        let options = unsafe { options.as_ref() }.unwrap_or(&defaults);
        let (store, custom) = make(options)?;
        Ok(sipgate_oauth2_store { store: options.apply(store)?, custom })
    };
    // SAFETY: the caller upholds the contract.
    unsafe { run_out("store", store, error, make) }
}
