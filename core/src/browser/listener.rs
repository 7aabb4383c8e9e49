//! A listener on this machine that waits for one request: the callback of a login.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Result};
use protocol::oauth::uri;
use protocol::secret::Secret;
use url::{Host, Url};

use super::page;
use super::request::{self, Head, MAX_HEAD};
use crate::sys::sync::thread;

/// Connections that are open at once. One more takes the place of the oldest, so that none can keep
/// the browser out.
const MAX_CONNECTIONS: usize = 32;

const POLL: Duration = Duration::from_millis(10);

/// Ports that are tried for two addresses at once.
const TRIES: usize = 16;

/// See the module.
pub(crate) struct Listener {
    listeners: Vec<TcpListener>,
    redirect_uri: String,
    path: String,
    host: String,
}

impl Listener {
    /// Listens at a redirect URI on this machine: at its port, or at any free one if it names none.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`] if it is not on this machine, and [`ErrorCode::Busy`] if its
    /// port is in use.
    pub(crate) fn bind(redirect_uri: &str) -> Result<Self> {
        let mut url = Url::parse(redirect_uri).ok().filter(|url| url.scheme() == "http" && uri::is_loopback(url)).ok_or_else(|| {
            let problem = "is not on this machine, where a login in the browser ends; \
                           register and set one such as http://127.0.0.1:8400/callback";
            Error::invalid_argument("redirect_uri", problem)
        })?;
        let addresses: &[IpAddr] = match url.host() {
            Some(Host::Ipv4(address)) => &[IpAddr::V4(address)],
            Some(Host::Ipv6(address)) => &[IpAddr::V6(address)],
            // A browser takes either.
            _ => &[IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
        };
        let port = named_port(redirect_uri, &url);
        let (listeners, bound) = bind(addresses, port)?;
        let redirect_uri = if port.is_some() {
            redirect_uri.to_owned()
        } else {
            url.set_port(Some(bound)).expect("an http URL has a host");
            url.to_string()
        };
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        Ok(Self { listeners, redirect_uri, path: url.path().to_owned(), host })
    }

    /// The redirect URI, with the port.
    pub(crate) fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// Waits for the request whose query fits, for as long as `go_on` says. Every other one gets a
    /// 404. Afterwards nobody listens any more.
    pub(crate) fn wait_for(self, fits: impl Fn(&str) -> bool, mut go_on: impl FnMut() -> bool) -> Option<Callback> {
        let mut connections: Vec<Connection> = Vec::new();
        while go_on() {
            for stream in self.listeners.iter().filter_map(|listener| listener.accept().ok()).map(|(stream, _)| stream) {
                if stream.set_nonblocking(true).is_ok() {
                    if connections.len() == MAX_CONNECTIONS {
                        connections.remove(0);
                    }
                    connections.push(Connection { stream, received: Vec::new() });
                }
            }
            let mut index = 0;
            while index < connections.len() {
                match connections[index].receive() {
                    Head::Partial => index += 1,
                    Head::Page { target, host } if self.is_callback(&target, &host, &fits) => {
                        return Some(Callback { target: target.into(), stream: connections.swap_remove(index).stream });
                    }
                    Head::Page { .. } | Head::Other => respond(&connections.remove(index).stream, &page::not_found()),
                }
            }
            thread::sleep(POLL);
        }
        None
    }

    /// Another host means that a page elsewhere has made its own name one of this machine.
    fn is_callback(&self, target: &str, host: &str, fits: &impl Fn(&str) -> bool) -> bool {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        path == self.path && host.eq_ignore_ascii_case(&self.host) && fits(query)
    }
}

/// The browser, which has come back and waits for its page.
pub(crate) struct Callback {
    /// Path and query.
    pub(crate) target: Secret,
    stream: TcpStream,
}

impl Callback {
    /// Shows the page.
    pub(crate) fn respond(self, response: &[u8]) {
        respond(&self.stream, response);
    }
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    /// What has arrived, without waiting for more.
    fn receive(&mut self) -> Head {
        let mut buffer = [0; 4096];
        while self.received.len() < MAX_HEAD {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Head::Other,
                Ok(length) => self.received.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Head::Other,
            }
        }
        request::read(&self.received)
    }
}

/// A response fits into what the system keeps for a connection, so nobody waits for its reader.
fn respond(mut stream: &TcpStream, response: &[u8]) {
    let _ = stream.write_all(response);
    let _ = stream.shutdown(Shutdown::Write);
}

/// The port that a redirect URI names. The parser leaves http's own out.
fn named_port(redirect_uri: &str, url: &Url) -> Option<u16> {
    let authority = redirect_uri.split("//").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next());
    url.port().or_else(|| authority.is_some_and(|authority| authority.ends_with(":80")).then_some(80))
}

/// Listens at one port of all addresses. IPv6 may be turned off on a machine.
fn bind(addresses: &[IpAddr], port: Option<u16>) -> Result<(Vec<TcpListener>, u16)> {
    let mut tries = if port.is_some() { 1 } else { TRIES };
    loop {
        tries -= 1;
        let mut bound = port.unwrap_or(0);
        let mut listeners = Vec::new();
        let mut failure = None;
        for address in addresses {
            match TcpListener::bind(SocketAddr::new(*address, bound)).and_then(|listener| {
                listener.set_nonblocking(true)?;
                bound = listener.local_addr()?.port();
                Ok(listener)
            }) {
                Ok(listener) => listeners.push(listener),
                Err(error) if is_other_family(&error) && addresses.len() > 1 => {}
                Err(error) => failure = Some((SocketAddr::new(*address, bound), error)),
            }
        }
        match failure {
            None if !listeners.is_empty() => return Ok((listeners, bound)),
            _ if tries > 0 => {}
            failure => return Err(refused(failure)),
        }
    }
}

