//! Building a client: every setting, and the one place that checks them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use protocol::error::Result;
use protocol::oauth::authorization_request::check_redirect_uri;
use protocol::oauth::client_auth::{ClientAuthentication, Credentials};
use protocol::oauth::metadata::ServerMetadata;
use protocol::oauth::uri;
use protocol::openid::token_rules;
use protocol::secret::ClientSecret;

use super::client::Client;
use super::connection_options::ConnectionOptions;
use super::server::Server;
use crate::context::Context;
use crate::event::{Event, Events};
use crate::http::Transport;
use crate::keys::ServerKeys;
use crate::session::store::Store;
use crate::sys::clock::SystemClock;
use crate::sys::random::SystemRandomness;

/// Settings of a [`Client`]; all but the client id have defaults. `build` checks them and does no
/// I/O.
///
/// ```
/// use std::time::Duration;
/// use sipgate_oauth2::{ClientAuthentication, ClientBuilder};
///
/// let client = ClientBuilder::sipgate("2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e")
///     .client_secret("a1138f1-7-dc848ae6-99aa-23ed-23a4-b7da6846f141")
///     .client_authentication(ClientAuthentication::ClientSecretBasic)
///     .realm("sipgate-apps")
///     .redirect_uri("https://example.com/auth")
///     .proxy("http://proxy.example.com:8080")
///     .connect_timeout(Duration::from_secs(3))
///     .request_timeout(Duration::from_secs(10))
///     .on_event(|event| println!("{event:?}"))
///     .build()?;
/// assert_eq!(client.token_endpoint(), "https://login.sipgate.com/auth/realms/sipgate-apps/protocol/openid-connect/token");
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing happens until build is called"]
pub struct ClientBuilder {
    server: Server,
    client_id: String,
    realm: Option<String>,
    client_secret: Option<ClientSecret>,
    authentication: Option<ClientAuthentication>,
    redirect_uri: Option<String>,
    connection: ConnectionOptions,
    events: Events,
    store: Option<Store>,
    id_token_algorithms: Option<Vec<String>>,
    trusted_audiences: Vec<String>,
    leeway: Duration,
}

impl ClientBuilder {
    /// A client of sipgate, in the realm that its id's suffix names (`…:third-party`,
    /// `…:sipgate-apps`).
    pub fn sipgate(client_id: impl Into<String>) -> Self {
        Self::of(Server::Sipgate { realm: None }, client_id)
    }

    /// A client of a Keycloak. `base` is its URL up to `/realms`, such as
    /// `https://login.example.com/auth`.
    pub fn keycloak(base: impl Into<String>, realm: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self::of(Server::Keycloak { base: base.into(), realm: realm.into() }, client_id)
    }

    /// A client of any server, by its metadata.
    pub fn new(metadata: ServerMetadata, client_id: impl Into<String>) -> Self {
        Self::of(Server::Metadata(Box::new(metadata)), client_id)
    }

    pub(super) fn of(server: Server, client_id: impl Into<String>) -> Self {
        Self {
            server,
            client_id: client_id.into(),
            realm: None,
            client_secret: None,
            authentication: None,
            redirect_uri: None,
            connection: ConnectionOptions::default(),
            events: Events::default(),
            store: None,
            id_token_algorithms: None,
            trusted_audiences: Vec::new(),
            leeway: Duration::from_secs(60),
        }
    }

    /// The secret of a confidential client. Without it, the client is a public one.
    pub fn client_secret(mut self, client_secret: impl Into<ClientSecret>) -> Self {
        self.client_secret = Some(client_secret.into());
        self
    }

    /// How the client authenticates. By default `none` without a secret, and else what the server's
    /// metadata offers: `client_secret_post` or else `client_secret_basic`.
    pub fn client_authentication(mut self, authentication: ClientAuthentication) -> Self {
        self.authentication = Some(authentication);
        self
    }

    /// Where the server sends the user back to, byte for byte as registered.
    pub fn redirect_uri(mut self, redirect_uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(redirect_uri.into());
        self
    }

