//! Calls of JavaScript by other threads: the event loop's thread makes the call, and its reply
//! follows under the call's number while the other thread waits.

use std::collections::HashMap;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use napi::Status;
use sipgate_oauth2::BoxError;

use crate::thrown::Failed;

/// A store that takes longer counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(30);

const LOOP_ENDED: &str = "the event loop of the store has ended";

/// Those who wait for a reply.
pub(crate) struct Waiting<R>(Mutex<Calls<R>>);

struct Calls<R> {
    last: u32,
    has_ended: bool,
    by_number: HashMap<u32, SyncSender<Result<R, Failed>>>,
}

impl<R> Default for Waiting<R> {
    fn default() -> Self {
        Self(Mutex::new(Calls { last: 0, has_ended: false, by_number: HashMap::new() }))
    }
}

impl<R> Waiting<R> {
    /// The reply to a call. `call` gives it to the event loop, with its number.
    pub(crate) fn ask(&self, call: impl FnOnce(u32) -> Status) -> Result<R, BoxError> {
        let (sender, reply) = sync_channel(1);
        let number = self.open(sender).ok_or(LOOP_ENDED)?;
        if call(number) != Status::Ok {
            self.take(number);
            return Err(LOOP_ENDED.into());
        }
        match reply.recv_timeout(PATIENCE) {
            Ok(reply) => reply.map_err(Failed::into_error),
            Err(RecvTimeoutError::Disconnected) => Err(LOOP_ENDED.into()),
            Err(RecvTimeoutError::Timeout) => {
                self.take(number);
                Err("the store did not respond within 30 s; is the event loop blocked, or a promise never settled?".into())
            }
        }
    }

    pub(crate) fn complete(&self, number: u32, reply: Result<R, Failed>) {
        if let Some(sender) = self.take(number) {
            // The receiver is gone if the wait has timed out.
            let _ = sender.try_send(reply);
        }
    }

    /// A number for a call, or none once the event loop has ended.
    fn open(&self, sender: SyncSender<Result<R, Failed>>) -> Option<u32> {
        let mut calls = self.lock();
        if calls.has_ended {
            return None;
        }
        calls.last = calls.last.wrapping_add(1);
        let number = calls.last;
        calls.by_number.insert(number, sender);
        Some(number)
    }

    fn take(&self, number: u32) -> Option<SyncSender<Result<R, Failed>>> {
        self.lock().by_number.remove(&number)
    }

    fn lock(&self) -> MutexGuard<'_, Calls<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped with the queue, at the latest when its environment is torn down. All waits end then.
pub(crate) struct EndOfLoop<R>(Arc<Waiting<R>>);

impl<R> EndOfLoop<R> {
    pub(crate) fn new(waiting: &Arc<Waiting<R>>) -> Self {
        Self(Arc::clone(waiting))
    }
}

impl<R> Drop for EndOfLoop<R> {
    fn drop(&mut self) {
        let mut calls = self.0.lock();
        calls.has_ended = true;
        calls.by_number.clear();
    }
}
