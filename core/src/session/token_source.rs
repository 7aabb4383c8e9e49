//! The view of one account that an application holds.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use protocol::claims::Claims;
use protocol::error::{Error, ErrorCode, Result};
use protocol::oauth::token_set::TokenSet;
use protocol::openid::end_session::{self, LogoutParameters};
use protocol::refresh::action::Goal;
use protocol::refresh::local_state::{Attempted, Decision, LocalState, login_required, no_login};
use protocol::refresh::reply::{Received, ReceivedIdToken};
use protocol::secret::{AccessToken, Secret};

use super::access_token::{self, AccessTokenRequest};
use super::accounts_of_sessions;
use super::session::Session;
use super::single_flight::{Completion, Waiter};
use super::status::TokenStatus;
use super::userinfo::{UserinfoRequest, no_id_token};
use crate::logout_outcome::LogoutOutcome;
use crate::sys::random;
use crate::task::call_options::CallOptions;
use crate::task::task::Task;

/// The access token of one account, whenever it is asked for: from memory, from the store, or
/// refreshed, once for all threads and processes that ask.
///
/// [`Client::complete_login`](crate::Client::complete_login) and
/// [`Client::token_source`](crate::Client::token_source) make one. It is cheap to clone, and cheap
/// to make again for each request.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
/// let source = client.token_source("user-42")?;
/// let header = source.authorization_header()?;
/// println!("authorization: {}", header.reveal());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TokenSource(Arc<Session>);

impl TokenSource {
    pub(crate) fn new(session: Arc<Session>) -> Self {
        Self(session)
    }

    /// The account, as the application named it.
    pub fn account(&self) -> &str {
        &self.0.account.account
    }

    /// What events and logs call the account: 16 hexadecimal digits, made of issuer, client id and
    /// account. All processes have the same.
    pub fn account_hash(&self) -> &str {
        self.0.key.account_hash()
    }

    /// An access token that an API accepts now. Past 80 % of its lifetime, the current token is
    /// returned and refreshed in the background. A caller waits for a new token only if the current
    /// one has expired.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::LoginRequired`] if the user must log in. A retryable error if only the refresh
    /// failed.
    pub fn access_token(&self) -> Result<AccessToken> {
        match self.0.with_cached(AccessToken::clone) {
            Some(token) => Ok(token),
            None => self.start_access_token(Duration::ZERO, &CallOptions::new()).wait(),
        }
    }

    /// [`access_token`](Self::access_token) without waiting. The token stays valid for at least
    /// `min_validity`, such as for a long upload. That counts up to 80 % of a token's whole
    /// lifetime: a token is never valid for longer than the server grants.
    pub fn start_access_token(&self, min_validity: Duration, options: &CallOptions) -> Task<AccessToken> {
        AccessTokenRequest::start(&self.0, min_validity, options)
    }

    /// The value of an `Authorization` header: `Bearer …` (RFC 6750, section 2.1).
    ///
    /// # Errors
    ///
    /// As [`access_token`](Self::access_token).
    pub fn authorization_header(&self) -> Result<Secret> {
        self.access_token().map(|token| token.authorization_header())
    }

    /// The current token, if it can be used without asking the store or the server. Never blocks.
    pub fn peek(&self) -> Option<AccessToken> {
        self.0.with_cached(AccessToken::clone).or_else(|| {
            let now = self.0.now();
            let requirements = self.0.requirements(Duration::ZERO);
            let decision = self.0.state().read(|local| local.decision(requirements, Attempted::Nothing, now));
            if matches!(decision, Decision::Use) { self.0.current() } else { None }
        })
    }

    /// Tells that an API responded 401 to this access token. If it is still the current token, the
    /// next call refreshes it. Twenty late 401s cause one refresh. A token that is itself the
    /// outcome of this, and less than 10 s old, is not refreshed again. Nothing is sent by this
    /// call.
    ///
    /// After a 403, a new token would allow no more than the old one. But another process may have
    /// stored one that does, by a login with more scopes: [`status`](Self::status) reads the store,
    /// and [`peek`](Self::peek) returns what it found.
    pub fn invalidate(&self, access_token: &AccessToken) {
        let now = self.0.now();
        self.0.state().with(|local| local.invalidate(access_token.reveal(), now));
    }

