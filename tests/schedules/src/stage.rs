//! What most scenarios begin with.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::client::ClientBuilder;
use crate::server::Server;
use crate::session::store::Store;
use crate::session::token_source::TokenSource;
use crate::sys::sync::thread;
use crate::world::World;
use protocol::oauth::authorization_request::AuthorizationRequest;
use protocol::oauth::metadata::ServerMetadata;

/// What was looked up in the store counts for this long.
const RECHECK: Duration = Duration::from_secs(1);

/// A server, and a store for any number of processes.
pub struct Stage {
    /// The server.
    pub server: Arc<Server>,
    store: Store,
}

impl Stage {
    /// With a store in memory, which has locks.
    pub fn new() -> Self {
        Self::with(Store::memory())
    }

    /// With this store.
    pub fn with(store: Store) -> Self {
        Self { server: Arc::clone(&World::here().server), store }
    }

    /// A client that shares nothing with others but the store, as if it were in a process of its own.
    pub fn client(&self) -> Client {
        self.builder().build().expect("the settings are good")
    }

    /// The same, yet to be built.
    pub fn builder(&self) -> ClientBuilder {
        let at = |path: &str| format!("https://login.example/{path}");
        let mut metadata = ServerMetadata::new(at(""));
        metadata.authorization_endpoint = Some(at("auth"));
        metadata.token_endpoint = Some(at("token"));
        metadata.revocation_endpoint = Some(at("revoke"));
        Client::builder(metadata, "client").redirect_uri("https://app.example/").store(self.store.clone().recheck(RECHECK))
    }

    /// A source with a login, the server's next, whose access token has run out, in a client of its own.
    pub fn expired(&self) -> TokenSource {
        let source = self.fresh();
        pass(Duration::from_secs(400));
        source
    }

    /// The same with a new access token.
    pub fn fresh(&self) -> TokenSource {
        let source = self.client().token_source("user-42").expect("a good name");
        source.save(&self.server.log_in()).expect("the store works");
        source
    }

    /// What the browser brings back for this pending login, with a code that the server takes once.
    pub fn callback(&self, pending: &AuthorizationRequest) -> String {
        format!("state={}&code=code-of-{}", pending.state(), pending.state())
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

/// What time it is, since the execution began.
pub fn now() -> Duration {
    World::here().time.now()
}

/// Lets time pass.
pub fn pass(time: Duration) {
    thread::sleep(time);
}

/// Has it said of every process that it has ended, whoever asks.
pub fn presume_all_gone() {
    World::here().all_are_gone.set(true);
}
