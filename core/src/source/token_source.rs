//! The view of one account that an application holds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use aws_lc_rs::digest;

use super::errand::{Errand, given_up, stopped_waiting};
use super::lanes::{Landed, Lane, Waiter};
use super::pilot::{Pilot, milliseconds};
use super::status::TokenStatus;
use super::under_way::UnderWay;
use crate::call::Call;
use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::logout_outcome::LogoutOutcome;
use crate::oauth::grant::GivenUp;
use crate::oauth::token::TokenSet;
use crate::random;
use crate::refresh::answer::Received;
use crate::refresh::known::{Demand, Done, Judgement};
use crate::refresh::moment::Moment;
use crate::refresh::record::Account;
use crate::refresh::step::Goal;
use crate::running::Running;
use crate::secret::{AccessToken, Secret};
use crate::store::{Store, StoreKey};
use crate::sync::{AtomicU64, Ordering};

const MAX_ACCOUNT: usize = 1024;

/// The access token of one account, whenever it is asked for: from memory, from the store, or renewed, once for all threads and processes that ask.
///
/// Made by [`Client::complete_login`] or [`Client::token_source`]. Cheap to clone and to make anew for each request.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
/// let source = client.token_source("user-42")?;
/// let header = source.authorization_header()?;
/// println!("authorization: {}", header.reveal());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TokenSource(Arc<Inner>);

struct Inner {
    client: Client,
    store: Store,
    account: Arc<Account>,
    key: StoreKey,
    /// What may be handed out without another thought. A forked child may, too: it counts for `recheck` at most.
    at_hand: ArcSwapOption<AtHand>,
}

struct AtHand {
    token: AccessToken,
    until: u64,
    changes: Arc<AtomicU64>,
    seen: u64,
}

impl TokenSource {
    pub(crate) fn new(client: &Client, account: String) -> Result<Self> {
        if account.is_empty() || account.len() > MAX_ACCOUNT {
            return Err(Error::argument("account", "must be 1 to 1024 bytes; pass what names the user in your application"));
        }
        let Some(store) = client.0.store.clone() else {
            return Err(Error::argument("store", "is not set; give the client one: a SQLite database, or memory"));
        };
        let account = Account { issuer: client.issuer().to_owned(), client_id: client.client_id().to_owned(), account };
        let key = key(&["account", &account.issuer, &account.client_id, &account.account]);
        Ok(Self(Arc::new(Inner { client: client.clone(), store, account: account.into(), key, at_hand: ArcSwapOption::empty() })))
    }

    /// The account, as the application named it.
    pub fn account(&self) -> &str {
        &self.0.account.account
    }

    /// What events and logs call the account: 16 hexadecimal digits, made of issuer, client id and account, the same in all processes.
    pub fn account_hash(&self) -> &str {
        account_hash(&self.0.key)
    }

    /// An access token that an API takes now. Past most of its life the current one is given and refreshed in the background; only where it
    /// has ended does a caller wait for the new one.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::LoginRequired`] when somebody must log in; anything retryable when only the renewal failed.
    pub fn access_token(&self) -> Result<AccessToken> {
        match self.at_hand() {
            Some(token) => Ok(token),
            None => self.access_token_with(&Call::new()),
        }
    }

    /// [`access_token`](Self::access_token) with a timeout, a token to cancel it, or a life that is asked for.
    ///
    /// # Errors
    ///
    /// As there; and [`ErrorCode::Timeout`] or [`ErrorCode::Cancelled`]. A refresh that is under way goes on by itself.
    pub fn access_token_with(&self, call: &Call) -> Result<AccessToken> {
        self.start_access_token(call).wait(call)
    }

    /// [`access_token`](Self::access_token) without waiting.
    pub fn start_access_token(&self, call: &Call) -> Running<AccessToken> {
        Errand::start(self, call)
    }

    /// The value of an `Authorization` header: `Bearer …` (RFC 6750, section 2.1).
    ///
    /// # Errors
    ///
    /// As [`access_token`](Self::access_token).
    pub fn authorization_header(&self) -> Result<Secret> {
        self.access_token().map(|token| bearer(&token))
    }

    /// [`authorization_header`](Self::authorization_header) with a [`Call`].
    ///
    /// # Errors
    ///
    /// As [`access_token_with`](Self::access_token_with).
    pub fn authorization_header_with(&self, call: &Call) -> Result<Secret> {
        self.access_token_with(call).map(|token| bearer(&token))
    }

