//! The client: who we are, at which server, over which connections.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::builder::ClientBuilder;
use crate::call::Call;
use crate::clock::Clock;
use crate::environment;
use crate::error::{Error, ErrorCode, Result};
use crate::event::Events;
use crate::http::Transport;
use crate::logout_outcome::LogoutOutcome;
use crate::oauth::answer;
use crate::oauth::authorization::{AuthorizationRequest, Drawn};
use crate::oauth::authorization_code::AuthorizationCode;
use crate::oauth::authorization_parameters::AuthorizationParameters;
use crate::oauth::callback;
use crate::oauth::client_auth::Credentials;
use crate::oauth::grant::{Grant, RefreshParameters};
use crate::oauth::token::TokenSet;
use crate::provider::{Endpoints, Provider};
use crate::random::{self, Random};
use crate::running::Running;
use crate::secret::RefreshToken;
use crate::source::{TokenSource, login};
use crate::store::Store;
use crate::token_request::{self, TokenRequest};

/// A client of a login server. Cheap to clone, and to be used from any number of threads.
///
/// ```
/// use sipgate_oauth2::Client;
///
/// let client = Client::sipgate("2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e:third-party")
///     .client_secret("a1138f1-7-dc848ae6-99aa-23ed-23a4-b7da6846f141")
///     .redirect_uri("https://example.com/auth")
///     .build()?;
/// assert_eq!(client.issuer(), "https://login.sipgate.com/auth/realms/third-party");
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) endpoints: Endpoints,
    /// Scheme, host and port of the token endpoint: what bears only so many requests at once.
    pub(crate) server: String,
    pub(crate) request_timeout: Duration,
    pub(crate) credentials: Credentials,
    /// Of the credentials.
    pub(crate) fingerprint: u64,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) transport: Transport,
    pub(crate) events: Events,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) random: Box<dyn Random>,
    pub(crate) store: Option<Store>,
}

impl Client {
    /// A client at sipgate, in the realm that its id's suffix names (`…:third-party`, `…:sipgate-apps`).
    pub fn sipgate(client_id: impl Into<String>) -> ClientBuilder {
        Self::with_provider(client_id, Provider::sipgate())
    }

    /// A client at a Keycloak. `base` is what stands before `/realms`, such as `https://login.example.com/auth`.
    pub fn keycloak(client_id: impl Into<String>, base: impl Into<String>, realm: impl Into<String>) -> ClientBuilder {
        Self::with_provider(client_id, Provider::keycloak(base, realm))
    }

    /// A client at any server.
    pub fn with_provider(client_id: impl Into<String>, provider: Provider) -> ClientBuilder {
        ClientBuilder::new(provider, client_id.into())
    }

    /// A client as the environment says: `SIPGATE_CLIENT_ID`, `SIPGATE_CLIENT_SECRET`, `SIPGATE_REDIRECT_URI` and, optionally,
    /// `SIPGATE_REALM`, or `SIPGATE_ISSUER` for a Keycloak that is not sipgate's. `SIPGATE_STORE` is the path of a SQLite database,
    /// `sqlite:///full/path`, or `memory`; `SIPGATE_ENCRYPTION_KEYS` encrypts what is in it: one key or more, with commas between them, of which the first encrypts.
    /// The secret and the keys may be in files: `SIPGATE_CLIENT_SECRET_FILE` and `SIPGATE_ENCRYPTION_KEYS_FILE` are their paths. White
    /// space around a value is cut off.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`] that names the variable.
    pub fn from_env() -> Result<ClientBuilder> {
        environment::client()
    }

    /// A new pending login for this scope, and the URL to send the person to. No network.
    ///
    /// ```
    /// # let client = sipgate_oauth2::Client::sipgate("1-0-a:third-party").redirect_uri("https://example.com/auth").build()?;
    /// let pending = client.authorization_request(["balance:read", "sms:write"])?;
    /// assert!(pending.url().contains("&scope=balance%3Aread+sms%3Awrite&"));
    /// # Ok::<(), sipgate_oauth2::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`] that names the parameter.
    pub fn authorization_request(&self, parameters: impl Into<AuthorizationParameters>) -> Result<AuthorizationRequest> {
        let [state, nonce, code_verifier] = random::tokens(&*self.0.random)?;
        AuthorizationRequest::new(
            &self.0.endpoints,
            &self.0.credentials.client_id,
            self.0.redirect_uri.as_deref(),
            parameters.into(),
            Drawn { state, nonce, code_verifier },
            self.0.clock.unix_seconds(),
        )
    }

