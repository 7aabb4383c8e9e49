//! Discovery of a server's metadata.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use protocol::error::Result;
use protocol::oauth::metadata::ServerMetadata;
use protocol::oauth::uri;
use protocol::openid::discovery;

use super::connection_options::ConnectionOptions;
use crate::exchange::{repeatable, run};
use crate::http::Transport;
use crate::sys::clock::{Clock, SystemClock};
use crate::task::call_options::CallOptions;
use crate::task::progress::Progress;
use crate::task::task::Task;

/// Fetches a server's metadata (OpenID Connect Discovery; RFC 8414). Keep the result: a client that
/// is built from it needs no network for that. sipgate and Keycloak need no discovery at all.
///
/// ```no_run
/// use sipgate_oauth2::{Client, Discovery};
///
/// let metadata = Discovery::new("https://login.example.com").discover()?;
/// let client = Client::builder(metadata, "my-client").redirect_uri("https://example.com/auth").build()?;
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing happens until discover is called"]
pub struct Discovery {
    issuer: String,
    connection: ConnectionOptions,
}

impl Discovery {
    /// Discovery of the server with this issuer: the name that it has for itself, byte for byte.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), connection: ConnectionOptions::default() }
    }

    /// As [`ClientBuilder::ca_certificates`](crate::ClientBuilder::ca_certificates).
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.connection.ca_certificates = Some(pem.into());
        self
    }

    /// As [`ClientBuilder::proxy`](crate::ClientBuilder::proxy).
    pub fn proxy(mut self, proxy: impl Into<String>) -> Self {
        self.connection.proxy = Some(proxy.into());
        self
    }

    /// As [`ClientBuilder::connect_timeout`](crate::ClientBuilder::connect_timeout).
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connection.connect_timeout = timeout;
        self
    }

    /// As [`ClientBuilder::request_timeout`](crate::ClientBuilder::request_timeout).
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.connection.request_timeout = timeout;
        self
    }

    /// Fetches the metadata from `ISSUER/.well-known/openid-configuration`, or, if there is
    /// nothing, from where RFC 8414 has it.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::IssuerMismatch`](crate::ErrorCode::IssuerMismatch) if the document is of
    /// another server, [`ErrorCode::WrongEndpoint`](crate::ErrorCode::WrongEndpoint) if there is
    /// none, and [`ErrorCode::BadResponse`](crate::ErrorCode::BadResponse) that names a member
    /// which cannot be used.
    pub fn discover(&self) -> Result<ServerMetadata> {
        self.start_discover(&CallOptions::new()).wait()
    }

    /// [`discover`](Self::discover) without waiting.
    pub fn start_discover(&self, options: &CallOptions) -> Task<ServerMetadata> {
        Task::started(options.refuse_cancelled().and_then(|()| {
            let urls = discovery::urls(&self.issuer)?;
            let transport = Transport::new(self.connection.settings()?);
            let server = uri::endpoint("issuer", &self.issuer)?.origin().ascii_serialization();
            let (task, completer) = Task::new(options, |why, _| Err(repeatable(why)));
            let (issuer, fetching) = (self.issuer.clone(), completer.clone());
            run(&server, move || fetch(&transport, &issuer, &urls, fetching.progress()), move |metadata| completer.complete(metadata));
            Ok(task)
        }))
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

fn fetch(transport: &Transport, issuer: &str, urls: &[String; 2], progress: &Arc<Progress>) -> Result<ServerMetadata> {
    for url in urls {
        let now = SystemClock.unix_seconds();
        let response = transport.send(&discovery::request(url), progress);
        let response = response.map_err(|failure| discovery::context(url, now).failed(failure))?;
        if let Some(metadata) = discovery::process(issuer, url, response, now)? {
            return Ok(metadata);
        }
    }
    Err(discovery::not_found(urls))
}
