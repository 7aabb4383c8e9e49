//! A store of the application's own: called on the thread of its event loop, while a thread of the library's waits.

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
use sipgate_oauth2::store_kit::Violation;
use sipgate_oauth2::{StoreEntry, StoreFailure, StoreKey, Swapped, TokenStore};

/// How long a store may take before it counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(30);

/// What JavaScript carries a call out with. It answers later, by the call's number.
pub type CarryOut<'a> = Function<'a, StoreCall, UnknownReturnValue>;

/// A call of the store.
#[napi(object, object_from_js = false)]
pub struct StoreCall {
    /// The number to answer with.
    pub number: u32,
    /// What the entry is filed under.
    pub key: String,
    /// What to store; nothing: to load.
    pub save: Option<Save>,
}

/// What to store, and over what.
#[napi(object, object_from_js = false)]
pub struct Save {
    /// The version that must be there; nothing: no entry.
    pub expected: Option<String>,
    /// The new version.
    pub version: String,
    /// The login.
    pub data: Buffer,
    /// Seconds since 1970.
    pub ends: Option<i64>,
}

/// A place in the queue of the event loop. Weak: a store that nobody waits for does not keep the process alive.
type Queue = ThreadsafeFunction<StoreCall, UnknownReturnValue, StoreCall, Status, false, true>;

/// Told to the library's threads.
pub(crate) struct OwnStore {
    queue: Queue,
    replies: Arc<Waiting>,
}

impl OwnStore {
    pub(crate) fn new(carry_out: &CarryOut<'_>, replies: &Replies) -> napi::Result<Self> {
        let replies = Arc::clone(&replies.0);
        let end = EndOfLoop(Arc::clone(&replies));
        let queue = carry_out.build_threadsafe_function().weak::<true>().build_callback(move |call| {
            let _ = &end;
            Ok(call.value)
        })?;
        Ok(Self { queue, replies })
    }

    fn ask(&self, key: &StoreKey, save: Option<Save>) -> Result<Answer, StoreFailure> {
        let (sender, answer) = sync_channel(1);
        let number = self.replies.open(sender).ok_or(LOOP_ENDED)?;
        let call = StoreCall { number, key: key.as_str().to_owned(), save };
        if self.queue.call(call, ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
            self.replies.take(number);
            return Err(LOOP_ENDED.into());
        }
        match answer.recv_timeout(PATIENCE) {
            Ok(Answer::Failed(failed)) => Err(failed.failure()),
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Disconnected) => Err(LOOP_ENDED.into()),
            Err(RecvTimeoutError::Timeout) => {
                self.replies.take(number);
                Err("the store did not answer within 30 s; is the event loop blocked, or a promise never settled?".into())
            }
        }
    }
}

const LOOP_ENDED: &str = "the event loop of the store has ended";

impl TokenStore for OwnStore {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, StoreFailure> {
        match self.ask(key, None)? {
            Answer::Loaded(entry) => Ok(entry),
            _ => Err(MISTAKEN.into()),
        }
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<Swapped, StoreFailure> {
        let save = Save {
            expected: expected.map(str::to_owned),
            version: entry.version.clone(),
            data: entry.data.clone().into(),
            ends: entry.ends,
        };
        match self.ask(key, Some(save))? {
            Answer::Saved(true) => Ok(Swapped::Stored),
            Answer::Saved(false) => Ok(Swapped::Conflict),
            _ => Err(MISTAKEN.into()),
        }
    }
}

const MISTAKEN: &str = "the answer was to another question";

/// Where JavaScript's answers go, by the numbers of the calls.
pub struct Replies(Arc<Waiting>);

#[derive(Default)]
struct Waiting(Mutex<Calls>);

#[derive(Default)]
struct Calls {
    last: u32,
    has_ended: bool,
    by_number: HashMap<u32, SyncSender<Answer>>,
}

enum Answer {
    Loaded(Option<StoreEntry>),
    Saved(bool),
    Failed(Failed),
}

impl Waiting {
    /// A number for a call; none once the event loop has ended.
    fn open(&self, sender: SyncSender<Answer>) -> Option<u32> {
        let mut calls = self.lock();
        if calls.has_ended {
            return None;
        }
        calls.last = calls.last.wrapping_add(1);
        let number = calls.last;
        calls.by_number.insert(number, sender);
        Some(number)
    }

    fn take(&self, number: u32) -> Option<SyncSender<Answer>> {
        self.lock().by_number.remove(&number)
    }

    fn settle(&self, number: u32, answer: Answer) {
        if let Some(sender) = self.take(number) {
            // Nobody listens any more: the wait was given up.
            let _ = sender.try_send(answer);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped with the queue, at the latest when its environment is torn down: who waits then waits in vain.
struct EndOfLoop(Arc<Waiting>);

impl Drop for EndOfLoop {
    fn drop(&mut self) {
        let mut calls = self.0.lock();
        calls.has_ended = true;
        calls.by_number.clear();
    }
}

/// What the application's function threw. Its text may hold what was to be stored: only its name is said.
#[derive(Clone, Debug)]
struct Failed {
    /// As in `save threw TypeError`.
    what: String,
    is_mistake: bool,
    thrown: Thrown,
}

impl Failed {
    fn failure(self) -> StoreFailure {
        if self.is_mistake { Box::new(self.mistaken()) } else { Box::new(self) }
    }

    fn mistaken(self) -> sipgate_oauth2::Error {
        sipgate_oauth2::Error::mistaken_store(&format!("the store's {self}; see the cause"), self)
    }
}

/// The error that ended a check of a store, where one did.
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
        f.write_str("an error of the store's")
    }
}

impl Error for Thrown {}

/// A place for answers, of one store.
#[napi(catch_unwind)]
pub fn store_replies() -> External<Replies> {
    External::new(Replies(Arc::default()))
}

/// An entry as it was loaded.
#[napi(object, object_to_js = false)]
pub struct LoadedEntry {
    /// Its version.
    pub version: String,
    /// The login.
    pub data: Uint8Array,
    /// Seconds since 1970.
    pub ends: Option<i64>,
}

/// The answer to a call that loads.
#[napi(catch_unwind)]
pub fn store_loaded(replies: &External<Replies>, number: u32, entry: Option<LoadedEntry>) {
    let entry = entry.map(|LoadedEntry { version, data, ends }| StoreEntry { version, data: data.to_vec(), ends });
    replies.0.settle(number, Answer::Loaded(entry));
}

/// The answer to a call that saves: whether it was stored.
#[napi(catch_unwind)]
pub fn store_saved(replies: &External<Replies>, number: u32, stored: bool) {
    replies.0.settle(number, Answer::Saved(stored));
}

/// What a call of the store failed with.
#[napi(object, object_to_js = false)]
pub struct StoreFailed {
    /// As in `save threw TypeError`.
    pub what: String,
    /// Whether it is a mistake in the store's code.
    pub is_mistake: bool,
    /// The number that the error is kept under.
    pub thrown: u32,
}

/// The answer to a call that failed.
#[napi(catch_unwind)]
pub fn store_failed(replies: &External<Replies>, number: u32, failed: StoreFailed) {
    let StoreFailed { what, is_mistake, thrown } = failed;
    replies.0.settle(number, Answer::Failed(Failed { what, is_mistake, thrown: Thrown(thrown) }));
}
