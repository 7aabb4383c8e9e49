//! The setup of most scenarios.

use std::sync::Arc;
use std::time::Duration;

use protocol::oauth::authorization_request::AuthorizationRequest;
use protocol::oauth::metadata::ServerMetadata;

use crate::client::Client;
use crate::client::ClientBuilder;
use crate::id_tokens;
use crate::server::Server;
use crate::session::store::Store;
use crate::session::token_source::TokenSource;
use crate::sys::sync::thread;
use crate::world::World;

/// How long a client relies on what it read from the store.
const RECHECK: Duration = Duration::from_secs(1);

/// A server, and a store for any number of processes.
pub struct Stage {
    /// The server.
    pub server: Arc<Server>,
    store: Store,
}

impl Stage {
    /// A stage with a store in memory, which has locks.
    pub fn new() -> Self {
        Self::with(Store::memory())
    }

    /// A stage with this store.
    pub fn with(store: Store) -> Self {
        Self { server: Arc::clone(&World::here().server), store }
    }

    /// A client that shares only the store with others, as if it ran in its own process.
    pub fn client(&self) -> Client {
        self.builder().build().expect("the settings are good")
    }

    /// The builder of such a client.
    pub fn builder(&self) -> ClientBuilder {
        let at = |path: &str| format!("https://login.example/{path}");
        let mut metadata = ServerMetadata::new(at(""));
        metadata.authorization_endpoint = Some(at("auth"));
        metadata.token_endpoint = Some(at("token"));
        metadata.revocation_endpoint = Some(at("revoke"));
        metadata.jwks_uri = Some(at("keys"));
        Client::builder(metadata, "client")
            .redirect_uri("https://app.example/")
            .id_token_signed_response_alg([id_tokens::ALGORITHM])
            .store(self.store.clone().recheck(RECHECK))
    }

    /// A source in its own client, with the server's next login, whose access token has expired.
    pub fn expired(&self) -> TokenSource {
        let source = self.fresh();
        pass(Duration::from_secs(400));
        source
    }

    /// The same, with a valid access token.
    pub fn fresh(&self) -> TokenSource {
        let source = self.client().token_source("user-42").expect("a good name");
        source.save(&self.server.log_in()).expect("the store works");
        source
    }

    /// The callback for this authorization request, with a code that the server accepts once.
    pub fn callback(&self, request: &AuthorizationRequest) -> String {
        format!("state={}&code=code-of-{}", request.state(), request.state())
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

/// The time since the execution began.
pub fn now() -> Duration {
    World::here().time.now()
}

/// Lets time pass.
pub fn pass(time: Duration) {
    thread::sleep(time);
}

/// From now on, every process counts as ended.
pub fn presume_all_gone() {
    World::here().all_are_gone.set(true);
}
