//! Settings of a store.

use std::ffi::c_char;
use std::time::Duration;

use sipgate_oauth2::{EncryptionKey, Error, Result, SqliteOptions, Store};

use crate::arguments::{bytes, text};
use crate::boundary::{set, settings};
use crate::error::sipgate_oauth2_error;
use crate::handle::{IntoHandle, boxed, free};
use crate::status::sipgate_oauth2_status;

/// Settings of a store, all of them optional. They may be used for any number of stores. A setter
/// that fails changes nothing. Keys are wiped when the settings and their stores are freed.
#[derive(Default)]
pub struct sipgate_oauth2_store_options(Values);

#[derive(Clone, Default)]
pub(crate) struct Values {
    encryption_keys: Vec<EncryptionKey>,
    recheck: Option<Duration>,
    sqlite: SqliteOptions,
}

boxed!(sipgate_oauth2_store_options);
settings!(sipgate_oauth2_store_options(Values), "options");

impl Values {
    fn with_key(mut self, key: EncryptionKey) -> Self {
        self.encryption_keys.push(key);
        self
    }
}

impl sipgate_oauth2_store_options {
    pub(crate) fn sqlite(&self) -> SqliteOptions {
        self.0.sqlite.clone()
    }

    pub(crate) fn apply(&self, mut store: Store) -> Result<Store> {
        if let Some(recheck) = self.0.recheck {
            store = store.recheck(recheck);
        }
        if self.0.encryption_keys.is_empty() { Ok(store) } else { store.encrypted(self.0.encryption_keys.iter().cloned()) }
    }
}

/// New settings, none of which is set. Never NULL. The caller owns them.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_store_options_new() -> *mut sipgate_oauth2_store_options {
    sipgate_oauth2_store_options::default().into_handle()
}

/// Encrypts the stored logins (AES-256-GCM). `encryption_key` is 32 random bytes as base64,
/// base64url or hexadecimal text, as `openssl rand -base64 32` prints them. Add the newest key
/// first: the library encrypts with it, and decrypts with all of them. An entry that is not
/// encrypted, or with another key than the first, is encrypted with the first when it changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_add_encryption_key(
    options: *mut sipgate_oauth2_store_options,
    encryption_key: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(values.with_key(EncryptionKey::parse(text("encryption_keys", encryption_key)?)?))) }
}

/// As sipgate_oauth2_store_options_add_encryption_key, with the key as its 32 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_add_encryption_key_bytes(
    options: *mut sipgate_oauth2_store_options,
    encryption_key: *const u8,
    len: usize,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |values| {
            let key = bytes("encryption_keys", encryption_key, len)?.try_into();
            let key = key.map_err(|_| Error::invalid_argument("encryption_keys", "a key is 32 bytes"))?;
            Ok(values.with_key(EncryptionKey::from_bytes(key)))
        })
    }
}

/// How long the library relies on what it read from the store, in milliseconds: a login or logout
/// in another process takes effect within this time. 1000 unless set; 5000 for a custom store.
/// Fails only if `options` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_recheck_ms(
    options: *mut sipgate_oauth2_store_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(Values { recheck: Some(Duration::from_millis(milliseconds)), ..values })) }
}

/// Accepts a SQLite database on a network file system, which sipgate_oauth2_store_sqlite refuses
/// otherwise: where locks fail, two machines spend the same refresh token. Use only if you are sure
/// the file system's locks are reliable. Fails only if `options` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_allow_network_file_system(
    options: *mut sipgate_oauth2_store_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(Values { sqlite: values.sqlite.allow_network_file_system(), ..values })) }
}

/// Frees settings. Stores made with them keep what they need. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_free(options: *mut sipgate_oauth2_store_options) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(options) };
}
