//! A custom store: the event loop's thread calls it, while a worker thread waits.

use std::error::Error;
use std::sync::Arc;

use napi::Status;
use napi::bindgen_prelude::{Buffer, External, Function, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue};
use napi_derive::napi;
use sipgate_oauth2::conformance::Violation;
use sipgate_oauth2::{BoxError, ErrorCode, StoreEntry, StoreKey, SwapOutcome, TokenStore};

use crate::replies::{EndOfLoop, Waiting};
use crate::thrown::{Failed, StoreFailed};

/// The JavaScript function that calls the store. Its result follows later, under the call's number.
pub type CallStore<'a> = Function<'a, StoreCall, UnknownReturnValue>;

/// A call of the store.
#[napi(object, object_from_js = false)]
pub struct StoreCall {
    /// The number of its result.
    pub number: u32,
    /// The entry's key.
    pub key: String,
    /// What to save.
    pub save: Option<Save>,
    /// Which keys to list, after `key` or from the first if that is empty. Without it and `save`,
    /// the call loads.
    pub limit: Option<u32>,
}

/// What to save, and which version it replaces.
#[napi(object, object_from_js = false)]
pub struct Save {
    /// The version that must be stored now. Without it, no entry may be.
    pub expected: Option<String>,
    /// The new version.
    pub version: String,
    /// The login.
    pub data: Buffer,
    /// Seconds since 1970.
    pub expires_at: Option<i64>,
}

/// The queue of the event loop. Weak: a custom store does not keep the process alive.
type Queue = ThreadsafeFunction<StoreCall, UnknownReturnValue, StoreCall, Status, false, true>;

/// What the core calls.
pub(crate) struct CustomStore {
    queue: Queue,
    replies: Arc<Waiting<Reply>>,
    /// Whether it has the third function.
    lists_keys: bool,
}

impl CustomStore {
    pub(crate) fn new(call_store: &CallStore<'_>, replies: &Replies) -> napi::Result<Self> {
        let Replies { waiting: replies, lists_keys } = replies;
        let (replies, lists_keys) = (Arc::clone(replies), *lists_keys);
        let end = EndOfLoop::new(&replies);
        let queue = call_store.build_threadsafe_function().weak::<true>().build_callback(move |call| {
            let _ = &end;
            Ok(call.value)
        })?;
        Ok(Self { queue, replies, lists_keys })
    }

    fn call(&self, key: &str, save: Option<Save>, limit: Option<u32>) -> Result<Reply, BoxError> {
        let key = key.to_owned();
        self.replies.ask(|number| self.queue.call(StoreCall { number, key, save, limit }, ThreadsafeFunctionCallMode::NonBlocking))
    }
}

impl TokenStore for CustomStore {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        match self.call(key.as_str(), None, None)? {
            Reply::Loaded(entry) => Ok(entry),
            _ => Err(MISTAKEN.into()),
        }
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        let save = Save {
            expected: expected.map(str::to_owned),
            version: entry.version.clone(),
            data: entry.data.clone().into(),
            expires_at: entry.expires_at,
        };
        match self.call(key.as_str(), Some(save), None)? {
            Reply::Saved(true) => Ok(SwapOutcome::Stored),
            Reply::Saved(false) => Ok(SwapOutcome::Conflict),
            _ => Err(MISTAKEN.into()),
        }
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        if !self.lists_keys {
            return Err(sipgate_oauth2::Error::new(ErrorCode::Unsupported, NO_KEYS).into());
        }
        let after = after.map_or("", StoreKey::as_str);
        match self.call(after, None, Some(u32::try_from(limit).unwrap_or(u32::MAX)))? {
            Reply::Listed(keys) => Ok(keys.iter().map(|key| StoreKey::parse(key)).collect::<sipgate_oauth2::Result<_>>()?),
            _ => Err(MISTAKEN.into()),
        }
    }
}

const NO_KEYS: &str = "the custom store cannot list its keys; give it the function keys(after, limit)";

const MISTAKEN: &str = "the store's reply belongs to another call";

/// Where JavaScript's replies go, by the numbers of the calls.
pub struct Replies {
    waiting: Arc<Waiting<Reply>>,
    lists_keys: bool,
}

enum Reply {
    Loaded(Option<StoreEntry>),
    Saved(bool),
    Listed(Vec<String>),
}

/// The error that ended a check of a store, if one did.
pub(crate) fn thrown_in(violation: &Violation) -> Option<sipgate_oauth2::Error> {
    let cause = violation.source()?;
    let failed = || cause.downcast_ref::<Failed>().map(|failed| failed.clone().mistaken());
    cause.downcast_ref::<sipgate_oauth2::Error>().cloned().or_else(failed)
}

/// A place for the replies of one store, which may have the function that lists keys.
#[napi(catch_unwind)]
pub fn store_replies(lists_keys: bool) -> External<Replies> {
    External::new(Replies { waiting: Arc::default(), lists_keys })
}

/// A loaded entry.
#[napi(object, object_to_js = false)]
pub struct LoadedEntry {
    /// Its version.
    pub version: String,
    /// The login.
    pub data: Uint8Array,
    /// Seconds since 1970.
    pub expires_at: Option<i64>,
}

/// The reply to a call that loads.
#[napi(catch_unwind)]
pub fn store_loaded(replies: &External<Replies>, number: u32, entry: Option<LoadedEntry>) {
    let entry = entry.map(|LoadedEntry { version, data, expires_at }| StoreEntry { version, data: data.to_vec(), expires_at });
    replies.waiting.complete(number, Ok(Reply::Loaded(entry)));
}

/// The reply to a call that saves: whether it was stored.
#[napi(catch_unwind)]
pub fn store_saved(replies: &External<Replies>, number: u32, stored: bool) {
    replies.waiting.complete(number, Ok(Reply::Saved(stored)));
}

/// The reply to a call that lists keys.
#[napi(catch_unwind)]
pub fn store_listed(replies: &External<Replies>, number: u32, keys: Vec<String>) {
    replies.waiting.complete(number, Ok(Reply::Listed(keys)));
}

/// The reply to a call that failed.
#[napi(catch_unwind)]
pub fn store_failed(replies: &External<Replies>, number: u32, failed: StoreFailed) {
    replies.waiting.complete(number, Err(failed.into()));
}
