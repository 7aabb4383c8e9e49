//! What everything that a client starts has in common.

use std::time::Duration;

use protocol::oauth::client_auth::Credentials;
use protocol::oauth::metadata::ServerMetadata;

use crate::event::Events;
use crate::http::Transport;
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
    pub(crate) events: Events,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) random: Box<dyn Random>,
}
