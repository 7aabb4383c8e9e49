//! Clients.

#![expect(clippy::needless_pass_by_value, reason = "this is how napi hands arguments over")]

use std::sync::mpsc;
use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Either, External};
use napi_derive::napi;
use sipgate_oauth2::{
    AccountsPage, AnyToken, AuthorizationCode, AuthorizationParameters, AuthorizationRequest, BrowserLogin, Client, ClientBuilder, Error,
    KeepAlive, KeepAliveReport, LogoutParameters, RefreshParameters, Result, Secret, ServerMetadata, Store, TokenSet, TokenSource,
};

use crate::authorization_request::AuthorizationOptions;
use crate::error::{ErrorFields, IntoJavaScript};
use crate::events::Listener;
use crate::task::{Started, call_options, duration, started};

/// The options of every kind of client.
#[napi(object, object_to_js = false)]
pub struct ClientOptions {
    /// The secret of a confidential client.
    pub client_secret: Option<String>,
    /// `client_secret_post`, `client_secret_basic` or `none`.
    pub client_authentication: Option<String>,
    /// Where the server sends the user back to.
    pub redirect_uri: Option<String>,
    /// The sipgate realm.
    pub realm: Option<String>,
    /// The contents of a PEM file.
    pub ca_certificates: Option<String>,
    /// `http://host:port`, `socks5://host:port` or `direct`.
    pub proxy: Option<String>,
    /// Seconds.
    pub connect_timeout: Option<f64>,
    /// Seconds.
    pub request_timeout: Option<f64>,
    /// The signature algorithms of ID tokens.
    pub id_token_signed_response_alg: Option<Vec<String>>,
    /// Other audiences that an ID token may have.
    pub trusted_audiences: Option<Vec<String>>,
    /// Seconds.
    pub leeway: Option<f64>,
    /// The number that its events carry.
    pub number: u32,
}

impl ClientOptions {
    fn build(self, mut builder: ClientBuilder, listener: &Listener, store: Option<&External<Store>>) -> Result<External<Client>> {
        if let Some(secret) = self.client_secret {
            builder = builder.client_secret(secret);
        }
        if let Some(name) = self.client_authentication {
            builder = builder.client_authentication(name.parse()?);
        }
        if let Some(redirect_uri) = self.redirect_uri {
            builder = builder.redirect_uri(redirect_uri);
        }
        if let Some(realm) = self.realm {
            builder = builder.realm(realm);
        }
        if let Some(pem) = self.ca_certificates {
            builder = builder.ca_certificates(pem);
        }
        if let Some(proxy) = self.proxy {
            builder = builder.proxy(proxy);
        }
        if let Some(timeout) = self.connect_timeout {
            builder = builder.connect_timeout(seconds("connect_timeout", timeout)?);
        }
        if let Some(timeout) = self.request_timeout {
            builder = builder.request_timeout(seconds("request_timeout", timeout)?);
        }
        if let Some(algorithms) = self.id_token_signed_response_alg {
            builder = builder.id_token_signed_response_alg(algorithms);
        }
        if let Some(audiences) = self.trusted_audiences {
            builder = builder.trusted_audiences(audiences);
        }
        if let Some(leeway) = self.leeway {
            builder = builder.leeway(duration("leeway", leeway)?);
        }
        if let Some(store) = store {
            let store: &Store = store;
            builder = builder.store(store.clone());
        }
        builder.on_event(listener.of_client(self.number)).build().map(External::new)
    }
}

pub(crate) fn seconds(field: &str, seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| Error::invalid_argument(field, "must be more than 0 and at most 3600 seconds"))
}

/// A client of any server, by its metadata as JSON text.
#[napi(catch_unwind)]
pub fn metadata_client(
    env: Env,
    metadata: String,
    client_id: String,
    options: ClientOptions,
    listener: &External<Listener>,
    store: Option<&External<Store>>,
) -> napi::Result<External<Client>> {
    ServerMetadata::from_json(&metadata)
        .and_then(|metadata| options.build(Client::builder(metadata, client_id), listener, store))
        .or_throw(env)
}

/// A client of sipgate.
#[napi(catch_unwind)]
pub fn sipgate_client(
    env: Env,
    client_id: String,
    options: ClientOptions,
    listener: &External<Listener>,
    store: Option<&External<Store>>,
) -> napi::Result<External<Client>> {
    options.build(ClientBuilder::sipgate(client_id), listener, store).or_throw(env)
}

/// A client of a Keycloak.
#[napi(catch_unwind)]
pub fn keycloak_client(
    env: Env,
    base: String,
    realm: String,
    client_id: String,
    options: ClientOptions,
    listener: &External<Listener>,
    store: Option<&External<Store>>,
) -> napi::Result<External<Client>> {
    options.build(ClientBuilder::keycloak(base, realm, client_id), listener, store).or_throw(env)
}