fn is_other_family(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported) || error.raw_os_error() == Some(AF_NOT_SUPPORTED)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const AF_NOT_SUPPORTED: i32 = 97;
#[cfg(target_vendor = "apple")]
const AF_NOT_SUPPORTED: i32 = 47;
#[cfg(windows)]
const AF_NOT_SUPPORTED: i32 = 10047;
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
const AF_NOT_SUPPORTED: i32 = i32::MIN;

fn refused(failure: Option<(SocketAddr, std::io::Error)>) -> Error {
    let Some((address, cause)) = failure else {
        return Error::invalid_argument("redirect_uri", "names no address of this machine; use 127.0.0.1");
    };
    let (port, address) = (address.port(), address.ip());
    match cause.kind() {
        ErrorKind::AddrInUse => Error::new(
            ErrorCode::Busy,
            format!(
                "redirect_uri: port {port} of {address} is in use, perhaps by another login; \
                 finish or end that one, or register and set another port"
            ),
        ),
        ErrorKind::PermissionDenied => Error::invalid_argument(
            "redirect_uri",
            format_args!("has port {port}, at which this user may not listen; register and set one above 1023"),
        ),
        _ => Error::new(ErrorCode::Transport, format!("nothing can listen at port {port} of {address}; check the network of this machine")),
    }
    .with_cause(cause)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    fn ask(listener: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(listener).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        let _ = stream.read_to_string(&mut response);
        response
    }

    fn get(target: &str, host: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")
    }

    #[test]
    fn one_request_that_fits_ends_the_wait_and_all_others_get_a_404() {
        let listener = Listener::bind("http://127.0.0.1/cb").unwrap();
        let address = listener.listeners[0].local_addr().unwrap();
        let host = listener.host.clone();
        assert_eq!(listener.redirect_uri(), format!("http://{host}/cb"));
        let waiting = thread::spawn(move || {
            let callback = listener.wait_for(|query| query == "state=s", || true).unwrap();
            let target = callback.target.reveal().to_owned();
            callback.respond(&page::of(Ok(&())));
            target
        });
        let idle: Vec<_> = (0..2 * MAX_CONNECTIONS).map(|_| TcpStream::connect(address).unwrap()).collect();
        drop(TcpStream::connect(address).unwrap());
        for other in [
            get("/favicon.ico", &host),
            get("/cb", &host),
            get("/cb?state=x", &host),
            get("/other?state=s", &host),
            get("/cb?state=s", "evil.example"),
            get("/cb?state=s", "127.0.0.1"),
            get(&format!("http://{host}/cb?state=s"), &host),
            get("/cb?state=s", &host).replace("GET", "HEAD"),
            get("/cb?state=s", &host).replace("GET", "POST"),
        ] {
            let response = ask(address, &other);
            assert!(response.starts_with("HTTP/1.1 404 "), "{other}: {response}");
        }
        let response = ask(address, &get("/cb?state=s", &host));
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        assert_eq!(waiting.join().unwrap(), "/cb?state=s");
        assert!(TcpStream::connect(address).is_err());
        drop(idle);
    }

    #[test]
    fn a_request_that_arrives_in_pieces_is_read() {
        let listener = Listener::bind("http://127.0.0.1/cb").unwrap();
        let (address, host) = (listener.listeners[0].local_addr().unwrap(), listener.host.clone());
        let waiting = thread::spawn(move || listener.wait_for(|query| query == "state=s", || true).is_some());
        let mut stream = TcpStream::connect(address).unwrap();
        for piece in get("/cb?state=s", &host).as_bytes().chunks(7) {
            stream.write_all(piece).unwrap();
            thread::sleep(POLL);
        }
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn localhost_is_both_addresses_at_one_port() {
        let listener = Listener::bind("http://localhost/cb").unwrap();
        let ports: Vec<_> = listener.listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        assert!(ports.iter().all(|port| *port == ports[0]));
        assert!(listener.redirect_uri().starts_with(&format!("http://localhost:{}/", ports[0])));
    }

    #[test]
    fn a_port_in_use_is_named() {
        let first = Listener::bind("http://127.0.0.1/cb").unwrap();
        let error = Listener::bind(first.redirect_uri()).err().unwrap();
        assert_eq!(error.code(), ErrorCode::Busy);
        let port = first.listeners[0].local_addr().unwrap().port();
        assert!(error.to_string().contains(&format!("port {port} of 127.0.0.1")), "{error}");
    }

    #[test]
    fn a_redirect_uri_elsewhere_is_refused() {
        for elsewhere in ["https://example.com/cb", "http://example.com/cb", "https://127.0.0.1/cb", "com.example.app:/cb"] {
            let error = Listener::bind(elsewhere).err().unwrap();
            assert!(error.to_string().starts_with("redirect_uri: is not on this machine"), "{elsewhere}: {error}");
        }
    }

    #[test]
    fn a_port_counts_if_it_is_written() {
        for (redirect_uri, port) in
            [("http://127.0.0.1/", None), ("http://127.0.0.1:80/", Some(80)), ("http://[::1]:8400/cb?a=:80", Some(8400))]
        {
            assert_eq!(named_port(redirect_uri, &Url::parse(redirect_uri).unwrap()), port, "{redirect_uri}");
        }
    }

    #[test]
    fn the_wait_ends_when_nobody_waits_any_more() {
        let listener = Listener::bind("http://127.0.0.1/cb").unwrap();
        let go_on = AtomicBool::new(false);
        assert!(listener.wait_for(|_| true, || go_on.swap(false, Ordering::Relaxed)).is_none());
    }
}
