//! Stores, and the check of a custom one.

#![expect(clippy::needless_pass_by_value, reason = "this is how napi hands arguments over")]

use std::thread;

use napi::Env;
use napi::bindgen_prelude::{Either, External, Object, Uint8Array};
use napi_derive::napi;
use sipgate_oauth2::{EncryptionKey, Error, Result, Secret, SqliteOptions, Store, conformance};

use crate::custom_store::{self, CallStore, CustomStore, Replies};
use crate::error::IntoJavaScript;
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
    fn apply(self, mut store: Store) -> Result<External<Store>> {
        if let Some(keys) = self.encryption_keys {
            store = store.encrypted(keys.into_iter().map(key).collect::<Result<Vec<_>>>()?)?;
        }
        if let Some(recheck) = self.recheck {
            store = store.recheck(duration("recheck", recheck)?);
        }
        Ok(External::new(store))
    }
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

/// Keeps logins in memory only.
#[napi(catch_unwind)]
pub fn memory_store(env: Env, options: StoreOptions) -> napi::Result<External<Store>> {
    options.apply(Store::memory()).or_throw(env)
}

/// Keeps logins in a SQLite database.
#[napi(catch_unwind)]
pub fn sqlite_store(env: Env, path: String, options: StoreOptions) -> napi::Result<External<Store>> {
    let sqlite = match options.allow_network_file_system {
        Some(true) => SqliteOptions::new().allow_network_file_system(),
        _ => SqliteOptions::new(),
    };
    Store::sqlite_with(path, &sqlite).and_then(|store| options.apply(store)).or_throw(env)
}

/// Keeps logins in the store that `call_store` calls. Its results go to `replies`.
#[napi(catch_unwind)]
pub fn custom_store(
    env: Env,
    call_store: CallStore<'_>,
    replies: &External<Replies>,
    options: StoreOptions,
) -> napi::Result<External<Store>> {
    options.apply(Store::new(CustomStore::new(&call_store, replies)?)).or_throw(env)
}

/// A promise of the violations that the check of a custom store finds, as texts.
#[napi(catch_unwind)]
pub fn check_store<'a>(env: &'a Env, call_store: CallStore<'_>, replies: &External<Replies>) -> napi::Result<Object<'a>> {
    let store = CustomStore::new(&call_store, replies)?;
    let (deferred, outcome) = env.create_deferred()?;
    // The check waits for the store, and the store responds on this thread.
    thread::Builder::new().name("sipgate-oauth2-check".into()).spawn(move || {
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| conformance::check(&store)))
            .map(|checked| checked.err().unwrap_or_default())
            .map_err(|_| Error::caught_panic("checkStore"))
            .and_then(|violations| match violations.iter().find_map(custom_store::thrown_in) {
                Some(error) => Err(error),
                None => Ok(violations.iter().map(ToString::to_string).collect::<Vec<_>>()),
            });
        deferred.resolve(move |env| checked.or_reject(env));
    })?;
    Ok(outcome)
}