    /// Refreshes the tokens now, also if they are fresh, or if the server has rejected the login
    /// before.
    ///
    /// # Errors
    ///
    /// As [`access_token`](Self::access_token).
    pub fn refresh(&self) -> Result<AccessToken> {
        self.start_refresh(&CallOptions::new()).wait()
    }

    /// [`refresh`](Self::refresh) without waiting.
    pub fn start_refresh(&self, options: &CallOptions) -> Task<AccessToken> {
        AccessTokenRequest::start_forced(&self.0, options)
    }

    /// Replaces this account's login with tokens from elsewhere: from the single steps, or from
    /// another library.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub fn save(&self, tokens: &TokenSet) -> Result<()> {
        self.start_save(tokens, &CallOptions::new()).wait()
    }

    /// [`save`](Self::save) without waiting.
    pub fn start_save(&self, tokens: &TokenSet, options: &CallOptions) -> Task<()> {
        Task::started(random::tokens(&*self.0.context.random).map(|[grant_id]| {
            let received = Received {
                tokens: Ok(tokens.clone()),
                refresh_token: tokens.refresh_token().cloned(),
                sent: self.0.now(),
                id_token: ReceivedIdToken::of_saved(tokens),
            };
            let (task, completer) = access_token::task(options, self.0.state());
            let session = Arc::clone(&self.0);
            let report = move |outcome: &Result<bool>, is_last| {
                if is_last && outcome.is_ok() {
                    accounts_of_sessions::remember(&session.context, &session.store, &session.state());
                }
                completer.complete(outcome.clone().map(|_| ()));
            };
            self.0.driver(options.timeout).run(Goal::Save { grant_id, received: Box::new(received) }, Box::new(report));
            task
        }))
    }

    /// Ends the login: here at once, and then at the server, where it ends every login of this
    /// client in the same browser session. The outcome says whether the server was told. Without a
    /// revocation endpoint it cannot be told.
    ///
    /// # Errors
    ///
    /// If the server could not be told. No token is returned any more, and another call finishes
    /// the logout. [`ErrorCode::Busy`] if a refresh was in flight and did not finish in time.
    pub fn logout(&self) -> Result<LogoutOutcome> {
        self.start_logout(&CallOptions::new()).wait()
    }

    /// [`logout`](Self::logout) without waiting.
    pub fn start_logout(&self, options: &CallOptions) -> Task<LogoutOutcome> {
        self.run(Goal::LogOut, options, LogoutOutcome::of)
    }

    /// Erases a user: ends the login as [`logout`](Self::logout) does, and then removes the user
    /// from the store. Afterwards there is no login, and
    /// [`Client::accounts`](crate::Client::accounts) does not list the account. The user can log
    /// in again.
    ///
    /// An entry without a name stays in the store for an hour, so that no other process restores
    /// the login.
    ///
    /// # Errors
    ///
    /// Those of [`logout`](Self::logout). If the server could not be told, the account is logged
    /// out, and another call finishes the erasure.
    pub fn forget(&self) -> Result<LogoutOutcome> {
        self.start_forget(&CallOptions::new()).wait()
    }

    /// [`forget`](Self::forget) without waiting.
    pub fn start_forget(&self, options: &CallOptions) -> Task<LogoutOutcome> {
        self.run(Goal::Forget, options, LogoutOutcome::of)
    }

    /// The state of the login, from the store, without the network.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub fn status(&self) -> Result<TokenStatus> {
        self.start_status(&CallOptions::new()).wait()
    }

    /// [`status`](Self::status) without waiting.
    pub fn start_status(&self, options: &CallOptions) -> Task<TokenStatus> {
        self.read(options, |local| Ok(TokenStatus::of(local)))
    }

    /// What the ID token says about the user, verified at the login and at each refresh that
    /// brought a new one. Reads the store, and not the network.
    ///
    /// `sub` names the user, and never changes. An `email` can change, and can be another user's
    /// tomorrow.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::LoginRequired`] if there is no login, or it has ended, and
    /// [`ErrorCode::IdToken`] if the login has no verified ID token: log in with the scope
    /// `openid`. Those of the store.
    pub fn claims(&self) -> Result<Claims> {
        self.start_claims(&CallOptions::new()).wait()
    }

    /// [`claims`](Self::claims) without waiting.
    pub fn start_claims(&self, options: &CallOptions) -> Task<Claims> {
        self.read(options, |local| {
            let record = local.record().ok_or_else(no_login)?;
            match login_required(record) {
                Some(error) => Err(error),
                None => record.tokens.as_ref().and_then(TokenSet::claims).ok_or_else(no_id_token),
            }
        })
    }

    /// Claims about the user from the server's userinfo endpoint (OpenID Connect Core, section
    /// 5.3). They are of the user of the ID token. If the server refuses the access token, it is
    /// refreshed once.
    ///
    /// # Errors
    ///
    /// As [`access_token`](Self::access_token). [`ErrorCode::IdToken`] if the claims are of another
    /// user, or the login has no verified ID token; [`ErrorCode::Unsupported`] if the server has no
    /// such endpoint; [`ErrorCode::Oauth`] that names the scope that the access token lacks.
    pub fn userinfo(&self) -> Result<Claims> {
        self.start_userinfo(&CallOptions::new()).wait()
    }

    /// [`userinfo`](Self::userinfo) without waiting.
    pub fn start_userinfo(&self, options: &CallOptions) -> Task<Claims> {
        UserinfoRequest::start(&self.0, options)
    }

    /// Starts a look into the store, and passes on what `read` makes of the login.
    fn read<T: Send + 'static>(&self, options: &CallOptions, read: impl Fn(&LocalState) -> Result<T> + Send + 'static) -> Task<T> {
        let (task, completer) = access_token::task(options, self.0.state());
        let account_state = self.0.state();
        let report = move |completion| {
            let (value, is_unsaved) = account_state.read(|local| (read(local), local.is_unsaved()));
            match completion {
                // What could not be saved is known all the same.
                Completion::Finished { outcome: Err(error), .. } if !is_unsaved => completer.complete(Err(error)),
                _ => completer.complete(value),
            }
        };
        let driver = self.0.driver(options.timeout);
        let waiter = Waiter { while_in_time: false, report: Box::new(report) };
        self.0.state().join(Goal::Reload, waiter, |goal, report| driver.run(goal, report));
        task
    }

    /// Checks that nothing is lost if the process exits now.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unsaved`] while new tokens are in memory only.
    pub fn ensure_saved(&self) -> Result<()> {
        if self.0.state().read(|local| local.is_unsaved()) {
            return Err(Error::new(
                ErrorCode::Unsaved,
                "new tokens are held in memory and are not saved yet; fix the store before the process exits, or the login is lost",
            ));
        }
        Ok(())
    }

    /// What `work` makes of the cached token, if there is one: for a binding that has its own form
    /// of it, and needs no clone.
    #[doc(hidden)]
    pub fn with_at_hand<T>(&self, work: impl FnOnce(&AccessToken) -> T) -> Option<T> {
        self.0.with_cached(work)
    }

    /// The URL that ends the user's session at the server, with the ID token of this login.
    pub(crate) fn start_logout_url(&self, parameters: LogoutParameters, options: &CallOptions) -> Task<String> {
        let context = Arc::clone(&self.0.context);
        self.read(options, move |local| {
            let url = |parameters: &LogoutParameters| end_session::url(&context.metadata, &context.credentials.client_id, parameters);
            match tokens(local).and_then(TokenSet::id_token) {
                // Without a hint, as with one that is too long for a URL, the server asks the user.
                Some(id_token) => url(&parameters.clone().id_token_hint(id_token.clone())).or_else(|_| url(&parameters)),
                None => url(&parameters),
            }
        })
    }

    /// Starts an operation that no other caller joins.
    fn run<T: Send + 'static>(&self, goal: Goal, options: &CallOptions, given: fn(bool) -> T) -> Task<T> {
        let (task, completer) = access_token::task(options, self.0.state());
        self.0.driver(options.timeout).run(goal, Box::new(move |outcome, _| completer.complete(outcome.clone().map(given))));
        task
    }
}

fn tokens(local: &LocalState) -> Option<&TokenSet> {
    local.record()?.tokens.as_ref()
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TokenSource").field(&self.0).finish()
    }
}
