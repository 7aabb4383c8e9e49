//! A connection to a server, by ureq's connectors and two of ours. From the socket up: a proxy's
//! tunnel or a direct socket, cancelling, and TLS.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, SocksConnector, TcpConnector, Transport, TransportAdapter, time,
};
use ureq::{Agent, Error, Timeout};
use url::Url;

use super::cancel::CancelConnector;
use super::deadline::left;
use super::failure::NotThisMachine;
use super::resolver::SystemResolver;
use super::settings::{BUFFER, Settings};
use super::tls::TlsConnector;
use crate::task::progress::Progress;
use crate::tls::Trust;

type Connect = dyn Fn(&ConnectionDetails<'_>) -> Result<Box<dyn Transport>, Error> + Send + Sync;

/// An open connection for one request, until its deadline.
pub(super) struct Connection {
    inner: TransportAdapter,
}

impl Connection {
    pub(super) fn open(
        url: &Url,
        proxy: Option<ureq::Proxy>,
        trust: Option<&Arc<Trust>>,
        settings: &Settings,
        started: Instant,
        progress: &Arc<Progress>,
    ) -> Result<Self, Error> {
        let uri: Uri = url.as_str().parse().map_err(|_| Error::BadUri(url.to_string()))?;
        let config = Agent::config_builder()
            .proxy(proxy)
            .user_agent(concat!("sipgate-oauth2/", env!("CARGO_PKG_VERSION")))
            .input_buffer_size(BUFFER)
            .output_buffer_size(BUFFER)
            .build();
        let direct = config.proxy().is_none_or(ureq::Proxy::resolve_target);
        let addrs = if direct { SystemResolver.resolve(&uri, &config, NextTimeout::default())? } else { SystemResolver.empty() };
        let addrs = if trust.is_none() { of_this_machine(&addrs, url)? } else { addrs };

        // A name look-up cannot be interrupted: its time counts for the request, not for the
        // connection.
        let now = Instant::now();
        let deadline = started + settings.request_timeout;
        let connected = deadline.min(now + settings.connect_timeout);
        let chain =
            ().chain(SocksConnector::default())
                .chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(CancelConnector::new(progress))
                .chain(TlsConnector::new(trust, connected));
        let run = move |details: &ConnectionDetails<'_>| {
            let transport = chain.connect(details, None)?.ok_or(Error::ConnectionFailed)?;
            Ok(Box::new(transport) as Box<dyn Transport>)
        };
        let run_connector: Arc<Connect> = Arc::new(run);
        let details = ConnectionDetails {
            uri: &uri,
            addrs,
            config: &config,
            request_level: false,
            resolver: &SystemResolver,
            now: time::Instant::Exact(now),
            timeout: left(connected, now, Timeout::Connect),
            current_time: Arc::new(time::Instant::now),
            run_connector: Arc::clone(&run_connector),
            register_shutdown: Arc::new(|_| Ok(())),
        };
        let transport = run_connector(&details)?;
        if trust.is_some() && !transport.is_tls() {
            return Err(Error::TlsRequired);
        }
        let mut inner = TransportAdapter::new(transport, details.current_time);
        inner.set_timeout(left(deadline, Instant::now(), Timeout::Global));
        Ok(Self { inner })
    }
}

/// The addresses of this machine: without TLS nothing is sent to another, whatever a name looks
/// like (RFC 6761, section 6.3).
fn of_this_machine(addrs: &[SocketAddr], url: &Url) -> Result<ResolvedSocketAddrs, Error> {
    let mut ours = SystemResolver.empty();
    for address in addrs.iter().filter(|address| address.ip().to_canonical().is_loopback()) {
        ours.push(*address);
    }
    if ours.is_empty() { Err(NotThisMachine { host: url.host_str().unwrap_or_default().to_owned() }.into()) } else { Ok(ours) }
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(known)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes).map_err(known)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A deadline as the standard library's error: the reader of responses does not know ureq.
fn known(error: io::Error) -> io::Error {
    match Error::from(error) {
        timeout @ Error::Timeout(_) => io::Error::new(io::ErrorKind::TimedOut, timeout),
        error => error.into_io(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tls_only_addresses_of_this_machine_are_tried() {
        let tried = |addrs: &[&str]| {
            let addrs: Vec<SocketAddr> = addrs.iter().map(|address| address.parse().unwrap()).collect();
            let ours = of_this_machine(&addrs, &Url::parse("http://a.localhost/token").unwrap())?;
            Ok::<_, Error>(ours.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(tried(&["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"]).unwrap().len(), 3);
        assert_eq!(tried(&["192.0.2.1:80", "127.0.0.2:80"]).unwrap(), ["127.0.0.2:80"]);
        for elsewhere in [&["192.0.2.1:80"][..], &["[2001:db8::1]:80", "0.0.0.0:80"], &[]] {
            let error = tried(elsewhere).unwrap_err();
            assert!(error.to_string().contains("a.localhost is not"), "{elsewhere:?}: {error}");
        }
    }
}