/// A client that the environment describes.
#[napi(catch_unwind)]
pub fn environment_client(
    env: Env,
    options: ClientOptions,
    listener: &External<Listener>,
    store: Option<&External<Store>>,
) -> napi::Result<External<Client>> {
    ClientBuilder::from_env().and_then(|builder| options.build(builder, listener, store)).or_throw(env)
}

/// A client's members.
#[napi(object, object_from_js = false)]
pub struct ClientMembers<'a> {
    /// The server's name.
    pub issuer: &'a str,
    /// The token endpoint's URL.
    pub token_endpoint: &'a str,
    /// The client id.
    pub client_id: &'a str,
    /// Where the server sends users back to.
    pub redirect_uri: Option<&'a str>,
}

/// A client's members.
#[napi(catch_unwind)]
pub fn client_members(client: &External<Client>) -> ClientMembers<'_> {
    ClientMembers {
        issuer: client.issuer(),
        token_endpoint: client.token_endpoint(),
        client_id: client.client_id(),
        redirect_uri: client.redirect_uri(),
    }
}

/// The metadata of a client's server, as JSON text.
#[napi(catch_unwind)]
pub fn client_metadata(client: &External<Client>) -> String {
    client.metadata().to_json()
}

/// Exchanges the code in an authorization response.
#[napi(catch_unwind)]
pub fn start_exchange_callback(
    env: Env,
    client: &External<Client>,
    request: &External<AuthorizationRequest>,
    callback: String,
    timeout: Option<f64>,
) -> Started {
    started(env, client.start_exchange_callback(request, Secret::from(callback).reveal(), &call_options(timeout)), External::new)
}

/// What is sent with a code.
#[napi(object, object_to_js = false)]
pub struct CodeOptions {
    /// The PKCE verifier.
    pub code_verifier: Option<String>,
    /// The redirect URI of the authorization URL.
    pub redirect_uri: Option<String>,
    /// The scope that was requested.
    pub scope: Option<String>,
    /// The `nonce` of the authorization URL.
    pub nonce: Option<String>,
}

/// Exchanges a code.
#[napi(catch_unwind)]
pub fn start_exchange_code(env: Env, client: &External<Client>, code: String, with: CodeOptions, timeout: Option<f64>) -> Started {
    let mut code = AuthorizationCode::new(code);
    if let Some(verifier) = with.code_verifier {
        code = code.code_verifier(verifier);
    }
    if let Some(redirect_uri) = with.redirect_uri {
        code = code.redirect_uri(redirect_uri);
    }
    if let Some(scope) = with.scope {
        code = code.scope(scope);
    }
    if let Some(nonce) = with.nonce {
        code = code.nonce(nonce);
    }
    started(env, client.start_exchange_code(code, &call_options(timeout)), External::new)
}

/// Exchanges a refresh token: one that JavaScript has as text, or that of a token set.
#[napi(catch_unwind)]
pub fn start_refresh(
    env: Env,
    client: &External<Client>,
    tokens: Either<String, &External<TokenSet>>,
    scope: Option<String>,
    timeout: Option<f64>,
) -> Started {
    let mut parameters = match tokens {
        Either::A(refresh_token) => RefreshParameters::new(refresh_token),
        Either::B(tokens) => RefreshParameters::from(&**tokens),
    };
    if let Some(scope) = scope {
        parameters = parameters.scope(scope);
    }
    started(env, client.start_refresh(parameters, &call_options(timeout)), External::new)
}

/// Exchanges the code in an authorization response, and stores the login.
#[napi(catch_unwind)]
pub fn start_complete_login(
    env: Env,
    client: &External<Client>,
    request: &External<AuthorizationRequest>,
    callback: String,
    account: Option<String>,
    timeout: Option<f64>,
) -> Started {
    let callback = Secret::from(callback);
    let task = client.start_complete_login(request, callback.reveal(), account.as_deref(), &call_options(timeout));
    started(env, task, External::new)
}

/// Logs a user in, in a browser on this machine. The `url` that it opens is a member of what was
/// started.
#[napi(catch_unwind)]
pub fn start_login_in_browser(
    env: Env,
    client: &External<Client>,
    scope: String,
    account: Option<String>,
    options: AuthorizationOptions,
    tells_url: bool,
    timeout: Option<f64>,
) -> Started {
    let mut login = BrowserLogin::new(options.apply(AuthorizationParameters::new(scope)).or_throw(env)?);
    if let Some(account) = account {
        login = login.account(account);
    }
    let (sender, told) = mpsc::channel();
    if tells_url {
        login = login.on_url(move |url| sender.send(url.to_owned()).unwrap_or_default());
    }
    let mut started = started(env, client.start_login_in_browser(login, &call_options(timeout)), External::new)?;
    if let Ok(url) = told.try_recv() {
        started.set("url", url)?;
    }
    Ok(started)
}

/// A page of the accounts in the store.
#[napi(object, object_from_js = false)]
pub struct StoredAccounts {
    /// The accounts.
    pub accounts: Vec<Stored>,
    /// Where the next page starts.
    pub next: Option<String>,
}

