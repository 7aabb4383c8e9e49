//! Settings of a store.

use std::ffi::c_char;
use std::time::Duration;

use sipgate_oauth2::{EncryptionKey, Error, Result, Store};

use crate::arguments::{self, bytes, handle_mut, text};
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;

/// Settings of a store; all of them are optional. May be used for any number of stores, and then freed with sipgate_oauth2_store_options_free. For one
/// thread at a time. A setter that fails leaves the settings as they were; keys are copied, and wiped when the settings and their stores are gone.
#[derive(Default)]
pub struct sipgate_oauth2_store_options {
    encryption_keys: Vec<EncryptionKey>,
    recheck: Option<Duration>,
}

impl sipgate_oauth2_store_options {
    pub(crate) fn apply(&self, mut store: Store) -> Result<Store> {
        if let Some(recheck) = self.recheck {
            store = store.recheck(recheck);
        }
        if self.encryption_keys.is_empty() { Ok(store) } else { store.encrypted(self.encryption_keys.iter().cloned()) }
    }
}

/// Settings of which none is set. Never NULL. Free them with sipgate_oauth2_store_options_free.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_store_options_new() -> *mut sipgate_oauth2_store_options {
    Box::into_raw(Box::default())
}

/// Encrypts what is stored (AES-256-GCM). `encryption_key` is 32 random bytes as base64, base64url or hexadecimal text, such as `openssl rand
/// -base64 32` prints. Add the newest key first: it is written with; the others are read. Entries that are not encrypted, or with another key
/// than the first, are written anew when they change.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_add_encryption_key(
    options: *mut sipgate_oauth2_store_options,
    encryption_key: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe { boundary::run(error, || add(options, || EncryptionKey::parse(text("encryption_keys", encryption_key)?))) }
}

/// As sipgate_oauth2_store_options_add_encryption_key, with the key as its 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_add_encryption_key_bytes(
    options: *mut sipgate_oauth2_store_options,
    encryption_key: *const u8,
    len: usize,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            add(options, || {
                let key = bytes("encryption_keys", encryption_key, len)?.try_into();
                let key = key.map_err(|_| Error::invalid_argument("encryption_keys", "a key is 32 bytes"))?;
                Ok(EncryptionKey::from_bytes(key))
            })
        })
    }
}

/// How long what was read from the store counts, in milliseconds: the time in which a login or logout of another process shows. 1000 unless set,
/// and 5000 for a store of the application's own.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_recheck_ms(
    options: *mut sipgate_oauth2_store_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            handle_mut("options", options)?.recheck = Some(Duration::from_millis(milliseconds));
            Ok(())
        })
    }
}

/// Frees settings. Stores made with them live on. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_free(options: *mut sipgate_oauth2_store_options) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(options) };
}

/// # Safety
///
/// `options` is NULL or a live handle that nobody else uses meanwhile.
unsafe fn add(options: *mut sipgate_oauth2_store_options, key: impl FnOnce() -> Result<EncryptionKey>) -> Result<()> {
    // SAFETY: the caller's promise is ours.
    unsafe { handle_mut("options", options) }?.encryption_keys.push(key()?);
    Ok(())
}
