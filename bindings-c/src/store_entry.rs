//! What a custom store keeps under a key.

use std::ffi::c_char;

use sipgate_oauth2::StoreEntry;
use zeroize::Zeroizing;

use crate::arguments::{bytes, handle_mut, text};
use crate::boundary::run;
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;
use crate::text::{Text, lend, sipgate_oauth2_bytes, sipgate_oauth2_str};

/// What a custom store keeps under a key. The library owns it: it is valid until the store function
/// returns.
#[derive(Default)]
pub struct sipgate_oauth2_store_entry {
    version: Option<Text>,
    data: Option<Zeroizing<Vec<u8>>>,
    expires_at: Option<i64>,
}

impl From<&StoreEntry> for sipgate_oauth2_store_entry {
    fn from(entry: &StoreEntry) -> Self {
        Self { version: Some(entry.version.as_str().into()), data: Some(Zeroizing::new(entry.data.clone())), expires_at: entry.expires_at }
    }
}

impl sipgate_oauth2_store_entry {
    /// The entry that a load function filled, or none if it set nothing.
    pub(crate) fn filled(mut self) -> Result<Option<StoreEntry>, &'static str> {
        match (&self.version, self.data.as_mut().map(|data| std::mem::take(&mut **data))) {
            (None, None) => Ok(None),
            (Some(version), Some(data)) => Ok(Some(StoreEntry { version: version.as_str().to_owned(), data, expires_at: self.expires_at })),
            _ => Err("it gave a version without data, or data without a version"),
        }
    }
}

/// The version: 22 random characters of [A-Za-z0-9_-], different after every change. Borrowed from
/// the entry; empty if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_version(entry: *const sipgate_oauth2_store_entry) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { entry.as_ref() }, |entry| entry.version.as_ref())
}

/// The login: opaque, secret bytes of any value, rarely more than 10 KB. Borrowed from the entry;
/// none if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_data(entry: *const sipgate_oauth2_store_entry) -> sipgate_oauth2_bytes {
    // SAFETY: NULL or a live handle.
    let data = unsafe { entry.as_ref() }.and_then(|entry| entry.data.as_ref());
    let (data, len) = data.map_or((std::ptr::null(), 0), |data| (data.as_ptr(), data.len()));
    sipgate_oauth2_bytes { data, len }
}

/// From when on the store may delete the entry, in seconds since 1970; -1 if it must not, or if
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_expires_at(entry: *const sipgate_oauth2_store_entry) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { entry.as_ref() }.and_then(|entry| entry.expires_at).unwrap_or(-1)
}

/// In a load function: the version as it was saved. Copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_set_version(
    entry: *mut sipgate_oauth2_store_entry,
    version: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run(error, || {
            handle_mut("entry", entry)?.version = Some(text("version", version)?.into());
            Ok(())
        })
    }
}

/// In a load function: the data as it was saved. Copied. `data` may be NULL if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_set_data(
    entry: *mut sipgate_oauth2_store_entry,
    data: *const u8,
    len: usize,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run(error, || {
            handle_mut("entry", entry)?.data = Some(Zeroizing::new(bytes("data", data, len)?.to_vec()));
            Ok(())
        })
    }
}

/// In a load function: when the entry may be deleted, as it was saved; -1, as without this call, if
/// it must not. Fails only if `entry` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_set_expires_at(
    entry: *mut sipgate_oauth2_store_entry,
    expires_at: i64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        run(error, || {
            handle_mut("entry", entry)?.expires_at = Some(expires_at).filter(|time| *time != -1);
            Ok(())
        })
    }
}
