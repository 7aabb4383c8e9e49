//! The options of stores.

use napi::bindgen_prelude::{Either, External, Uint8Array};
use napi_derive::napi;
use sipgate_oauth2::{EncryptionKey, Error, Result, Secret, Store};

use crate::task::duration;

/// The options of every store.
#[napi(object, object_to_js = false)]
pub struct StoreOptions {
    /// Keys of 32 bytes, or their text; newest first.
    pub encryption_keys: Option<Vec<Either<Uint8Array, String>>>,
    /// Seconds.
    pub recheck: Option<f64>,
    /// Whether a SQLite database may be on a network file system.
    pub allow_network_file_system: Option<bool>,
}

impl StoreOptions {
    pub(crate) fn apply(self, mut store: Store) -> Result<External<Store>> {
        if let Some(keys) = self.encryption_keys {
            store = store.encrypted(self::keys(keys)?)?;
        }
        if let Some(recheck) = self.recheck {
            store = store.recheck(duration("recheck", recheck)?);
        }
        Ok(External::new(store))
    }
}

pub(crate) fn keys(given: Vec<Either<Uint8Array, String>>) -> Result<Vec<EncryptionKey>> {
    given.into_iter().map(key).collect()
}

fn key(given: Either<Uint8Array, String>) -> Result<EncryptionKey> {
    match given {
        Either::A(bytes) => match bytes.as_ref().try_into() {
            Ok(bytes) => Ok(EncryptionKey::from_bytes(bytes)),
            Err(_) => Err(Error::invalid_argument("encryption_keys", "a key of bytes must have 32 of them")),
        },
        Either::B(text) => EncryptionKey::parse(Secret::from(text).reveal()),
    }
}

/// The options of a store that a URL names.
#[napi(object, object_to_js = false)]
pub struct OpenOptions {
    /// Keys of 32 bytes, or their text; newest first.
    pub encryption_keys: Option<Vec<Either<Uint8Array, String>>>,
    /// Seconds.
    pub recheck: Option<f64>,
    /// Whether a SQLite database may be on a network file system.
    pub allow_network_file_system: Option<bool>,
    /// The password, if no function returns it.
    pub password: Option<String>,
    /// The contents of a PEM file.
    pub ca_certificates: Option<String>,
    /// Seconds.
    pub timeout: Option<f64>,
    /// At most so many at a time.
    pub connections: Option<u32>,
    /// The PostgreSQL table.
    pub table: Option<String>,
    /// Whether it is created.
    pub create_table: Option<bool>,
    /// What Redis keys start with.
    pub prefix: Option<String>,
    /// `disk`, `server` or `memory`.
    pub durability: Option<String>,
    /// So many must have a write too.
    pub replicas: Option<u32>,
}

impl OpenOptions {
    /// Those of every store, and those of a URL.
    pub(crate) fn split(self) -> Result<(StoreOptions, sipgate_oauth2::StoreOptions)> {
        let mut options = sipgate_oauth2::StoreOptions::new();
        if let Some(password) = self.password {
            options = options.password(move || Ok(password.clone()));
        }
        if let Some(pem) = self.ca_certificates {
            options = options.ca_certificates(pem);
        }
        if let Some(timeout) = self.timeout {
            options = options.timeout(duration("timeout", timeout)?);
        }
        if let Some(connections) = self.connections {
            options = options.connections(usize::try_from(connections).unwrap_or(usize::MAX));
        }
        if let Some(table) = self.table {
            options = options.table(table);
        }
        if let Some(create_table) = self.create_table {
            options = options.create_table(create_table);
        }
        if let Some(prefix) = self.prefix {
            options = options.prefix(prefix);
        }
        if let Some(durability) = self.durability {
            options = options.durability(durability.parse()?);
        }
        if let Some(replicas) = self.replicas {
            options = options.replicas(replicas);
        }
        if self.allow_network_file_system == Some(true) {
            options = options.allow_network_file_system();
        }
        Ok((StoreOptions { encryption_keys: self.encryption_keys, recheck: self.recheck, allow_network_file_system: None }, options))
    }
}
