//! One account of one client in one store: what a token source and the operations for it have in
//! common.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use protocol::error::{Error, Result};
use protocol::refresh::local_state::TokenRequirements;
use protocol::refresh::record::Account;
use protocol::secret::AccessToken;
use protocol::time::{Moment, milliseconds};

use super::driver::Driver;
use super::entry::key;
use super::in_flight::InFlight;
use super::single_flight::AccountState;
use super::store::Store;
use crate::context::Context;
use crate::store::StoreKey;
use crate::sys::clock::Clock;
use crate::sys::sync::{AtomicU64, Ordering};

const MAX_ACCOUNT: usize = 1024;

/// See the module.
pub(crate) struct Session {
    pub(super) context: Arc<Context>,
    pub(super) store: Store,
    pub(super) account: Arc<Account>,
    pub(super) key: StoreKey,
    /// The token that the next call may use without a lock. A forked child may use it too: it
    /// counts for `recheck` at most.
    cached: ArcSwapOption<CachedToken>,
}

/// The token is used while two clocks, which are cheap to read, are within the time for which it
/// counts. A machine that was suspended, or whose clock was set, looks again.
struct CachedToken {
    token: AccessToken,
    since: Moment,
    until: Moment,
    changes: Arc<AtomicU64>,
    seen: u64,
}

impl CachedToken {
    fn is_usable(&self, clock: &dyn Clock) -> bool {
        self.changes.load(Ordering::Acquire) == self.seen && {
            let now = clock.coarse();
            now.mono < self.until.mono && (self.since.wall..self.until.wall).contains(&now.wall)
        }
    }
}

impl Session {
    pub(crate) fn new(context: &Arc<Context>, store: Option<&Store>, account: String) -> Result<Self> {
        if account.is_empty() || account.len() > MAX_ACCOUNT {
            return Err(Error::invalid_argument("account", "must be 1 to 1024 bytes; pass what names the user in your application"));
        }
        let store = store.ok_or_else(no_store)?;
        let account = Account { issuer: context.metadata.issuer.clone(), client_id: context.credentials.client_id.clone(), account };
        let key = key(&["account", &account.issuer, &account.client_id, &account.account]);
        Ok(Self { context: Arc::clone(context), store: store.clone(), account: account.into(), key, cached: ArcSwapOption::empty() })
    }

    pub(super) fn now(&self) -> Moment {
        self.context.clock.moment()
    }

    /// What this process knows of the account.
    pub(super) fn state(&self) -> Arc<AccountState> {
        self.store.accounts().state(&self.account, &self.key, &*self.context.clock)
    }

    pub(super) fn requirements(&self, min_validity: Duration) -> TokenRequirements {
        TokenRequirements {
            min_validity: milliseconds(min_validity),
            recheck: self.store.recheck_milliseconds(),
            early_refresh: (!self.store.has_locks()).then(|| self.store.accounts().spread()),
            credentials: self.context.fingerprint,
            due: None,
        }
    }

    /// What carries out an operation for this account. It stops waiting for other processes a
    /// little before the caller stops waiting for it, so that the caller is told why.
    pub(super) fn driver(&self, timeout: Duration) -> Driver {
        let patience = timeout - timeout / 10;
        Driver {
            context: Arc::clone(&self.context),
            store: self.store.clone(),
            account_state: self.state(),
            patience,
            code: None,
            _in_flight: InFlight::begin(),
        }
    }

    /// What `work` makes of the cached token, if there is one that may still be used. Takes no
    /// lock.
    pub(super) fn with_cached<T>(&self, work: impl FnOnce(&AccessToken) -> T) -> Option<T> {
        let cached = self.cached.load();
        let cached = cached.as_ref()?;
        cached.is_usable(&*self.context.clock).then(|| work(&cached.token))
    }

    /// The account's current token, which is cached for the next calls.
    pub(super) fn current(&self) -> Option<AccessToken> {
        let account_state = self.state();
        // First, so that the token does not count for longer if this thread is held up here.
        let since = self.context.clock.coarse();
        let now = self.now();
        let seen = account_state.changes().load(Ordering::Acquire);
        let requirements = self.requirements(Duration::ZERO);
        let (token, until) = account_state.read(|local| {
            let tokens = local.record()?.tokens.as_ref()?;
            Some((tokens.access_token().clone(), local.cacheable_until(requirements, now)))
        })?;
        if let Some(left) = until.checked_sub(now.mono).filter(|left| *left > 0) {
            let until = Moment { wall: since.wall.saturating_add_unsigned(left), mono: since.mono.saturating_add(left) };
            let changes = Arc::clone(account_state.changes());
            self.cached.store(Some(Arc::new(CachedToken { token: token.clone(), since, until, changes, seen })));
        }
        Some(token)
    }

    /// The token that may be used where nothing better can be had.
    pub(super) fn usable(&self, requirements: TokenRequirements) -> Option<AccessToken> {
        let now = self.now();
        self.state().read(|local| {
            let usable = local.is_usable(requirements, now);
            local.record().filter(|_| usable)?.tokens.as_ref().map(|tokens| tokens.access_token().clone())
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("account", &self.account.account).finish_non_exhaustive()
    }
}

pub(crate) fn no_store() -> Error {
    Error::invalid_argument(
        "store",
        "is not set; give the client one, such as a SQLite database, or set SIPGATE_STORE for a client from the environment",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    struct At(Moment);

    impl Clock for At {
        fn moment(&self) -> Moment {
            self.0
        }
    }

    #[test]
    fn a_cached_token_is_used_while_both_clocks_are_within_its_time_and_nothing_has_changed() {
        let changes = Arc::new(AtomicU64::new(7));
        let cached = CachedToken {
            token: AccessToken::from("a"),
            since: Moment { wall: 1000, mono: 50 },
            until: Moment { wall: 1300, mono: 350 },
            changes: Arc::clone(&changes),
            seen: 7,
        };
        let is_usable = |wall, mono| cached.is_usable(&At(Moment { wall, mono }));
        assert!(is_usable(1000, 50) && is_usable(1299, 349));
        // The end, a suspended machine, and a clock that was set back or forward.
        for (wall, mono) in [(1299, 350), (1300, 349), (1300, 60), (999, 60), (-1000, 60)] {
            assert!(!is_usable(wall, mono), "{wall} {mono}");
        }
        changes.store(8, Ordering::Release);
        assert!(!is_usable(1000, 50));
    }
}
