//! Stores, and the check of a custom one.

#![expect(clippy::needless_pass_by_value, reason = "this is how napi hands arguments over")]

use std::thread;

use napi::Env;
use napi::bindgen_prelude::{External, Object};
use napi_derive::napi;
use sipgate_oauth2::{Error, SqliteOptions, Store, conformance};

use crate::custom_store::{self, CallStore, CustomStore, Replies};
use crate::error::IntoJavaScript;
use crate::password::{self, AskPassword, PasswordReplies};
use crate::store_options::{OpenOptions, StoreOptions};
use crate::task::{Started, call_options, started};

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

/// Keeps logins where the URL says. `ask_password` is called for the password if there is one; its
/// results go to `replies`.
#[napi(catch_unwind)]
pub fn open_store(
    env: Env,
    url: String,
    options: OpenOptions,
    ask_password: Option<AskPassword<'_>>,
    replies: Option<&External<PasswordReplies>>,
) -> napi::Result<External<Store>> {
    let asking = match (&ask_password, replies) {
        (Some(ask_password), Some(replies)) => Some(password::asking(ask_password, replies)?),
        _ => None,
    };
    options
        .split()
        .and_then(|(options, mut url_options)| {
            if let Some(asking) = asking {
                url_options = url_options.password(asking);
            }
            options.apply(Store::open_with(&url, &url_options)?)
        })
        .or_throw(env)
}

/// The SQL script that creates a PostgreSQL table.
#[napi(catch_unwind)]
pub fn postgres_schema(env: Env, table: Option<String>) -> napi::Result<String> {
    Store::postgres_schema(table.as_deref()).or_throw(env)
}

/// What is wrong with a store and its settings, as texts.
#[napi(catch_unwind)]
pub fn start_check(env: Env, store: &External<Store>, timeout: Option<f64>) -> Started {
    started(env, store.start_check(&call_options(timeout)), |problems| problems)
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
