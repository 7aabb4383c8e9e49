//! The client: who we are, at which server, over which connections.

use std::fmt;
use std::sync::Arc;

use protocol::error::{Error, Result};
use protocol::oauth::any_token::AnyToken;
use protocol::oauth::authorization_code::AuthorizationCode;
use protocol::oauth::authorization_parameters::AuthorizationParameters;
use protocol::oauth::authorization_request::{self, AuthorizationRequest, RandomValues};
use protocol::oauth::authorization_response;
use protocol::oauth::grants::{RefreshParameters, TokenRequest};
use protocol::oauth::introspection::{self, Introspection};
use protocol::oauth::metadata::{self, ServerMetadata};
use protocol::oauth::revocation;
use protocol::oauth::token_set::TokenSet;
use protocol::openid::end_session::{self, LogoutParameters};

use crate::context::Context;
use crate::exchange::{self, Exchange};
use crate::session::ended_sessions;
use crate::session::keep_alive::{self, KeepAlive};
use crate::session::login::{self, Whose};
use crate::session::session::{Session, no_store};
use crate::session::single_exchange;
use crate::session::store::Store;
use crate::session::stored_accounts::{self, Accounts, AccountsPage};
use crate::session::sweep::KeepAliveReport;
use crate::session::token_source::TokenSource;
use crate::sys::random;
use crate::task::call_options::CallOptions;
use crate::task::task::Task;

/// A client of a login server. It is cheap to clone, and any number of threads may use it.
///
/// ```
/// use sipgate_oauth2::ClientBuilder;
///
/// let client = ClientBuilder::sipgate("2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e:third-party")
///     .client_secret("a1138f1-7-dc848ae6-99aa-23ed-23a4-b7da6846f141")
///     .redirect_uri("https://example.com/auth")
///     .build()?;
/// assert_eq!(client.issuer(), "https://login.sipgate.com/auth/realms/third-party");
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    pub(super) context: Arc<Context>,
    store: Option<Store>,
}

impl Client {
    pub(super) fn new(context: Arc<Context>, store: Option<Store>) -> Self {
        Self { context, store }
    }

    /// A new authorization request for this scope, with the URL to send the user to. No network.
    ///
    /// ```
    /// # let client = sipgate_oauth2::ClientBuilder::sipgate("1-0-a:third-party").redirect_uri("https://example.com/auth").build()?;
    /// let request = client.authorization_request(["balance:read", "sms:write"])?;
    /// assert!(request.url().contains("&scope=balance%3Aread+sms%3Awrite&"));
    /// # Ok::<(), sipgate_oauth2::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) that names the parameter.
    pub fn authorization_request(&self, parameters: impl Into<AuthorizationParameters>) -> Result<AuthorizationRequest> {
        let parameters = parameters.into();
        self.check_can_judge(&parameters)?;
        let [state, nonce, code_verifier] = random::tokens(&*self.context.random)?;
        authorization_request::build(
            &self.context.metadata,
            self.client_id(),
            self.redirect_uri(),
            parameters,
            RandomValues { state, nonce, code_verifier },
            self.context.clock.unix_seconds(),
        )
    }

    /// Checks the authorization response against its request, and exchanges the code in it for
    /// tokens. `callback` is best the query string that the redirect URI was called with. Its path
    /// and query, the whole URL and a form body are read too.
    ///
    /// The authorization request is used once, by the token request that this sends. If the
    /// response is refused before that, or the code is certainly unspent, the request can be used
    /// again.
    ///
    /// ```
    /// # let client = sipgate_oauth2::ClientBuilder::sipgate("1-0-a:third-party").redirect_uri("https://example.com/auth").build()?;
    /// use sipgate_oauth2::ErrorCode;
    ///
    /// let request = client.authorization_request("balance:read")?;
    /// let denied = format!("state={}&error=access_denied", request.state());
    /// assert_eq!(client.exchange_callback(&request, &denied).unwrap_err().code(), ErrorCode::AuthorizationDenied);
    /// # Ok::<(), sipgate_oauth2::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the security checks.
    /// [`ErrorCode::AuthorizationDenied`](crate::ErrorCode::AuthorizationDenied) if the user denied
    /// access. [`ErrorCode::LoginFailed`](crate::ErrorCode::LoginFailed) if the code could not be
    /// exchanged: a code is never sent twice.
    pub fn exchange_callback(&self, request: &AuthorizationRequest, callback: &str) -> Result<TokenSet> {
        self.start_exchange_callback(request, callback, &CallOptions::new()).wait()
    }

