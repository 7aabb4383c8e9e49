//! The signature keys of servers. One fetch serves every caller that waits for it, and the process
//! keeps the keys.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};

use arc_swap::ArcSwapOption;
use protocol::error::{Error, Result};
use protocol::jose::jwks::KeySet;

use crate::http::{Proxy, Settings};
use crate::sys::process::PerProcess;
use crate::sys::sync::Mutex;
use crate::tls::Roots;
use crate::worker::pool;

/// After an unknown key has caused a fetch, another one causes none for this long.
const COOL_DOWN_MILLISECONDS: u64 = 60_000;

/// After a failed fetch, the next one waits for this long. Doubles with each failure.
const FIRST_RETRY_MILLISECONDS: u64 = 1_000;
const LONGEST_RETRY_MILLISECONDS: u64 = 30_000;

/// Keys of this age are fetched again while they are used: a key that was removed stops verifying.
const FRESH_MILLISECONDS: u64 = 3_600_000;

/// Keys of this age are not used any more.
const USABLE_MILLISECONDS: u64 = 24 * 3_600_000;

/// The keys of at most so many servers are kept.
const MAX_SERVERS: usize = 64;

/// Where keys come from.
pub(crate) trait KeySource: Send + Sync {
    /// The monotonic clock, in milliseconds.
    fn now(&self) -> u64;

    /// Fetches the keys on this thread.
    fn fetch_keys(&self) -> Result<KeySet>;
}

/// The keys of one server, for all clients that reach it in the same way.
pub(crate) struct ServerKeys {
    current: ArcSwapOption<Fetched>,
    fetch: PerProcess<Mutex<Fetch>>,
}

struct Fetched {
    keys: KeySet,
    at: u64,
}

/// Keys that were fetched. Looking one up takes no lock and copies nothing.
#[derive(Clone)]
pub(crate) struct KeysAtHand(Arc<Fetched>);

impl KeysAtHand {
    pub(crate) fn keys(&self) -> &KeySet {
        &self.0.keys
    }

    /// Whether both are from the same fetch.
    pub(crate) fn is(&self, other: Option<&Self>) -> bool {
        other.is_some_and(|other| Arc::ptr_eq(&self.0, &other.0))
    }
}

#[derive(Default)]
struct Fetch {
    waiters: Vec<Waiter>,
    in_progress: bool,
    /// When the next one may start.
    next: u64,
    failures: u32,
    /// Why the last one failed, if it did.
    error: Option<Error>,
}

type Waiter = Box<dyn FnOnce(Result<KeysAtHand>) + Send>;

/// The servers whose keys this process has.
type Servers = Mutex<Vec<(Server, Arc<ServerKeys>)>>;

/// What must be the same to share keys.
#[derive(Clone, PartialEq)]
struct Server {
    issuer: String,
    jwks_uri: Option<String>,
    /// An attacker who can change what one client receives must not choose the keys of another.
    roots: Roots,
    proxy: Proxy,
}

impl ServerKeys {
    /// The keys of this server in this process.
    pub(crate) fn of(issuer: &str, jwks_uri: Option<&str>, settings: &Settings) -> Arc<Self> {
        static SERVERS: PerProcess<Servers> = PerProcess::new();
        let servers = SERVERS.get_or_make(Mutex::default);
        let mut servers = servers.lock().unwrap_or_else(PoisonError::into_inner);
        let server = Server {
            issuer: issuer.to_owned(),
            jwks_uri: jwks_uri.map(str::to_owned),
            roots: settings.roots.clone(),
            proxy: settings.proxy.clone(),
        };
        if let Some((_, known)) = servers.iter().find(|(known, _)| *known == server) {
            return Arc::clone(known);
        }
        if servers.len() >= MAX_SERVERS {
            let unused = servers.iter().position(|(_, keys)| Arc::strong_count(keys) == 1);
            servers.remove(unused.unwrap_or_default());
        }
        let keys = Arc::new(Self { current: ArcSwapOption::empty(), fetch: PerProcess::new() });
        servers.push((server, Arc::clone(&keys)));
        keys
    }

