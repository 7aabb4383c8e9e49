//! Clients.

use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::External;
use napi_derive::napi;
use sipgate_oauth2::{Client, ClientBuilder, Error, Provider, Result, Store};

use crate::events::Listener;
use crate::failure::IntoJavaScript;

/// What every kind of client can be given.
#[napi(object, object_to_js = false)]
pub struct ClientOptions {
    /// The secret of a confidential client.
    pub client_secret: Option<String>,
    /// `client_secret_post`, `client_secret_basic` or `none`.
    pub client_authentication: Option<String>,
    /// Where the server sends the person back to.
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
    /// The number that its events are told with.
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

/// A client at sipgate.
#[napi(catch_unwind)]
pub fn sipgate_client(
    env: Env,
    client_id: String,
    options: ClientOptions,
    listener: &External<Listener>,
    store: Option<&External<Store>>,
) -> napi::Result<External<Client>> {
    options.build(Client::sipgate(client_id), listener, store).or_throw(env)
}

/// A client at a Keycloak.
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
    options.build(Client::keycloak(client_id, base, realm), listener, store).or_throw(env)
}

/// A server by its issuer and endpoints.
#[napi(object, object_to_js = false)]
pub struct Endpoints {
    /// Its name.
    pub issuer: String,
    /// Where persons log in.
    pub authorization_endpoint: String,
    /// Where tokens come from.
    pub token_endpoint: String,
    /// Whether every callback has an `iss`.
    pub iss_required: Option<bool>,
}

/// A client at any server.
#[napi(catch_unwind)]
pub fn endpoints_client(
    env: Env,
    endpoints: Endpoints,
    client_id: String,
    options: ClientOptions,
    listener: &External<Listener>,
    store: Option<&External<Store>>,
) -> napi::Result<External<Client>> {
    let Endpoints { issuer, authorization_endpoint, token_endpoint, iss_required } = endpoints;
    let provider = match iss_required {
        Some(true) => Provider::endpoints_with_iss(issuer, authorization_endpoint, token_endpoint),
        _ => Provider::endpoints(issuer, authorization_endpoint, token_endpoint),
    };
    options.build(Client::with_provider(client_id, provider), listener, store).or_throw(env)
}

/// A sipgate client as the environment says.
#[napi(catch_unwind)]
pub fn environment_client(
    env: Env,
    options: ClientOptions,
    listener: &External<Listener>,
    store: Option<&External<Store>>,
) -> napi::Result<External<Client>> {
    Client::from_env().and_then(|builder| options.build(builder, listener, store)).or_throw(env)
}

/// What a client says about itself.
#[napi(object, object_from_js = false)]
pub struct ClientMembers<'a> {
    /// The name of its server.
    pub issuer: &'a str,
    /// Where its tokens come from.
    pub token_endpoint: &'a str,
    /// Its id.
    pub client_id: &'a str,
    /// Where the server sends persons back to.
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