/// An account in the store.
#[napi(object, object_from_js = false)]
pub struct Stored {
    /// The account, as the application named it.
    pub account: String,
    /// What events call it.
    pub account_hash: String,
    /// `active`, `rejected`, `logged_out` or `unreadable`.
    pub state: &'static str,
    /// Why the last refresh failed, why the login ended, or why the entry cannot be read.
    pub last_error: Option<ErrorFields>,
}

impl From<AccountsPage> for StoredAccounts {
    fn from(page: AccountsPage) -> Self {
        let accounts = page.accounts.iter().map(|account| Stored {
            account: account.account().to_owned(),
            account_hash: account.account_hash().to_owned(),
            state: account.state().as_str(),
            last_error: account.last_error().map(ErrorFields::from),
        });
        Self { accounts: accounts.collect(), next: page.next }
    }
}

/// The accounts in the next entries after a place.
#[napi(catch_unwind)]
pub fn start_accounts(env: Env, client: &External<Client>, after: Option<String>, timeout: Option<f64>) -> Started {
    started(env, client.start_accounts(after.as_deref(), &call_options(timeout)), StoredAccounts::from)
}

/// What was done to keep logins alive.
#[napi(object, object_from_js = false)]
pub struct Report {
    /// How many logins were looked at.
    pub seen: i64,
    /// How many were refreshed.
    pub renewed: i64,
    /// How many could not be refreshed or read.
    pub failed: i64,
    /// The accounts that must log in again.
    pub login_required: Vec<String>,
}

impl From<KeepAliveReport> for Report {
    fn from(report: KeepAliveReport) -> Self {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            seen: number(report.seen),
            renewed: number(report.renewed),
            failed: number(report.failed),
            login_required: report.login_required,
        }
    }
}

/// Refreshes logins that nobody uses.
#[napi(catch_unwind)]
pub fn start_keep_alive(env: Env, client: &External<Client>, idle: Option<f64>, timeout: Option<f64>) -> Started {
    let settings =
        idle.map_or_else(KeepAlive::new, |idle| KeepAlive::new().idle(Duration::try_from_secs_f64(idle).unwrap_or(Duration::MAX)));
    started(env, client.start_keep_alive(&settings, &call_options(timeout)), Report::from)
}

/// The accounts whose logins a logout token ends.
#[napi(catch_unwind)]
pub fn start_accept_logout_token(env: Env, client: &External<Client>, logout_token: String, timeout: Option<f64>) -> Started {
    started(env, client.start_accept_logout_token(&logout_token, &call_options(timeout)), |accounts| accounts)
}

/// What the server knows of a token, as JSON text.
#[napi(catch_unwind)]
pub fn start_introspect(env: Env, client: &External<Client>, token: String, timeout: Option<f64>) -> Started {
    let token = AnyToken::from(token.as_str());
    started(env, client.start_introspect(token, &call_options(timeout)), |introspection| introspection.to_json())
}

/// Revokes a token.
#[napi(catch_unwind)]
pub fn start_revoke(env: Env, client: &External<Client>, token: String, timeout: Option<f64>) -> Started {
    started(env, client.start_revoke(AnyToken::from(token.as_str()), &call_options(timeout)), |()| ())
}

/// What a logout at the server asks for.
#[napi(object, object_to_js = false)]
pub struct LogoutOptions {
    /// The user's ID token.
    pub id_token_hint: Option<String>,
    /// Where the server sends the user afterwards.
    pub post_logout_redirect_uri: Option<String>,
    /// What the server repeats.
    pub state: Option<String>,
    /// Who is to be logged out.
    pub logout_hint: Option<String>,
    /// Languages for the server's page.
    pub ui_locales: Option<String>,
}

impl From<LogoutOptions> for LogoutParameters {
    fn from(options: LogoutOptions) -> Self {
        let mut parameters = Self::new();
        if let Some(id_token) = options.id_token_hint {
            parameters = parameters.id_token_hint(id_token);
        }
        if let Some(redirect_uri) = options.post_logout_redirect_uri {
            parameters = parameters.post_logout_redirect_uri(redirect_uri);
        }
        if let Some(state) = options.state {
            parameters = parameters.state(state);
        }
        if let Some(logout_hint) = options.logout_hint {
            parameters = parameters.logout_hint(logout_hint);
        }
        if let Some(ui_locales) = options.ui_locales {
            parameters = parameters.ui_locales(ui_locales);
        }
        parameters
    }
}

/// The URL that ends the session at the server.
#[napi(catch_unwind)]
pub fn start_logout_url(
    env: Env,
    client: &External<Client>,
    source: Option<&External<TokenSource>>,
    options: LogoutOptions,
    timeout: Option<f64>,
) -> Started {
    let source = source.map(|source| -> &TokenSource { source });
    started(env, client.start_logout_url(source, options.into(), &call_options(timeout)), |url| url)
}

/// Checks that the server sent the user back after a logout.
#[napi(catch_unwind)]
pub fn check_logout_response(env: Env, client: &External<Client>, callback: String, state: String) -> napi::Result<()> {
    client.check_logout_response(&callback, &state).or_throw(env)
}