    /// Checks the callback against the pending login and exchanges its code for tokens. `callback` is best the query string of the request to the
    /// redirect URI; its path and query, the whole URL and a form body will do.
    ///
    /// The pending login is used by the request that this sends. Whatever is refused before that leaves it usable, and so does a code that is
    /// certainly unspent.
    ///
    /// ```
    /// # let client = sipgate_oauth2::Client::sipgate("1-0-a:third-party").redirect_uri("https://example.com/auth").build()?;
    /// use sipgate_oauth2::ErrorCode;
    ///
    /// let pending = client.authorization_request("balance:read")?;
    /// let refused = format!("state={}&error=access_denied", pending.state());
    /// assert_eq!(client.exchange_callback(&pending, &refused).unwrap_err().code(), ErrorCode::AuthorizationDenied);
    /// # Ok::<(), sipgate_oauth2::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The security checks of the callback, [`ErrorCode::AuthorizationDenied`] when the person refused, [`ErrorCode::LoginFailed`] when the code
    /// could not be exchanged; a code is never tried twice.
    pub fn exchange_callback(&self, pending: &AuthorizationRequest, callback: &str) -> Result<TokenSet> {
        self.exchange_callback_with(pending, callback, &Call::new())
    }

    /// [`exchange_callback`](Self::exchange_callback) with a timeout or a token to cancel it.
    ///
    /// ```no_run
    /// # fn f(client: &sipgate_oauth2::Client, pending: &sipgate_oauth2::AuthorizationRequest, query: &str) -> sipgate_oauth2::Result<()> {
    /// use std::time::Duration;
    /// use sipgate_oauth2::Call;
    ///
    /// let tokens = client.exchange_callback_with(pending, query, &Call::new().timeout(Duration::from_secs(10)))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As there; and [`ErrorCode::Timeout`] or [`ErrorCode::Cancelled`] when the wait ended before anything was sent.
    pub fn exchange_callback_with(&self, pending: &AuthorizationRequest, callback: &str, call: &Call) -> Result<TokenSet> {
        refuse_cancelled(call)?;
        self.start_exchange_callback(pending, callback)?.wait(call)
    }

    /// [`exchange_callback`](Self::exchange_callback) without waiting. The callback is checked before this returns.
    ///
    /// # Errors
    ///
    /// Those of the callback's check.
    pub fn start_exchange_callback(&self, pending: &AuthorizationRequest, callback: &str) -> Result<Running<TokenSet>> {
        self.check_belongs(pending)?;
        let code = callback::check(pending, callback, self.0.clock.unix_seconds())?;
        let unspent = pending.clone();
        let grant = Grant::code(code, None)?;
        if self.0.store.is_some() {
            return login::start_exchange(self, pending, grant, move || unspent.give_back());
        }
        TokenRequest::start(self.clone(), grant, || Ok(()), move || unspent.give_back())
    }

    /// Exchanges a code for tokens (RFC 6749, section 4.1.3), for applications that keep `state` and verifier and check callbacks themselves.
    ///
    /// # Errors
    ///
    /// As [`exchange_callback`](Self::exchange_callback), without those of the callback.
    pub fn exchange_code(&self, code: impl Into<AuthorizationCode>) -> Result<TokenSet> {
        self.exchange_code_with(code, &Call::new())
    }

    /// [`exchange_code`](Self::exchange_code) with a timeout or a token to cancel it.
    ///
    /// # Errors
    ///
    /// As there; and [`ErrorCode::Timeout`] or [`ErrorCode::Cancelled`] when the wait ended before anything was sent.
    pub fn exchange_code_with(&self, code: impl Into<AuthorizationCode>, call: &Call) -> Result<TokenSet> {
        refuse_cancelled(call)?;
        self.start_exchange_code(code)?.wait(call)
    }

    /// [`exchange_code`](Self::exchange_code) without waiting.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`] that names the field.
    pub fn start_exchange_code(&self, code: impl Into<AuthorizationCode>) -> Result<Running<TokenSet>> {
        TokenRequest::start(self.clone(), Grant::code(code.into(), self.0.redirect_uri.as_deref())?, || Ok(()), || {})
    }

    /// Exchanges a refresh token for new tokens (RFC 6749, section 6), once. Nothing is stored: keep what it returns.
    ///
    /// No two calls for the same login may run at once, in whatever threads or processes: a server that rotates refresh tokens ends the login
    /// for that, others refuse one of the two with `invalid_request` or `invalid_grant`. A [`TokenSource`] sees to it by itself.
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
    /// [`ErrorCode::LoginRequired`] when the server does not accept the token any more; [`ErrorCode::OutcomeUnknown`] when the request was sent and no
    /// usable answer came.
    pub fn refresh<P>(&self, parameters: P) -> Result<TokenSet>
    where
        P: TryInto<RefreshParameters>,
        Error: From<P::Error>,
    {
        self.refresh_with(parameters, &Call::new())
    }

    /// [`refresh`](Self::refresh) with a timeout or a token to cancel it.
    ///
    /// # Errors
    ///
    /// As there; and [`ErrorCode::Timeout`] or [`ErrorCode::Cancelled`] when the wait ended before anything was sent.
    pub fn refresh_with<P>(&self, parameters: P, call: &Call) -> Result<TokenSet>
    where
        P: TryInto<RefreshParameters>,
        Error: From<P::Error>,
    {
        refuse_cancelled(call)?;
        self.start_refresh(parameters)?.wait(call)
    }

