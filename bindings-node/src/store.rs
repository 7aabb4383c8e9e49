//! Stores, and the kit that tests one.

#![expect(clippy::needless_pass_by_value, reason = "this is how napi hands arguments over")]

use std::thread;

use napi::Env;
use napi::bindgen_prelude::{Either, External, Object, Uint8Array};
use napi_derive::napi;
use sipgate_oauth2::{EncryptionKey, Error, Result, Secret, Store, store_kit};

use crate::failure::IntoJavaScript;
use crate::own_store::{self, CarryOut, OwnStore, Replies};
use crate::running::duration;

/// What every store can be given.
#[napi(object, object_to_js = false)]
pub struct StoreOptions {
    /// Keys of 32 bytes, or their text; newest first.
    pub encryption_keys: Option<Vec<Either<Uint8Array, String>>>,
    /// Seconds.
    pub recheck: Option<f64>,
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

/// Logins that end with the process.
#[napi(catch_unwind)]
pub fn memory_store(env: Env, options: StoreOptions) -> napi::Result<External<Store>> {
    options.apply(Store::memory()).or_throw(env)
}

/// Logins in a SQLite database.
#[napi(catch_unwind)]
pub fn sqlite_store(env: Env, path: String, options: StoreOptions) -> napi::Result<External<Store>> {
    Store::sqlite(path).and_then(|store| options.apply(store)).or_throw(env)
}

/// Logins in a SQLite database on a network file system.
#[napi(catch_unwind)]
pub fn sqlite_store_on_network_file_system(env: Env, path: String, options: StoreOptions) -> napi::Result<External<Store>> {
    Store::sqlite_on_network_file_system(path).and_then(|store| options.apply(store)).or_throw(env)
}

/// Logins wherever `carry_out` puts them. What it answers goes to `replies`.
#[napi(catch_unwind)]
pub fn own_store(env: Env, carry_out: CarryOut<'_>, replies: &External<Replies>, options: StoreOptions) -> napi::Result<External<Store>> {
    options.apply(Store::new(OwnStore::new(&carry_out, replies)?)).or_throw(env)
}

/// The promises that a store of the application's own breaks, as a promise of their texts.
#[napi(catch_unwind)]
pub fn check_store<'a>(env: &'a Env, carry_out: CarryOut<'_>, replies: &External<Replies>) -> napi::Result<Object<'a>> {
    let own = OwnStore::new(&carry_out, replies)?;
    let (deferred, outcome) = env.create_deferred()?;
    // The kit waits for the store, which answers on the thread that this is.
    thread::Builder::new().name("sipgate-oauth2-check".into()).spawn(move || {
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store_kit::check(&own)))
            .map(|checked| checked.err().unwrap_or_default())
            .map_err(|_| Error::caught_panic("checkStore"))
            .and_then(|violations| match violations.iter().find_map(own_store::thrown_in) {
                Some(error) => Err(error),
                None => Ok(violations.iter().map(ToString::to_string).collect::<Vec<_>>()),
            });
        deferred.resolve(move |env| checked.or_reject(env));
    })?;
    Ok(outcome)
}
