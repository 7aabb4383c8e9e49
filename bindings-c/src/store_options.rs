//! Settings of a store.

use std::ffi::c_char;
use std::time::Duration;

use sipgate_oauth2::{Durability, EncryptionKey, Error, Result, SqliteOptions, Store, StoreOptions};

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
    store: StoreOptions,
}

boxed!(sipgate_oauth2_store_options);
settings!(sipgate_oauth2_store_options(Values), "options");

impl Values {
    fn with_key(mut self, key: EncryptionKey) -> Self {
        self.encryption_keys.push(key);
        self
    }

    /// With a change of what a URL cannot say.
    pub(crate) fn with(mut self, change: impl FnOnce(StoreOptions) -> StoreOptions) -> Self {
        self.store = change(self.store);
        self
    }
}

impl sipgate_oauth2_store_options {
    pub(crate) fn sqlite(&self) -> &SqliteOptions {
        &self.0.sqlite
    }

    pub(crate) fn of_url(&self) -> &StoreOptions {
        &self.0.store
    }

    pub(crate) fn apply(&self, mut store: Store) -> Result<Store> {
        if let Some(recheck) = self.0.recheck {
            store = store.recheck(recheck);
        }
        if self.0.encryption_keys.is_empty() { Ok(store) } else { store.encrypted(self.0.encryption_keys.iter().cloned()) }
    }
}

/// When a Redis or Valkey counts a write as stored.
#[repr(u32)]
#[derive(Clone, Copy)]
pub enum StoreDurability {
    /// Once it is on the server's disk. Needs its append-only file, and WAITAOF (Redis 7.2, Valkey)
    /// or `appendfsync always`.
    SIPGATE_DURABILITY_DISK = 0,
    /// Once the server says so. For services that keep each write by themselves, such as MemoryDB.
    SIPGATE_DURABILITY_SERVER = 1,
    /// Once it is in the server's memory. If the server stops, its last writes are lost, and users
    /// may have to log in again.
    SIPGATE_DURABILITY_MEMORY = 2,
}

/// The same type in the header. C may pass any number, which would be invalid in the Rust enum.
///
/// cbindgen:ignore
pub type sipgate_oauth2_durability = u32;

impl StoreDurability {
    fn of(durability: sipgate_oauth2_durability) -> Result<Durability> {
        match durability {
            given if given == Self::SIPGATE_DURABILITY_DISK as sipgate_oauth2_durability => Ok(Durability::Disk),
            given if given == Self::SIPGATE_DURABILITY_SERVER as sipgate_oauth2_durability => Ok(Durability::Server),
            given if given == Self::SIPGATE_DURABILITY_MEMORY as sipgate_oauth2_durability => Ok(Durability::Memory),
            _ => Err(Error::invalid_argument("durability", "is not known; use one that begins with SIPGATE_DURABILITY_")),
        }
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
/// in another process takes effect within this time. 1000 unless set; 5000 for a custom store and
/// one on a server. Fails only if `options` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_recheck_ms(
    options: *mut sipgate_oauth2_store_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(Values { recheck: Some(Duration::from_millis(milliseconds)), ..values })) }
}

/// Accepts a SQLite database on a network file system, which is refused otherwise: where locks
/// fail, two machines spend the same refresh token. Use only if you are sure the file system's
/// locks are reliable. Fails only if `options` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_allow_network_file_system(
    options: *mut sipgate_oauth2_store_options,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |values| {
            let sqlite = values.sqlite.allow_network_file_system();
            Ok(Values { sqlite, store: values.store.allow_network_file_system(), ..values })
        })
    }
}

/// The password of a PostgreSQL or Redis, instead of that in the URL. This option and the following
/// are for sipgate_oauth2_store_open, which fails if one is set that the URL's store does not have.
/// Other functions that make a store ignore them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_password(
    options: *mut sipgate_oauth2_store_options,
    password: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |values| {
            let password = text("password", password)?.to_owned();
            Ok(values.with(|store| store.password(move || Ok(password.clone()))))
        })
    }
}

/// Certificates to trust for a PostgreSQL or Redis instead of those of the operating system: the
/// contents of a PEM file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_ca_certificates(
    options: *mut sipgate_oauth2_store_options,
    ca_certificates: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |values| {
            let ca_certificates = text("ca_certificates", ca_certificates)?;
            Ok(values.with(|store| store.ca_certificates(ca_certificates)))
        })
    }
}

/// How long an operation of a PostgreSQL or Redis may take, with connecting, in milliseconds: at
/// most 5000; 3000 unless set. Fails only if `options` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_timeout_ms(
    options: *mut sipgate_oauth2_store_options,
    milliseconds: u64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(values.with(|store| store.timeout(Duration::from_millis(milliseconds))))) }
}

/// The most connections of this process to a PostgreSQL or Redis at the same time; 4 unless set.
/// Fails only if `options` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_connections(
    options: *mut sipgate_oauth2_store_options,
    connections: usize,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(values.with(|store| store.connections(connections)))) }
}

/// The PostgreSQL table, with or without its schema; "sipgate_oauth2_logins" unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_table(
    options: *mut sipgate_oauth2_store_options,
    table: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |values| {
            let table = text("table", table)?;
            Ok(values.with(|store| store.table(table)))
        })
    }
}

/// Whether a PostgreSQL table that does not exist is created; true unless set. Otherwise a missing
/// table is an error that contains the SQL script. Fails only if `options` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_create_table(
    options: *mut sipgate_oauth2_store_options,
    create_table: bool,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(values.with(|store| store.create_table(create_table)))) }
}

/// What the names of all Redis keys start with; "sipgate-oauth2:" unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_prefix(
    options: *mut sipgate_oauth2_store_options,
    prefix: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |values| {
            let prefix = text("prefix", prefix)?;
            Ok(values.with(|store| store.prefix(prefix)))
        })
    }
}

/// When a Redis or Valkey counts a write as stored; SIPGATE_DURABILITY_DISK unless set. Fails if
/// `options` is NULL or the number is no sipgate_oauth2_durability.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_durability(
    options: *mut sipgate_oauth2_store_options,
    durability: sipgate_oauth2_durability,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(options, error, |values| {
            let durability = StoreDurability::of(durability)?;
            Ok(values.with(|store| store.durability(durability)))
        })
    }
}

/// How many Redis or Valkey replicas must have a write too; 0 unless set. Fails only if `options`
/// is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_set_replicas(
    options: *mut sipgate_oauth2_store_options,
    replicas: u32,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(options, error, |values| Ok(values.with(|store| store.replicas(replicas)))) }
}

/// Frees settings. Stores made with them keep what they need. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_options_free(options: *mut sipgate_oauth2_store_options) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(options) };
}
