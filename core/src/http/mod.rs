//! The only place that knows ureq, of which it uses the ways to a server: one POST on a connection of its own, and how far it got.

mod cancel;
mod connection;
mod failure;
mod proxy;
mod resolver;
mod roots;
mod sessions;
mod settings;
mod tls;
mod trust;

use std::io::{self, BufRead, BufReader, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use rustls::ClientConfig;
use url::Url;
use zeroize::Zeroizing;

use self::connection::Connection;
use self::failure::Abandoned;
pub(crate) use self::proxy::Proxy;
pub(crate) use self::roots::Roots;
pub(crate) use self::settings::Settings;
use crate::sys::process::PerProcess;
use crate::task::progress::Progress;
use protocol::http::{Request, Response, TransportError, response};

/// Sends each request over a connection of its own, on which TLS resumes an earlier session: what a server sends behind a response can
/// never be read as the response to another request.
pub(crate) struct Transport {
    settings: Settings,
    shared: PerProcess<Shared>,
}

/// What the requests of a process share. Each part is made by the first request that needs it; a forked child makes its own.
#[derive(Default)]
struct Shared {
    environment: OnceLock<proxy::Environment>,
    /// With the sessions that can be resumed.
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Transport {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, shared: PerProcess::new() }
    }

    /// Sends one POST on this thread and reads the whole response. `progress` is told before the first byte, and may forbid it.
    pub(crate) fn send(&self, request: &Request, progress: &Arc<Progress>) -> Result<Response, TransportError> {
        let judge = |error| failure::judge(error, progress, self.settings.roots.are_own());
        let started = Instant::now();
        let shared = self.shared.get_or_make(Shared::default);
        let url = Url::parse(&request.url).map_err(|_| failure::setting("the endpoint is not a URL", progress))?;
        let proxy = self.settings.proxy.on_the_way_to(&url, &shared.environment).map_err(|problem| failure::setting(problem, progress))?;
        let tls = (url.scheme() == "https").then(|| shared.tls.get_or_init(|| trust::client_config(&self.settings.roots)));
        let mut connection = Connection::open(&url, proxy, tls, &self.settings, started, progress).map_err(judge)?;
        if !progress.may_send() {
            return Err(judge(Abandoned.into()));
        }
        let written = connection.write_all(&bytes(request, &url));
        let mut input = BufReader::new(connection);
        match (input.fill_buf(), written) {
            // The first bytes of TLS: nobody has read the request.
            (Ok([0x15 | 0x16, 0x03, ..]), _) => {
                Err(failure::setting("the endpoint is http, and the server speaks TLS; use https", progress))
            }
            // A server may refuse without reading to the end: its response counts, or its reason, and else what broke the request off.
            (Ok([_, ..]), _) => response::read(&mut input, SystemTime::now()),
            (Err(error), Ok(())) => Err(judge(error.into())),
            (Err(error), Err(_)) if failure::has_reason(&error) => Err(judge(error.into())),
            (_, Err(error)) => Err(judge(error.into())),
            (Ok([]), Ok(())) => Err(judge(io::Error::from(io::ErrorKind::UnexpectedEof).into())),
        }
    }
}

/// The request as it goes over the wire.
fn bytes(request: &Request, url: &Url) -> Zeroizing<Vec<u8>> {
    let body = request.body.reveal();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024 + body.len()));
    let version = env!("CARGO_PKG_VERSION");
    bytes.extend(format!("POST {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sipgate-oauth2/{version}\r\n").as_bytes());
    bytes.extend(b"Accept: application/json\r\nAccept-Encoding: identity\r\nConnection: close\r\n");
    if let Some(authorization) = &request.authorization {
        bytes.extend(b"Authorization: ");
        bytes.extend(authorization.reveal().as_bytes());
        bytes.extend(b"\r\n");
    }
    bytes.extend(format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend(body.as_bytes());
    bytes
}
