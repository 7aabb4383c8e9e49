//! What everything that a client starts has in common.

use std::sync::Arc;
use std::time::Duration;

use protocol::error::Result;
use protocol::jose::jwks::KeySet;
use protocol::oauth::client_auth::Credentials;
use protocol::oauth::metadata::{self, ServerMetadata};
use protocol::openid::id_token::TokenRules;
use protocol::openid::keys;

use crate::event::Events;
use crate::http::Transport;
use crate::keys::{KeySource, ServerKeys};
use crate::sys::clock::Clock;
use crate::sys::random::Random;

/// A client's server, credentials and connections, and the clock and randomness that it uses.
pub(crate) struct Context {
    pub(crate) metadata: ServerMetadata,
    /// Of the metadata.
    pub(crate) token_endpoint: String,
    /// Whether the endpoints were derived from a Keycloak's address.
    pub(crate) is_keycloak: bool,
    /// Scheme, host and port of the token endpoint. Requests are limited for each.
    pub(crate) server: String,
    pub(crate) request_timeout: Duration,
    pub(crate) credentials: Credentials,
    /// Of the credentials.
    pub(crate) fingerprint: u64,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) transport: Transport,
    /// What ID tokens must be like.
    pub(crate) token_rules: TokenRules,
    pub(crate) keys: Arc<ServerKeys>,
    pub(crate) events: Events,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) random: Box<dyn Random>,
}

impl Context {
    /// Whether ID tokens cannot be judged before keys are fetched.
    pub(crate) fn keys_are_missing(&self) -> bool {
        !self.token_rules.needs_no_keys() && self.keys.at_hand(self.clock.mono()).is_none()
    }
}

impl KeySource for Context {
    fn now(&self) -> u64 {
        self.clock.mono()
    }

    fn fetch_keys(&self) -> Result<KeySet> {
        let (url, now) = (metadata::required("jwks_uri", self.metadata.jwks_uri.as_ref())?, self.clock.unix_seconds());
        let response = self.transport.send(&keys::request(url), &Arc::default());
        keys::process(url, response.map_err(|failure| keys::context(url, now).failed(failure))?, now)
    }
}
