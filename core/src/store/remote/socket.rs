//! A connection to a server: TCP or a Unix socket, plain or in TLS.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::address::Address;
use super::limits::share;
use super::resolver::resolve;
use super::stream::Stream;

/// A connection whose calls fail with `TimedOut` when the deadline of the operation has passed.
pub(crate) struct Socket(Inner);

enum Inner {
    Plain(Stream),
    Tls(Box<StreamOwned<ClientConnection, Stream>>),
}

/// Which addresses of a name are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    ThisMachine,
    Anywhere,
}

/// The server has not sent its first message of TLS.
#[derive(Debug)]
pub(super) struct NoTlsYet;

impl fmt::Display for NoTlsYet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server has not begun TLS")
    }
}

impl std::error::Error for NoTlsYet {}

impl Socket {
    /// Connects to the first address that accepts. The others share the time that is left.
    pub(crate) fn connect(address: &Address, reach: Reach, deadline: Instant) -> io::Result<Self> {
        let (host, port) = match address {
            Address::Tcp { host, port } => (host, *port),
            Address::Unix(path) => return Ok(Self(Inner::Plain(Stream::connect_unix(path, deadline)?))),
        };
        let found = within(resolve(host, port, deadline)?, reach);
        let mut failure = invalid("without TLS, only this machine may be reached, and this is another; use TLS");
        for (index, address) in found.iter().enumerate() {
            match Stream::connect(address, share(deadline, found.len() - index)) {
                Ok(mut stream) => {
                    stream.deadline = deadline;
                    return Ok(Self(Inner::Plain(stream)));
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Encrypts the connection, and verifies the server.
    pub(super) fn start_tls(self, config: &Arc<ClientConfig>, host: &str, deadline: Instant) -> io::Result<Self> {
        let Inner::Plain(mut stream) = self.0 else { return Ok(self) };
        stream.deadline = deadline;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| invalid("no certificate can be for this host; correct it"))?;
        let mut session = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            if let Err(error) = session.complete_io(&mut stream) {
                let is_silent = error.kind() == io::ErrorKind::TimedOut && session.protocol_version().is_none();
                return Err(if is_silent { io::Error::new(error.kind(), NoTlsYet) } else { error });
            }
        }
        Ok(Self(Inner::Tls(Box::new(StreamOwned { conn: session, sock: stream }))))
    }

    /// When the operation that now uses the connection must have ended.
    pub(crate) fn set_deadline(&mut self, deadline: Instant) {
        match &mut self.0 {
            Inner::Plain(stream) => stream.deadline = deadline,
            Inner::Tls(session) => session.sock.deadline = deadline,
        }
    }

    /// The server's own certificate, if the connection is encrypted.
    #[cfg(feature = "postgres")]
    pub(crate) fn peer_certificate(&self) -> Option<&[u8]> {
        match &self.0 {
            Inner::Plain(_) => None,
            Inner::Tls(session) => Some(session.conn.peer_certificates()?.first()?),
        }
    }

    /// Whether the connection can be used again: it is open, and the server has sent nothing that
    /// nobody has read. Does not wait.
    pub(crate) fn is_silent(&mut self) -> bool {
        match &mut self.0 {
            Inner::Plain(stream) => stream.is_silent(),
            Inner::Tls(session) => {
                session.sock.is_silent() && session.conn.process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() == 0)
            }
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Inner::Plain(stream) => stream.read(buffer),
            Inner::Tls(session) => session.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Inner::Plain(stream) => stream.write(bytes),
            Inner::Tls(session) => session.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Inner::Plain(stream) => stream.flush(),
            Inner::Tls(session) => session.flush(),
        }
    }
}

fn invalid(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}

/// A name may look like one of this machine and not be it (RFC 6761, section 6.3).
fn within(mut addresses: Vec<SocketAddr>, reach: Reach) -> Vec<SocketAddr> {
    addresses.retain(|address| reach == Reach::Anywhere || address.ip().to_canonical().is_loopback());
    addresses
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    use rustls::crypto::aws_lc_rs::default_provider;
    use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
    use rustls::{ALL_VERSIONS, ServerConfig, ServerConnection, Stream as TlsStream};

    use super::super::encryption::{CertificateRefused, Tls};
    use super::*;
    use crate::tls::{Roots, Trust};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn listen() -> (TcpListener, Address) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, Address::Tcp { host: "localhost".to_owned(), port })
    }

    #[test]
    fn the_addresses_of_a_name_are_tried_until_one_accepts() {
        let (listener, address) = listen();
        let mut socket = Socket::connect(&address, Reach::ThisMachine, soon()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        socket.write_all(b"ping").unwrap();
        let mut read = [0; 4];
        peer.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"ping");
        assert!(matches!(socket.0, Inner::Plain(_)) && socket.is_silent());
    }

    #[test]
    fn without_tls_no_address_elsewhere_is_tried() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let all = addresses(&["192.0.2.1:1", "127.0.0.1:1", "[::ffff:127.0.0.1]:1", "[2001:db8::1]:1"]);
        assert_eq!(within(all.clone(), Reach::ThisMachine), all[1..3]);
        assert_eq!(within(all.clone(), Reach::Anywhere), all);
        let elsewhere = Address::Tcp { host: "192.0.2.1".to_owned(), port: 1 };
        let error = Socket::connect(&elsewhere, Reach::ThisMachine, soon()).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[cfg(unix)]
    #[test]
    fn a_unix_socket_that_nobody_accepts_from_ends_at_the_deadline() {
        let directory = crate::store::testing::TemporaryDirectory::new();
        let path = directory.join("s");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let mut waiting = Vec::new();
        let failure = loop {
            match Socket::connect(&Address::Unix(path.clone()), Reach::ThisMachine, Instant::now() + Duration::from_millis(20)) {
                Ok(socket) => waiting.push(socket),
                Err(error) => break error,
            }
        };
        assert_eq!(failure.kind(), io::ErrorKind::TimedOut);
        assert!(!waiting.is_empty());
    }

    #[test]
    fn a_server_that_waits_for_more_than_a_hello_may_not_speak_tls() {
        let (_listener, address) = listen();
        let plain = Socket::connect(&address, Reach::Anywhere, soon()).unwrap();
        let error = plain
            .start_tls(&Trust::of(&Roots::System).new_config(), "localhost", Instant::now() + Duration::from_millis(20))
            .err()
            .unwrap();
        assert!(error.kind() == io::ErrorKind::TimedOut && error.get_ref().unwrap().is::<NoTlsYet>(), "{error:?}");
    }

    #[test]
    fn a_connection_is_encrypted_for_the_host_that_the_certificate_names() {
        let made = rcgen::generate_simple_self_signed(["db.example".to_owned()]).unwrap();
        let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(ALL_VERSIONS)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let (listener, address) = listen();
        let server = Arc::new(server);
        let echoing = thread::spawn(move || {
            for _ in 0..2 {
                let (mut peer, _) = listener.accept().unwrap();
                let mut session = ServerConnection::new(Arc::clone(&server)).unwrap();
                let mut stream = TlsStream::new(&mut session, &mut peer);
                let mut read = [0; 4];
                if stream.read_exact(&mut read).is_ok() {
                    stream.write_all(&read).unwrap();
                }
                // Until the client closes.
                let _ = stream.read(&mut read);
            }
        });
        let tls = Tls::new(Roots::parse(made.cert.pem().as_bytes()).unwrap());
        let plain = Socket::connect(&address, Reach::Anywhere, soon()).unwrap();
        let mut socket = tls.start(plain, "db.example", soon()).unwrap();
        socket.write_all(b"ping").unwrap();
        socket.flush().unwrap();
        let mut read = [0; 4];
        socket.read_exact(&mut read).unwrap();
        assert!(&read == b"ping" && matches!(socket.0, Inner::Tls(_)) && socket.is_silent());
        drop(socket);
        let plain = Socket::connect(&address, Reach::Anywhere, soon()).unwrap();
        let error = tls.start(plain, "other.example", soon()).err().unwrap();
        let refused: &CertificateRefused = error.get_ref().unwrap().downcast_ref().unwrap();
        assert!(refused.own_roots && refused.to_string().contains("other.example"), "{error}");
        echoing.join().unwrap();
    }
}