    /// The sipgate realm, if the client id's suffix does not name it.
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Certificates to trust instead of those of the operating system: the contents of a PEM file.
    /// Each readable certificate counts, as an authority and as the server's own.
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.connection.ca_certificates = Some(pem.into());
        self
    }

    /// The proxy: `http://host:port`, `socks5://host:port` …, or `direct` for none. By default
    /// `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are honored. A server on this machine is always
    /// reached directly.
    pub fn proxy(mut self, proxy: impl Into<String>) -> Self {
        self.connection.proxy = Some(proxy.into());
        self
    }

    /// How long a connection may take to open, including TLS. By default 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connection.connect_timeout = timeout;
        self
    }

    /// How long a request may take, from its start to the last byte of the response. By default 30
    /// s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.connection.request_timeout = timeout;
        self
    }

    /// Where logins are kept. [`Client::complete_login`] and [`Client::token_source`] need it, the
    /// single steps do not.
    pub fn store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// The algorithms that ID tokens may be signed with, such as `ES256`. By default those that the
    /// server's metadata offers (`id_token_signing_alg_values_supported`), and `RS256` if it does
    /// not say. `HS256`, `HS384` and `HS512` use the client's secret, and count only if they are
    /// named here.
    pub fn id_token_signed_response_alg(mut self, algorithms: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.id_token_algorithms = Some(algorithms.into_iter().map(Into::into).collect());
        self
    }

    /// Audiences that an ID token may have beside this client. By default none (OpenID Connect
    /// Core, section 3.1.3.7).
    pub fn trusted_audiences(mut self, audiences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.trusted_audiences = audiences.into_iter().map(Into::into).collect();
        self
    }

    /// How far the clocks of the server and this machine may differ where an ID token is judged. By
    /// default 60 s, at most 300 s.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Called with each event, on the thread where it happened, under no lock. It should be quick.
    /// With the feature `log`, events are also records of the crate `log`, with the target
    /// `sipgate_oauth2`.
    pub fn on_event(mut self, handler: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.events = Events::to(handler);
        self
    }

    /// Checks all settings and builds the client.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) that names the setting.
    /// [`ErrorCode::Unsupported`](crate::ErrorCode::Unsupported) if the server's metadata says that
    /// it cannot do what is required.
    pub fn build(self) -> Result<Client> {
        let server = match self.realm {
            Some(realm) => self.server.with_realm(realm)?,
            None => self.server,
        };
        let credentials = Credentials::new(self.client_id, self.client_secret, self.authentication)?;
        let (metadata, mismatch) = server.metadata(&credentials.client_id)?;
        let credentials = credentials.for_server(&metadata, self.authentication)?;
        if let Some(redirect_uri) = &self.redirect_uri {
            check_redirect_uri(redirect_uri)?;
        }
        let settings = self.connection.settings()?;
        let token_endpoint = metadata.token_endpoint.clone().unwrap_or_default();
        let origin = uri::endpoint("token_endpoint", &token_endpoint)?.origin().ascii_serialization();
        let token_rules =
            token_rules::of_client(&metadata, &credentials, self.id_token_algorithms.as_deref(), self.trusted_audiences, self.leeway)?;
        if let Some(mismatch) = mismatch {
            self.events.emit(&Event::RealmMismatch { named: mismatch.named, used: mismatch.used });
        }
        let context = Context {
            token_endpoint,
            is_keycloak: server.is_keycloak(),
            server: origin,
            request_timeout: settings.request_timeout,
            fingerprint: credentials.fingerprint(),
            keys: ServerKeys::of(&metadata.issuer, metadata.jwks_uri.as_deref(), &settings),
            token_rules,
            credentials,
            redirect_uri: self.redirect_uri,
            transport: Transport::new(settings),
            metadata,
            events: self.events,
            clock: Box::new(SystemClock),
            random: Box::new(SystemRandomness),
        };
        Ok(Client::new(Arc::new(context), self.store))
    }
}

impl Client {
    /// A builder for a client of this server.
    pub fn builder(metadata: ServerMetadata, client_id: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(metadata, client_id)
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("server", &self.server).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn a_client_does_what_its_server_offers() {
        let build = |offers: &str| {
            let json = format!(
                r#"{{"issuer":"https://i.example","authorization_endpoint":"https://i.example/a","token_endpoint":"https://i.example/t",{offers}}}"#
            );
            ClientBuilder::new(ServerMetadata::from_json(&json)?, "id").client_secret("secret").build()
        };
        let basic = build(r#""token_endpoint_auth_methods_supported":["client_secret_basic"]"#).unwrap();
        assert_eq!(basic.context.credentials.method(), ClientAuthentication::ClientSecretBasic);
        for missing in [r#""token_endpoint_auth_methods_supported":["private_key_jwt"]"#, r#""code_challenge_methods_supported":["plain"]"#]
        {
            assert_eq!(build(missing).unwrap_err().code(), ErrorCode::Unsupported, "{missing}");
        }
    }
}
