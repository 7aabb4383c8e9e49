//! What a store of the application's own keeps under a key.

use std::ffi::c_char;

use sipgate_oauth2::StoreEntry;
use zeroize::Zeroizing;

use crate::arguments::{bytes, handle_mut, text};
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;
use crate::text::{Text, lend, sipgate_oauth2_bytes, sipgate_oauth2_str};

/// What a store of the application's own keeps under a key. Made and freed by the library, and there until the function that it was passed to returns.
#[derive(Default)]
pub struct sipgate_oauth2_store_entry {
    version: Option<Text>,
    data: Option<Zeroizing<Vec<u8>>>,
    ends: Option<i64>,
}

impl From<&StoreEntry> for sipgate_oauth2_store_entry {
    fn from(entry: &StoreEntry) -> Self {
        Self { version: Some(entry.version.as_str().into()), data: Some(Zeroizing::new(entry.data.clone())), ends: entry.ends }
    }
}

impl sipgate_oauth2_store_entry {
    /// What a function put in, or nothing where it put nothing.
    pub(crate) fn filled(mut self) -> Result<Option<StoreEntry>, &'static str> {
        match (&self.version, self.data.as_mut().map(|data| std::mem::take(&mut **data))) {
            (None, None) => Ok(None),
            (Some(version), Some(data)) => Ok(Some(StoreEntry { version: version.as_str().to_owned(), data, ends: self.ends })),
            _ => Err("it gave a version without data, or data without a version"),
        }
    }
}

/// The version: a random text of 22 characters out of [A-Za-z0-9_-], drawn anew with every change. Belongs to the entry; no text for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_version(entry: *const sipgate_oauth2_store_entry) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { entry.as_ref() }, |entry| entry.version.as_ref())
}

/// The login: opaque bytes of any value, secret, seldom more than 10 KB. Belong to the entry; none for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_data(entry: *const sipgate_oauth2_store_entry) -> sipgate_oauth2_bytes {
    // SAFETY: NULL or a live handle.
    let data = unsafe { entry.as_ref() }.and_then(|entry| entry.data.as_ref());
    data.map_or(sipgate_oauth2_bytes { data: std::ptr::null(), len: 0 }, |data| sipgate_oauth2_bytes {
        data: data.as_ptr(),
        len: data.len(),
    })
}

/// When the store may drop the entry, in seconds since 1970; -1 where it may not, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_ends(entry: *const sipgate_oauth2_store_entry) -> i64 {
    // SAFETY: NULL or a live handle.
    unsafe { entry.as_ref() }.and_then(|entry| entry.ends).unwrap_or(-1)
}

/// For a load function: the version as it was saved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_set_version(
    entry: *mut sipgate_oauth2_store_entry,
    version: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let entry = handle_mut("entry", entry)?;
            entry.version = Some(text("version", version)?.into());
            Ok(())
        })
    }
}

/// For a load function: the data as it was saved. Copied; `data` may be NULL where `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_set_data(
    entry: *mut sipgate_oauth2_store_entry,
    data: *const u8,
    len: usize,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let entry = handle_mut("entry", entry)?;
            entry.data = Some(Zeroizing::new(bytes("data", data, len)?.to_vec()));
            Ok(())
        })
    }
}

/// For a load function: when the entry may be dropped, as it was saved; -1, as without this, where it may not. Fails for NULL only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_entry_set_ends(
    entry: *mut sipgate_oauth2_store_entry,
    ends: i64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            let entry = handle_mut("entry", entry)?;
            entry.ends = Some(ends).filter(|ends| *ends != -1);
            Ok(())
        })
    }
}