    /// The current token, if it can be handed out without asking the store or the server. Never blocks.
    pub fn peek(&self) -> Option<AccessToken> {
        self.at_hand().or_else(|| {
            let now = self.now();
            let demand = self.demand(&Call::new());
            let gives = self.lane().read(|known| matches!(known.judge(demand, Done::Nothing, now), Judgement::Give));
            if gives { self.held() } else { None }
        })
    }

    /// An API answered 401 to this access token: the next call renews it, if it still is the current one. Twenty late 401s cause one refresh. A
    /// token that is itself the outcome of this, and less than 10 s old, is not renewed again. Nothing is sent by this.
    ///
    /// After a 403 a new token would allow no more than the old one; but another process may have stored one that does, by a login with more scopes:
    /// [`status`](Self::status) looks into the store, and [`peek`](Self::peek) gives what it found.
    pub fn invalidate(&self, access_token: &AccessToken) {
        let now = self.now();
        self.lane().with(|known| known.invalidate(access_token.reveal(), now));
    }

    /// Renews the tokens now, also when they are fresh, or when the server has refused the login before.
    ///
    /// # Errors
    ///
    /// As [`access_token`](Self::access_token).
    pub fn refresh(&self) -> Result<AccessToken> {
        self.refresh_with(&Call::new())
    }