    /// [`exchange_callback`](Self::exchange_callback) without waiting. The callback is checked
    /// before this returns.
    pub fn start_exchange_callback(&self, request: &AuthorizationRequest, callback: &str, options: &CallOptions) -> Task<TokenSet> {
        Task::started(options.refuse_cancelled().and_then(|()| {
            self.check_belongs(request)?;
            let code = authorization_response::check(request, callback, self.context.clock.unix_seconds())?;
            let unspent = request.clone();
            let token_request = TokenRequest::code(code, None)?;
            let give_back = move || authorization_request::give_back(&unspent);
            match &self.store {
                Some(store) => single_exchange::start(&self.context, store, request, token_request, options, give_back),
                None => Exchange::start(Arc::clone(&self.context), token_request, options, || Ok(()), give_back),
            }
        }))
    }

    /// Exchanges a code for tokens (RFC 6749, section 4.1.3), for applications that keep `state`
    /// and verifier and check authorization responses themselves.
    ///
    /// # Errors
    ///
    /// As [`exchange_callback`](Self::exchange_callback), without those of the response's checks.
    pub fn exchange_code(&self, code: impl Into<AuthorizationCode>) -> Result<TokenSet> {
        self.start_exchange_code(code, &CallOptions::new()).wait()
    }

    /// [`exchange_code`](Self::exchange_code) without waiting.
    pub fn start_exchange_code(&self, code: impl Into<AuthorizationCode>, options: &CallOptions) -> Task<TokenSet> {
        self.start(TokenRequest::code(code.into(), self.redirect_uri()), options)
    }

    /// Exchanges a refresh token for new tokens (RFC 6749, section 6), once. Nothing is stored:
    /// keep what it returns.
    ///
    /// No two calls for the same login may run at the same time, in any threads or processes. A
    /// server that rotates refresh tokens ends the login for that, and others refuse one of the two
    /// with `invalid_request` or `invalid_grant`. A [`TokenSource`] prevents this by itself.
    ///
    /// ```no_run
    /// # fn f(client: &sipgate_oauth2::Client, saved: &str) -> sipgate_oauth2::Result<()> {
    /// use sipgate_oauth2::TokenSet;
    ///
    /// let tokens = client.refresh(&TokenSet::restore(saved)?)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorCode::LoginRequired`](crate::ErrorCode::LoginRequired) if the server does not accept
    /// the token any more, or if there is none.
    /// [`ErrorCode::OutcomeUnknown`](crate::ErrorCode::OutcomeUnknown) if the request was sent and
    /// no usable response was received. If the error has a
    /// [`refresh_token`](crate::Error::refresh_token), keep that in place of the old one.
    pub fn refresh(&self, parameters: impl Into<RefreshParameters>) -> Result<TokenSet> {
        self.start_refresh(parameters, &CallOptions::new()).wait()
    }

    /// [`refresh`](Self::refresh) without waiting.
    pub fn start_refresh(&self, parameters: impl Into<RefreshParameters>, options: &CallOptions) -> Task<TokenSet> {
        self.start(TokenRequest::refresh(parameters.into()), options)
    }