    /// The keys that are known, if they may still be used.
    pub(crate) fn at_hand(&self, now: u64) -> Option<KeysAtHand> {
        let current = self.current.load_full()?;
        (now.saturating_sub(current.at) < USABLE_MILLISECONDS).then_some(KeysAtHand(current))
    }

    /// Fetches keys again once they are old. Nobody waits for that.
    pub(crate) fn keep_fresh(self: &Arc<Self>, source: Arc<dyn KeySource>, keys: &KeysAtHand) {
        if source.now().saturating_sub(keys.0.at) >= FRESH_MILLISECONDS {
            self.newer(source, Some(keys), |_| ());
        }
    }

    /// Whether a fetch may start now.
    pub(crate) fn may_fetch(&self, now: u64) -> bool {
        self.with_fetch(|fetch| now >= fetch.next)
    }

    /// Reports keys that are newer than those that were seen. If it is too early for another fetch,
    /// it reports the same keys again, or why the last fetch failed.
    pub(crate) fn newer(
        self: &Arc<Self>,
        source: Arc<dyn KeySource>,
        seen: Option<&KeysAtHand>,
        report: impl FnOnce(Result<KeysAtHand>) + Send + 'static,
    ) {
        let now = source.now();
        let mut report: Option<Waiter> = Some(Box::new(report));
        let (starts, outcome) = self.with_fetch(|fetch| {
            let at_hand = self.at_hand(now);
            if let Some(newer) = at_hand.as_ref().filter(|newer| !newer.is(seen)) {
                return (false, Some(Ok(newer.clone())));
            }
            if !fetch.in_progress && now < fetch.next {
                return (
                    false,
                    Some(match (&fetch.error, at_hand) {
                        (None, Some(keys)) => Ok(keys),
                        (error, _) => Err(error.clone().unwrap_or_else(|| Error::caught_panic("a fetch of keys"))),
                    }),
                );
            }
            fetch.waiters.extend(report.take());
            (!std::mem::replace(&mut fetch.in_progress, true), None)
        });
        if let (Some(outcome), Some(report)) = (outcome, report) {
            return report(outcome);
        }
        if starts {
            let keys = Arc::clone(self);
            if let Err(error) = pool::run(move || keys.fetch(&*source)) {
                self.fetched(now, Err(error));
            }
        }
    }

    fn fetch(&self, source: &dyn KeySource) {
        let fetched = catch_unwind(AssertUnwindSafe(|| source.fetch_keys()));
        self.fetched(source.now(), fetched.unwrap_or_else(|_| Err(Error::caught_panic("a fetch of keys"))));
    }

    fn fetched(&self, now: u64, fetched: Result<KeySet>) {
        // The first keys, and new ones for old ones, are no reason to wait.
        let was_known = self.current.load().as_ref().is_some_and(|known| now.saturating_sub(known.at) < FRESH_MILLISECONDS);
        let outcome = fetched.map(|keys| KeysAtHand(Arc::new(Fetched { keys, at: now })));
        let waiters = self.with_fetch(|fetch| {
            // Both at once: a caller that has seen these keys and wants newer ones must not join
            // this fetch.
            fetch.in_progress = false;
            if let Ok(KeysAtHand(fetched)) = &outcome {
                self.current.store(Some(Arc::clone(fetched)));
            }
            fetch.error = outcome.as_ref().err().cloned();
            let wait = if fetch.error.is_some() {
                let wait = (FIRST_RETRY_MILLISECONDS << fetch.failures.min(5)).min(LONGEST_RETRY_MILLISECONDS);
                fetch.failures = fetch.failures.saturating_add(1);
                wait
            } else {
                fetch.failures = 0;
                if was_known { COOL_DOWN_MILLISECONDS } else { 0 }
            };
            fetch.next = now.saturating_add(wait);
            std::mem::take(&mut fetch.waiters)
        });
        waiters.into_iter().for_each(|report| report(outcome.clone()));
    }

    fn with_fetch<T>(&self, act: impl FnOnce(&mut Fetch) -> T) -> T {
        let fetch = self.fetch.get_or_make(Mutex::default);
        let mut fetch = fetch.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut fetch)
    }
}