    /// [`refresh`](Self::refresh) with a [`Call`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn refresh_with(&self, call: &Call) -> Result<AccessToken> {
        self.start_refresh(call).wait(call)
    }

    /// [`refresh`](Self::refresh) without waiting.
    pub fn start_refresh(&self, call: &Call) -> Running<AccessToken> {
        Errand::start_forced(self, call)
    }

    /// Puts tokens that were got elsewhere in the place of this account's login: from the single steps, or from another library.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub fn save(&self, tokens: &TokenSet) -> Result<()> {
        self.save_with(tokens, &Call::new())
    }

    /// [`save`](Self::save) with a [`Call`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn save_with(&self, tokens: &TokenSet, call: &Call) -> Result<()> {
        self.start_save(tokens, call)?.wait(call)
    }

    /// [`save`](Self::save) without waiting.
    ///
    /// # Errors
    ///
    /// When no random number can be had.
    pub fn start_save(&self, tokens: &TokenSet, call: &Call) -> Result<Running<()>> {
        let [grant_id] = random::tokens(&*self.0.client.0.random)?;
        let received = Received { tokens: Ok(tokens.clone()), refresh_token: tokens.refresh_token().cloned(), sent: self.now() };
        Ok(self.fly(Goal::Save { grant_id, received: Box::new(received) }, call, |_| ()))
    }

    /// Ends the login: here at once, and then at the server, where it ends every login of this client in that browser's session. What it returns
    /// says whether a server was told: a client that has no revocation endpoint cannot tell one.
    ///
    /// # Errors
    ///
    /// When the server could not be told: nothing is handed out any more, and another call finishes it. [`ErrorCode::Busy`] when a refresh that was
    /// under way has not ended in time.
    pub fn logout(&self) -> Result<LogoutOutcome> {
        self.logout_with(&Call::new())
    }

    /// [`logout`](Self::logout) with a [`Call`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn logout_with(&self, call: &Call) -> Result<LogoutOutcome> {
        self.start_logout(call).wait(call)
    }

    /// [`logout`](Self::logout) without waiting.
    pub fn start_logout(&self, call: &Call) -> Running<LogoutOutcome> {
        self.fly(Goal::LogOut, call, LogoutOutcome::of)
    }

    /// How the login stands, by the store and without the network.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub fn status(&self) -> Result<TokenStatus> {
        self.status_with(&Call::new())
    }

    /// [`status`](Self::status) with a [`Call`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn status_with(&self, call: &Call) -> Result<TokenStatus> {
        self.start_status(call).wait(call)
    }

    /// [`status`](Self::status) without waiting.
    pub fn start_status(&self, call: &Call) -> Running<TokenStatus> {
        let (running, outcome) = given_up(self.lane());
        let lane = self.lane();
        let told = move |landed| {
            let status = lane.read(TokenStatus::of);
            match landed {
                // What could not be saved is known all the same.
                Landed::Ended { outcome: Err(error), .. } if !status.unsaved => outcome.put(Err(error)),
                _ => outcome.put(Ok(status)),
            }
        };
        self.lane().join(Goal::Look, self.pilot(call.timeout), Waiter { while_in_time: false, told: Box::new(told) });
        running
    }

    /// Checks that nothing is lost if the process ends now.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unsaved`] while new tokens are only in memory.
    pub fn ensure_saved(&self) -> Result<()> {
        if self.lane().read(|known| known.is_unsaved()) {
            return Err(Error::new(
                ErrorCode::Unsaved,
                "new tokens are held in memory and are not saved yet; fix the store before the process ends, or the login is lost",
            ));
        }
        Ok(())
    }

    /// A flight of its own, that nobody joins.
    fn fly<T: Send + 'static>(&self, goal: Goal, call: &Call, given: fn(bool) -> T) -> Running<T> {
        let (running, outcome) = given_up(self.lane());
        self.pilot(call.timeout).fly(goal, move |landed, _| outcome.put(landed.clone().map(given)));
        running
    }

    fn at_hand(&self) -> Option<AccessToken> {
        self.with_at_hand(AccessToken::clone)
    }

    /// What `work` makes of the token at hand, if there is one: for a binding that has its own form of it, and needs no clone.
    #[doc(hidden)]
    pub fn with_at_hand<T>(&self, work: impl FnOnce(&AccessToken) -> T) -> Option<T> {
        let at_hand = self.0.at_hand.load();
        let at_hand = at_hand.as_ref()?;
        let stands = at_hand.changes.load(Ordering::Acquire) == at_hand.seen && self.0.client.0.clock.mono() < at_hand.until;
        stands.then(|| work(&at_hand.token))
    }

    /// The token that was judged good, kept at hand for the next calls.
    pub(super) fn held(&self) -> Option<AccessToken> {
        let lane = self.lane();
        let now = self.now();
        let seen = lane.changes().load(Ordering::Acquire);
        let demand = self.demand(&Call::new());
        let (token, until) = lane.read(|known| {
            let tokens = known.record()?.tokens.as_ref()?;
            Some((tokens.access_token().clone(), known.at_hand_until(demand, now)))
        })?;
        if now.mono < until {
            let changes = Arc::clone(lane.changes());
            self.0.at_hand.store(Some(Arc::new(AtHand { token: token.clone(), until, changes, seen })));
        }
        Some(token)
    }

    /// The token that may be handed out where nothing better can be had.
    pub(super) fn usable(&self, demand: Demand) -> Option<AccessToken> {
        let now = self.now();
        self.lane().read(|known| {
            let usable = known.is_usable(demand, now);
            known.record().filter(|_| usable)?.tokens.as_ref().map(|tokens| tokens.access_token().clone())
        })
    }

    pub(super) fn given_up(&self, why: GivenUp, demand: Demand) -> Result<AccessToken> {
        match (why, self.usable(demand)) {
            (GivenUp::TimedOut, Some(token)) => Ok(token),
            _ => Err(stopped_waiting(why, self.lane().waits_for())),
        }
    }

    pub(super) fn demand(&self, call: &Call) -> Demand {
        let store = &self.0.store;
        Demand {
            min_validity: milliseconds(call.min_validity),
            recheck: store.recheck_milliseconds(),
            early: (!store.has_locks()).then(|| store.lanes().spread()),
            credentials: self.0.client.0.fingerprint,
        }
    }

    pub(super) fn now(&self) -> Moment {
        self.0.client.0.clock.moment()
    }

    pub(super) fn lane(&self) -> Arc<Lane> {
        self.0.store.lanes().lane(&self.0.account, &self.0.key, &*self.0.client.0.clock)
    }

    pub(super) fn store(&self) -> &Store {
        &self.0.store
    }

    /// Gives up on others a little before the caller does, who then learns why.
    pub(super) fn pilot(&self, timeout: Duration) -> Pilot {
        let patience = timeout - timeout / 10;
        Pilot {
            client: self.0.client.clone(),
            store: self.0.store.clone(),
            lane: self.lane(),
            patience,
            code: None,
            _under_way: UnderWay::begin(),
        }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSource").field("client", &self.0.client).field("account", &self.0.account.account).finish_non_exhaustive()
    }
}

/// What stands for an account where its name has no business.
pub(super) fn account_hash(key: &StoreKey) -> &str {
    &key.as_str()[..16]
}

/// What something is filed under. No part can be mistaken for two.
pub(super) fn key(parts: &[&str]) -> StoreKey {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    StoreKey::new(&bytes)
}

fn bearer(token: &AccessToken) -> Secret {
    Secret::from(format!("Bearer {}", token.reveal()))
}