    /// [`refresh`](Self::refresh) without waiting.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`] that names the field.
    pub fn start_refresh<P>(&self, parameters: P) -> Result<Running<TokenSet>>
    where
        P: TryInto<RefreshParameters>,
        Error: From<P::Error>,
    {
        TokenRequest::start(self.clone(), Grant::refresh(parameters.try_into()?)?, || Ok(()), || {})
    }

    /// Checks the callback, exchanges its code and stores the login of this account, for all processes that share the store. A callback that is
    /// loaded twice, in whatever process, makes one exchange, and both calls get the same login.
    ///
    /// `account` is what names the user in the application. A login that was there is replaced.
    ///
    /// ```no_run
    /// # fn f(client: &sipgate_oauth2::Client, kept: &str, query: &str) -> sipgate_oauth2::Result<()> {
    /// use sipgate_oauth2::AuthorizationRequest;
    ///
    /// let source = client.complete_login(&AuthorizationRequest::restore(kept)?, query, "user-42")?;
    /// let token = source.access_token()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`exchange_callback`](Self::exchange_callback), and those of the store, before anything was sent.
    pub fn complete_login(&self, pending: &AuthorizationRequest, callback: &str, account: impl Into<String>) -> Result<TokenSource> {
        self.complete_login_with(pending, callback, account, &Call::new())
    }

    /// [`complete_login`](Self::complete_login) with a timeout or a token to cancel it. Both end the wait only: a code that was sent makes a login.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn complete_login_with(
        &self,
        pending: &AuthorizationRequest,
        callback: &str,
        account: impl Into<String>,
        call: &Call,
    ) -> Result<TokenSource> {
        refuse_cancelled(call)?;
        self.start_complete_login(pending, callback, account)?.wait(call)
    }

    /// [`complete_login`](Self::complete_login) without waiting. The callback is checked before this returns.
    ///
    /// # Errors
    ///
    /// Those of the callback's check, and [`ErrorCode::InvalidArgument`] without a store.
    pub fn start_complete_login(
        &self,
        pending: &AuthorizationRequest,
        callback: &str,
        account: impl Into<String>,
    ) -> Result<Running<TokenSource>> {
        self.check_belongs(pending)?;
        login::start(self, pending, callback, account.into())
    }

    /// The tokens of this account, whether or not there is a login yet. No I/O.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`] without a store, or for an account that is empty or too long.
    pub fn token_source(&self, account: impl Into<String>) -> Result<TokenSource> {
        TokenSource::new(self, account.into())
    }

    /// Has the server end what this refresh token stands for (RFC 7009). A server that knows it no more has ended it already.
    pub(crate) fn revoke(&self, refresh_token: &RefreshToken) -> Result<LogoutOutcome> {
        let Some(endpoint) = &self.0.endpoints.revocation else { return Ok(LogoutOutcome::LocalOnly) };
        let parameters = [("token", refresh_token.reveal()), ("token_type_hint", "refresh_token")];
        let request = self.0.credentials.request(endpoint, &parameters);
        let grant = Grant::stored(refresh_token, None)?;
        let answer = match self.0.transport.send(&request, &Arc::default()) {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(LogoutOutcome::Revoked),
            sent => sent.and_then(answer::whole),
        };
        token_request::asked(self, &grant, endpoint, |asked| match answer {
            Ok(answer) => match asked.judge(&answer) {
                Err(error) if error.code() == ErrorCode::LoginRequired => Ok(LogoutOutcome::Revoked),
                Err(error) if error.is_unexplained_refusal() => {
                    let message =
                        format!("{endpoint} refused to end the login without a reason (status {}); check the client", answer.status);
                    Err(Error::new(ErrorCode::Oauth, message).with_status(answer.status))
                }
                Err(error) => Err(error),
                Ok(_) => Ok(LogoutOutcome::Revoked),
            },
            Err(failure) => Err(asked.failed(failure)),
        })
    }

    /// The issuer: the name that callbacks and ID tokens must give the server.
    pub fn issuer(&self) -> &str {
        &self.0.endpoints.issuer
    }

    /// The token endpoint's URL.
    pub fn token_endpoint(&self) -> &str {
        &self.0.endpoints.token
    }

    /// The client id.
    pub fn client_id(&self) -> &str {
        &self.0.credentials.client_id
    }

    /// The redirect URI of new pending logins, where one was set.
    pub fn redirect_uri(&self) -> Option<&str> {
        self.0.redirect_uri.as_deref()
    }

    fn check_belongs(&self, request: &AuthorizationRequest) -> Result<()> {
        request.check_belongs(&self.0.endpoints, &self.0.credentials.client_id, self.0.redirect_uri.as_deref())
    }
}

fn refuse_cancelled(call: &Call) -> Result<()> {
    match &call.cancel {
        Some(cancel) if cancel.is_cancelled() => Err(Error::new(ErrorCode::Cancelled, "cancelled before the call began; nothing was sent")),
        _ => Ok(()),
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("issuer", &self.0.endpoints.issuer)
            .field("client_id", &self.0.credentials.client_id)
            .field("redirect_uri", &self.0.redirect_uri)
            .finish_non_exhaustive()
    }
}