    /// Checks the authorization response, exchanges its code and stores the login of this account
    /// for all processes that share the store. If the browser loads the callback twice, in the same
    /// process or another, one exchange is made, and both calls get the same login.
    ///
    /// The account is the user's id at the server: `sub` of the ID token, for which the scope must
    /// have `openid`. Or name it yourself, by what names the user in the application. A login that
    /// is stored for the account is replaced.
    ///
    /// ```no_run
    /// # fn f(client: &sipgate_oauth2::Client, kept: &str, query: &str) -> sipgate_oauth2::Result<()> {
    /// use sipgate_oauth2::AuthorizationRequest;
    ///
    /// let source = client.complete_login(&AuthorizationRequest::restore(kept)?, query, None)?;
    /// println!("hello, {}", source.account());
    /// let token = source.access_token()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`exchange_callback`](Self::exchange_callback), and those of the store, before anything
    /// was sent.
    pub fn complete_login<'a>(
        &self,
        request: &AuthorizationRequest,
        callback: &str,
        account: impl Into<Option<&'a str>>,
    ) -> Result<TokenSource> {
        self.start_complete_login(request, callback, account, &CallOptions::new()).wait()
    }

    /// [`complete_login`](Self::complete_login) without waiting. The callback is checked before
    /// this returns. A timeout and a cancel token end the wait only: if the code was sent, the
    /// login is stored.
    pub fn start_complete_login<'a>(
        &self,
        request: &AuthorizationRequest,
        callback: &str,
        account: impl Into<Option<&'a str>>,
        options: &CallOptions,
    ) -> Task<TokenSource> {
        Task::started(options.refuse_cancelled().and_then(|()| {
            self.check_belongs(request)?;
            let whose = self.whose(account.into(), request.requests_id_token())?;
            login::start(&self.context, self.store()?, whose, request, callback, options)
        }))
    }

    /// The tokens of this account, whether or not there is a login yet. No I/O.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) without a store, or for an
    /// account that is empty or too long.
    pub fn token_source(&self, account: impl Into<String>) -> Result<TokenSource> {
        self.session(account.into()).map(|session| TokenSource::new(Arc::new(session)))
    }

    /// The accounts of this client in the store, read page by page, in no particular order. A login
    /// that is stored meanwhile may be missing.
    ///
    /// An entry that cannot be read is listed without its name, as
    /// [`LoginState::Unreadable`](crate::LoginState::Unreadable): another client may own it.
    ///
    /// ```no_run
    /// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
    /// for account in client.accounts() {
    ///     let account = account?;
    ///     println!("{}: {}", account.account(), account.state());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the store, which end the iteration:
    /// [`ErrorCode::Unsupported`](crate::ErrorCode::Unsupported) if it is a custom store without
    /// [`keys`](crate::TokenStore::keys).
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if the client has none.
    pub fn accounts(&self) -> Accounts {
        let client = self.clone();
        Accounts::new(move |after| client.start_accounts(after, &CallOptions::new()).wait())
    }

    /// One page of [`accounts`](Self::accounts), without waiting: the accounts among the next 100
    /// entries. `after` is [`next`](AccountsPage::next) of the previous page, or `None` for the
    /// first one.
    pub fn start_accounts<'a>(&self, after: impl Into<Option<&'a str>>, options: &CallOptions) -> Task<AccountsPage> {
        Task::started(options.refuse_cancelled().and_then(|()| stored_accounts::start(&self.context, self.store()?, after.into(), options)))
    }

    /// Refreshes the logins that nobody has used for a week, because a server ends a login that is
    /// not refreshed for some time. Run it every hour, from cron or a thread, on any number of
    /// machines: they share the work, and look at each login once a day, or seven times within a
    /// shorter [`idle`](KeepAlive::idle).
    ///
    /// It stops after ten minutes, unless the call has a timeout, or after five failures in a row.
    /// The next call continues. All machines together refresh at most five logins a second.
    ///
    /// ```no_run
    /// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
    /// use sipgate_oauth2::KeepAlive;
    ///
    /// let report = client.keep_alive(&KeepAlive::new())?;
    /// for account in &report.login_required {
    ///     println!("{account} must log in again");
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the store, as for [`accounts`](Self::accounts). A refresh that fails is counted,
    /// and is no error.
    pub fn keep_alive(&self, settings: &KeepAlive) -> Result<KeepAliveReport> {
        self.start_keep_alive(settings, &CallOptions::new()).wait()
    }

    /// [`keep_alive`](Self::keep_alive) without waiting.
    pub fn start_keep_alive(&self, settings: &KeepAlive, options: &CallOptions) -> Task<KeepAliveReport> {
        Task::started(options.refuse_cancelled().and_then(|()| keep_alive::start(&self.context, self.store()?, settings, options)))
    }

    /// Ends the logins that a logout token of the server is about (OpenID Connect Back-Channel
    /// Logout), for all processes that share the store. Pass the parameter `logout_token` of the
    /// request that the server sent. Returns their accounts, so that their sessions in the
    /// application can end too.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::IdToken`](crate::ErrorCode::IdToken) or
    /// [`ErrorCode::IssuerMismatch`](crate::ErrorCode::IssuerMismatch) if the token is not good, or
    /// was used before: respond with 400. A retryable error if the server's keys or the store do
    /// not respond: respond with 503.
    pub fn accept_logout_token(&self, logout_token: &str) -> Result<Vec<String>> {
        self.start_accept_logout_token(logout_token, &CallOptions::new()).wait()
    }

    /// [`accept_logout_token`](Self::accept_logout_token) without waiting.
    pub fn start_accept_logout_token(&self, logout_token: &str, options: &CallOptions) -> Task<Vec<String>> {
        Task::started(
            options
                .refuse_cancelled()
                .and_then(|()| Ok(ended_sessions::start(&self.context, self.store()?, logout_token.trim().to_owned(), options))),
        )
    }

    /// Asks the server whether a token is active, and what it knows of it (RFC 7662). The response
    /// holds for this moment only.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unsupported`](crate::ErrorCode::Unsupported) if the server has no such
    /// endpoint, and [`ErrorCode::BadResponse`](crate::ErrorCode::BadResponse) if the response does
    /// not say whether the token is active.
    pub fn introspect(&self, token: impl Into<AnyToken>) -> Result<Introspection> {
        self.start_introspect(token, &CallOptions::new()).wait()
    }

    /// [`introspect`](Self::introspect) without waiting.
    pub fn start_introspect(&self, token: impl Into<AnyToken>, options: &CallOptions) -> Task<Introspection> {
        Task::started(options.refuse_cancelled().and_then(|()| {
            let url = metadata::required("introspection_endpoint", self.metadata().introspection_endpoint.as_ref())?;
            Ok(exchange::call(&self.context, introspection::request(&token.into())?, url, options, introspection::process))
        }))
    }

    /// Revokes a token at the server (RFC 7009). With a refresh token, the login ends there. A
    /// [`TokenSource`] has [`logout`](TokenSource::logout), which ends the login in the store too.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unsupported`](crate::ErrorCode::Unsupported) if the server has no such
    /// endpoint, or does not revoke tokens of this type.
    pub fn revoke(&self, token: impl Into<AnyToken>) -> Result<()> {
        self.start_revoke(token, &CallOptions::new()).wait()
    }

    /// [`revoke`](Self::revoke) without waiting.
    pub fn start_revoke(&self, token: impl Into<AnyToken>, options: &CallOptions) -> Task<()> {
        Task::started(options.refuse_cancelled().and_then(|()| {
            let url = metadata::required("revocation_endpoint", self.metadata().revocation_endpoint.as_ref())?;
            Ok(exchange::call(&self.context, revocation::request(&token.into())?, url, options, revocation::process))
        }))
    }

    /// The URL to send the user's browser to, to end the session at the server (OpenID Connect
    /// RP-Initiated Logout). Without a source, name the ID token in the parameters, or the server
    /// asks the user. Reads the store, and not the network.
    ///
    /// This ends the session at the server. [`TokenSource::logout`] ends the login here.
    ///
    /// ```no_run
    /// # fn f(client: &sipgate_oauth2::Client, source: &sipgate_oauth2::TokenSource) -> sipgate_oauth2::Result<()> {
    /// use sipgate_oauth2::LogoutParameters;
    ///
    /// let parameters = LogoutParameters::new().post_logout_redirect_uri("https://example.com/bye");
    /// let url = client.logout_url(source, parameters)?;
    /// source.logout()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unsupported`](crate::ErrorCode::Unsupported) if the server has no endpoint for
    /// that, and [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) that names the
    /// parameter. Those of the store.
    pub fn logout_url<'a>(&self, source: impl Into<Option<&'a TokenSource>>, parameters: LogoutParameters) -> Result<String> {
        self.start_logout_url(source, parameters, &CallOptions::new()).wait()
    }

    /// [`logout_url`](Self::logout_url) without waiting.
    pub fn start_logout_url<'a>(
        &self,
        source: impl Into<Option<&'a TokenSource>>,
        parameters: LogoutParameters,
        options: &CallOptions,
    ) -> Task<String> {
        match source.into() {
            Some(source) => source.start_logout_url(parameters, options),
            None => Task::finished(end_session::url(self.metadata(), self.client_id(), &parameters)),
        }
    }

    /// Checks that the server sent the user back after the logout with this `state` (OpenID Connect
    /// RP-Initiated Logout, section 3). `callback` is best the query string that the address was
    /// called with. No network.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::StateMismatch`](crate::ErrorCode::StateMismatch) if the state is another one,
    /// or is missing.
    pub fn check_logout_response(&self, callback: &str, state: &str) -> Result<()> {
        end_session::check_response(callback, state)
    }

    /// The server's metadata: what was given, or what a preset knows.
    pub fn metadata(&self) -> &ServerMetadata {
        &self.context.metadata
    }

    /// The issuer: the name that authorization responses and ID tokens must give the server.
    pub fn issuer(&self) -> &str {
        &self.context.metadata.issuer
    }

    /// The token endpoint's URL.
    pub fn token_endpoint(&self) -> &str {
        &self.context.token_endpoint
    }

    /// The client id.
    pub fn client_id(&self) -> &str {
        &self.context.credentials.client_id
    }

    /// The redirect URI of new authorization requests, if one was set.
    pub fn redirect_uri(&self) -> Option<&str> {
        self.context.redirect_uri.as_deref()
    }

    fn start(&self, request: Result<TokenRequest>, options: &CallOptions) -> Task<TokenSet> {
        Task::started(
            options.refuse_cancelled().and_then(|()| Exchange::start(Arc::clone(&self.context), request?, options, || Ok(()), || {})),
        )
    }

    fn session(&self, account: String) -> Result<Session> {
        Session::new(&self.context, self.store.as_ref(), account)
    }

    fn whose(&self, account: Option<&str>, requests_id_token: bool) -> Result<Whose> {
        self.store()?;
        match account {
            Some(account) => Ok(Whose::Named(Arc::new(self.session(account.to_owned())?))),
            None if requests_id_token => Ok(Whose::Subject),
            None => Err(Error::invalid_argument("account", "is missing; name the account, or log in with the scope openid")),
        }
    }

    /// Before the user logs in: afterwards there would be nothing to store the login in, or no
    /// account.
    pub(super) fn check_can_log_in(&self, account: Option<&str>, parameters: &AuthorizationParameters) -> Result<()> {
        if !parameters.requests_query() {
            return Err(Error::invalid_argument("response_mode", "must be query for a login in the browser; leave it out"));
        }
        self.whose(account, parameters.requests_id_token()).map(|_| ())
    }

    /// Before the user logs in: without keys, the ID token could not be verified afterwards.
    fn check_can_judge(&self, parameters: &AuthorizationParameters) -> Result<()> {
        let Context { token_rules, metadata, .. } = &*self.context;
        if parameters.requests_id_token() && metadata.jwks_uri.is_none() && !token_rules.needs_no_keys() {
            let problem = "is missing in the metadata, and the ID token that openid requests cannot be verified without it";
            return Err(Error::invalid_argument("jwks_uri", problem));
        }
        Ok(())
    }

    pub(super) fn store(&self) -> Result<&Store> {
        self.store.as_ref().ok_or_else(no_store)
    }

    fn check_belongs(&self, request: &AuthorizationRequest) -> Result<()> {
        authorization_request::check_belongs(request, self.metadata(), self.client_id(), self.redirect_uri())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("issuer", &self.issuer())
            .field("client_id", &self.client_id())
            .field("redirect_uri", &self.redirect_uri())
            .finish_non_exhaustive()
    }
}
