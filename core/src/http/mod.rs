//! HTTP requests over connections. Only this folder uses ureq: its connectors to a server. It notes
//! how far each request got.

mod cancel;
mod connection;
mod deadline;
mod failure;
mod proxy;
mod resolver;
mod settings;
mod tls;

use std::io::{self, BufRead, BufReader, Write};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use url::{Position, Url};
use zeroize::Zeroizing;

use self::connection::Connection;
use self::failure::Abandoned;
pub(crate) use self::proxy::Proxy;
pub(crate) use self::settings::Settings;
use crate::sys::process::PerProcess;
use crate::task::progress::Progress;
use crate::tls::Trust;
use protocol::http::{Request, Response, TransportError, response};
use protocol::secret::Secret;

/// Sends each request over a connection of its own, on which TLS resumes an earlier session: what a
/// server sends after a response can never be read as the response to another request.
pub(crate) struct Transport {
    settings: Settings,
    shared: PerProcess<Shared>,
}

/// What the requests of a process share. The first request that needs a part makes it; a forked
/// child makes its own.
#[derive(Default)]
struct Shared {
    environment: OnceLock<proxy::Environment>,
    trust: OnceLock<Arc<Trust>>,
}

impl Transport {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, shared: PerProcess::new() }
    }

    /// Host and port of the proxy on the way to a server, if there is one that can be used.
    pub(crate) fn proxy_to(&self, url: &str) -> Option<String> {
        let shared = self.shared.get_or_make(Shared::default);
        let proxy = self.settings.proxy.on_the_way_to(&Url::parse(url).ok()?, &shared.environment).ok()??;
        Some(format!("{}:{}", proxy.host(), proxy.port()))
    }

    /// Sends one request on this thread and reads the whole response. `progress` is told before the
    /// first byte, and may forbid it.
    pub(crate) fn send(&self, request: &Request, progress: &Arc<Progress>) -> Result<Response, TransportError> {
        let judge = |error| failure::judge(error, progress, self.settings.roots.are_own());
        let started = Instant::now();
        let shared = self.shared.get_or_make(Shared::default);
        let url = Url::parse(&request.url).map_err(|_| failure::setting("the endpoint is not a URL", progress))?;
        let proxy = self.settings.proxy.on_the_way_to(&url, &shared.environment).map_err(|problem| failure::setting(problem, progress))?;
        let trust = (url.scheme() == "https").then(|| shared.trust.get_or_init(|| Trust::of(&self.settings.roots)));
        let bytes = bytes(request, &url).map_err(|problem| failure::setting(problem, progress))?;
        let mut connection = Connection::open(&url, proxy, trust, &self.settings, started, progress).map_err(judge)?;
        if !progress.may_send() {
            return Err(judge(Abandoned.into()));
        }
        let written = connection.write_all(&bytes);
        let mut input = BufReader::new(connection);
        match (input.fill_buf(), written) {
            // The first bytes of TLS: the server has not read the request.
            (Ok([0x15 | 0x16, 0x03, ..]), _) => {
                Err(failure::setting("the endpoint is http, and the server speaks TLS; use https", progress))
            }
            // A server may refuse before it has read the whole request: its response counts, or its
            // reason, and else what ended the request.
            (Ok([_, ..]), _) => response::read(&mut input),
            (Err(error), Ok(())) => Err(judge(error.into())),
            (Err(error), Err(_)) if failure::has_reason(&error) => Err(judge(error.into())),
            (_, Err(error)) => Err(judge(error.into())),
            (Ok([]), Ok(())) => Err(judge(io::Error::from(io::ErrorKind::UnexpectedEof).into())),
        }
    }
}

/// The request as it is sent.
fn bytes(request: &Request, url: &Url) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let body = request.body.as_ref().map(Secret::reveal);
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024 + body.map_or(0, str::len)));
    let (method, version) = (request.method.as_str(), env!("CARGO_PKG_VERSION"));
    bytes.extend(format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: sipgate-oauth2/{version}\r\n").as_bytes());
    bytes.extend(b"Accept-Encoding: identity\r\nConnection: close\r\n");
    for (name, value) in &request.headers {
        // A line break would start another field, or another request.
        if !value.reveal().bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err("a header field holds a character that cannot be sent");
        }
        for part in [name, ": ", value.reveal(), "\r\n"] {
            bytes.extend(part.as_bytes());
        }
    }
    if let Some(body) = body {
        bytes.extend(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend(b"\r\n");
    bytes.extend(body.unwrap_or_default().as_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use protocol::http::Method;

    use super::*;

    fn sent(request: &Request) -> Result<String, &'static str> {
        let url = Url::parse(&request.url).unwrap();
        bytes(request, &url).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn a_form_is_sent_with_its_length_and_its_headers() {
        let form = Request::form("https://a.example:8443/token?b=c#d", "e=f".into());
        let sent = sent(&form.with_header("Authorization", "Basic Zw==".into())).unwrap();
        let (head, body) = sent.split_once("\r\n\r\n").unwrap();
        let lines: Vec<_> = head.split("\r\n").collect();
        assert_eq!(lines[..2], ["POST /token?b=c HTTP/1.1", "Host: a.example:8443"]);
        for line in [
            "Accept: application/json",
            "Accept-Encoding: identity",
            "Connection: close",
            "Content-Type: application/x-www-form-urlencoded",
            "Authorization: Basic Zw==",
            "Content-Length: 3",
        ] {
            assert_eq!(lines.iter().filter(|known| **known == line).count(), 1, "{line}: {head}");
        }
        assert_eq!((lines.len(), body), (9, "e=f"));
    }

    #[test]
    fn a_request_without_a_body_has_no_length() {
        let get = Request::get("https://a.example", "application/jwt").with_header("Authorization", "Bearer x".into());
        let sent = sent(&get).unwrap();
        assert!(sent.starts_with("GET / HTTP/1.1\r\nHost: a.example\r\n") && sent.ends_with("\r\n\r\n"), "{sent}");
        assert!(sent.contains("\r\nAccept: application/jwt\r\n") && sent.contains("\r\nAuthorization: Bearer x\r\n"), "{sent}");
        assert!(!sent.contains("Content-"), "{sent}");
    }

    #[test]
    fn a_header_field_cannot_add_another() {
        for bad in ["a\r\nB: c", "a\nB: c", "a\rB", "a\0", "ä", "a\tb"] {
            let request = Request { method: Method::Get, url: "https://a.example".into(), headers: vec![("A", bad.into())], body: None };
            assert!(sent(&request).is_err(), "{bad:?}");
        }
    }
}
