//! A custom store: the event loop's thread calls it, while a worker thread waits.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use napi::Status;
use napi::bindgen_prelude::{Buffer, External, Function, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue};
use napi_derive::napi;
use sipgate_oauth2::conformance::Violation;
use sipgate_oauth2::{BoxError, StoreEntry, StoreKey, SwapOutcome, TokenStore};

/// A store that takes longer counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(30);

/// The JavaScript function that calls the store. Its result follows later, under the call's number.
pub type CallStore<'a> = Function<'a, StoreCall, UnknownReturnValue>;

/// A call of the store.
#[napi(object, object_from_js = false)]
pub struct StoreCall {
    /// The number of its result.
    pub number: u32,
    /// The entry's key.
    pub key: String,
    /// What to save. Without it, the call loads.
    pub save: Option<Save>,
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
    replies: Arc<Waiting>,
}

impl CustomStore {
    pub(crate) fn new(call_store: &CallStore<'_>, replies: &Replies) -> napi::Result<Self> {
        let replies = Arc::clone(&replies.0);
        let end = EndOfLoop(Arc::clone(&replies));
        let queue = call_store.build_threadsafe_function().weak::<true>().build_callback(move |call| {
            let _ = &end;
            Ok(call.value)
        })?;
        Ok(Self { queue, replies })
    }

    fn call(&self, key: &StoreKey, save: Option<Save>) -> Result<Reply, BoxError> {
        let (sender, reply) = sync_channel(1);
        let number = self.replies.open(sender).ok_or(LOOP_ENDED)?;
        let call = StoreCall { number, key: key.as_str().to_owned(), save };
        if self.queue.call(call, ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
            self.replies.take(number);
            return Err(LOOP_ENDED.into());
        }
        match reply.recv_timeout(PATIENCE) {
            Ok(Reply::Failed(failed)) => Err(failed.into_error()),
            Ok(reply) => Ok(reply),
            Err(RecvTimeoutError::Disconnected) => Err(LOOP_ENDED.into()),
            Err(RecvTimeoutError::Timeout) => {
                self.replies.take(number);
                Err("the store did not respond within 30 s; is the event loop blocked, or a promise never settled?".into())
            }
        }
    }
}

const LOOP_ENDED: &str = "the event loop of the store has ended";

impl TokenStore for CustomStore {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        match self.call(key, None)? {
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
        match self.call(key, Some(save))? {
            Reply::Saved(true) => Ok(SwapOutcome::Stored),
            Reply::Saved(false) => Ok(SwapOutcome::Conflict),
            _ => Err(MISTAKEN.into()),
        }
    }
}

const MISTAKEN: &str = "the store's reply belongs to another call";

/// Where JavaScript's replies go, by the numbers of the calls.
pub struct Replies(Arc<Waiting>);

#[derive(Default)]
struct Waiting(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    last: u32,
    has_ended: bool,
    by_number: HashMap<u32, SyncSender<Reply>>,
}

enum Reply {
    Loaded(Option<StoreEntry>),
    Saved(bool),
    Failed(Failed),
}

impl Waiting {
    /// A number for a call, or none once the event loop has ended.
    fn open(&self, sender: SyncSender<Reply>) -> Option<u32> {
        let mut calls = self.lock();
        if calls.has_ended {
            return None;
        }
        calls.last = calls.last.wrapping_add(1);
        let number = calls.last;
        calls.by_number.insert(number, sender);
        Some(number)
    }

    fn take(&self, number: u32) -> Option<SyncSender<Reply>> {
        self.lock().by_number.remove(&number)
    }

    fn complete(&self, number: u32, reply: Reply) {
        if let Some(sender) = self.take(number) {
            // The receiver is gone if the wait has timed out.
            let _ = sender.try_send(reply);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped with the queue, at the latest when its environment is torn down. All waits end then.
struct EndOfLoop(Arc<Waiting>);

impl Drop for EndOfLoop {
    fn drop(&mut self) {
        let mut calls = self.0.lock();
        calls.has_ended = true;
        calls.by_number.clear();
    }
}

/// What the store's function threw. Its message may contain what was to be stored, so only its name
/// is kept.
#[derive(Clone, Debug)]
struct Failed {
    /// As in `save threw TypeError`.
    what: String,
    is_mistake: bool,
    thrown: Thrown,
}

impl Failed {
    fn into_error(self) -> BoxError {
        if self.is_mistake { Box::new(self.mistaken()) } else { Box::new(self) }
    }

    fn mistaken(self) -> sipgate_oauth2::Error {
        sipgate_oauth2::Error::mistaken_store(&format!("the store's {self}; see the cause"), self)
    }
}

/// The error that ended a check of a store, if one did.
pub(crate) fn thrown_in(violation: &Violation) -> Option<sipgate_oauth2::Error> {
    let cause = violation.source()?;
    let failed = || cause.downcast_ref::<Failed>().map(|failed| failed.clone().mistaken());
    cause.downcast_ref::<sipgate_oauth2::Error>().cloned().or_else(failed)
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.thrown)
    }
}

/// The number under which JavaScript keeps the error itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thrown(pub(crate) u32);

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an error that the store threw")
    }
}

impl Error for Thrown {}

/// A place for the replies of one store.
#[napi(catch_unwind)]
pub fn store_replies() -> External<Replies> {
    External::new(Replies(Arc::default()))
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
    replies.0.complete(number, Reply::Loaded(entry));
}

/// The reply to a call that saves: whether it was stored.
#[napi(catch_unwind)]
pub fn store_saved(replies: &External<Replies>, number: u32, stored: bool) {
    replies.0.complete(number, Reply::Saved(stored));
}

/// How a call of the store failed.
#[napi(object, object_to_js = false)]
pub struct StoreFailed {
    /// As in `save threw TypeError`.
    pub what: String,
    /// Whether it is a mistake in the store's code.
    pub is_mistake: bool,
    /// The number that the error is kept under.
    pub thrown: u32,
}

/// The reply to a call that failed.
#[napi(catch_unwind)]
pub fn store_failed(replies: &External<Replies>, number: u32, failed: StoreFailed) {
    let StoreFailed { what, is_mistake, thrown } = failed;
    replies.0.complete(number, Reply::Failed(Failed { what, is_mistake, thrown: Thrown(thrown) }));
}
