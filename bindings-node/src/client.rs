//! Clients.

#![expect(clippy::needless_pass_by_value, reason = "this is how napi hands arguments over")]

use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{Either, External};
use napi_derive::napi;
use sipgate_oauth2::{
    AuthorizationCode, AuthorizationRequest, Client, ClientBuilder, Error, RefreshParameters, Result, Secret, ServerMetadata, Store,
    TokenSet,
};

use crate::error::IntoJavaScript;
use crate::events::Listener;
use crate::task::{Started, call_options, started};

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
        if let Some(store) = store {
            let store: &Store = store;
            builder = builder.store(store.clone());
        }
        builder.on_event(listener.of_client(self.number)).build().map(External::new)
    }
}

fn seconds(field: &str, seconds: f64) -> Result<Duration> {
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
    account: String,
    timeout: Option<f64>,
) -> Started {
    started(env, client.start_complete_login(request, Secret::from(callback).reveal(), account, &call_options(timeout)), External::new)
}
