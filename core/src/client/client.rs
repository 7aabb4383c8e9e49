//! The client: who we are, at which server, over which connections.

use std::fmt;
use std::sync::Arc;

use protocol::error::Result;
use protocol::oauth::authorization_code::AuthorizationCode;
use protocol::oauth::authorization_parameters::AuthorizationParameters;
use protocol::oauth::authorization_request::{self, AuthorizationRequest, RandomValues};
use protocol::oauth::authorization_response;
use protocol::oauth::grants::{RefreshParameters, TokenRequest};
use protocol::oauth::metadata::ServerMetadata;
use protocol::oauth::token_set::TokenSet;

use crate::context::Context;
use crate::exchange::Exchange;
use crate::session::login;
use crate::session::session::Session;
use crate::session::store::Store;
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
        let [state, nonce, code_verifier] = random::tokens(&*self.context.random)?;
        authorization_request::build(
            &self.context.metadata,
            self.client_id(),
            self.redirect_uri(),
            parameters.into(),
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
                Some(store) => login::start_exchange(&self.context, store, request, token_request, options, give_back),
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
    /// no usable response was received.
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
    /// `account` is what names the user in the application. A login that is stored for it is
    /// replaced.
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
    /// As [`exchange_callback`](Self::exchange_callback), and those of the store, before anything
    /// was sent.
    pub fn complete_login(&self, request: &AuthorizationRequest, callback: &str, account: impl Into<String>) -> Result<TokenSource> {
        self.start_complete_login(request, callback, account, &CallOptions::new()).wait()
    }

    /// [`complete_login`](Self::complete_login) without waiting. The callback is checked before
    /// this returns. A timeout and a cancel token end the wait only: if the code was sent, the
    /// login is stored.
    pub fn start_complete_login(
        &self,
        request: &AuthorizationRequest,
        callback: &str,
        account: impl Into<String>,
        options: &CallOptions,
    ) -> Task<TokenSource> {
        Task::started(options.refuse_cancelled().and_then(|()| {
            self.check_belongs(request)?;
            login::start(self.session(account.into())?, request, callback, options)
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
