//! What fails about a connection, in words with the remedy.

use std::fmt;
use std::io;

use protocol::error::{Error, ErrorCode, Remedy};
use rustls::InvalidMessage;

use super::address::Address;
use super::encryption::CertificateRefused;
use super::resolver::NameNotFound;
use super::socket::NoTlsYet;
use crate::store::token_store::BoxError;
use crate::tls::certificate_problem;

/// An error that may pass by itself. It names the server.
pub(crate) fn unavailable(address: &Address, problem: &str) -> Error {
    Error::new(ErrorCode::StoreUnavailable, format!("store {address}: {problem}"))
}

/// An error that lasts until somebody changes the configuration of the application or the server.
pub(crate) fn misconfigured(address: &Address, problem: &str) -> Error {
    unavailable(address, problem).with_remedy(Remedy::FixConfiguration)
}

/// Something was received that no server of the expected kind sends.
#[derive(Debug)]
struct Malformed(BoxError);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Malformed {}

pub(crate) fn malformed(cause: impl Into<BoxError>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Malformed(cause.into()))
}

/// The error of a connection to what may be another kind of server than the `expected` one.
pub(crate) fn connection_failed_to(expected: &str, address: &Address, cause: io::Error) -> Error {
    if cause.get_ref().is_some_and(|cause| cause.is::<Malformed>()) {
        return misconfigured(address, &format!("what responds there is no {expected}; correct host and port")).with_cause(cause);
    }
    connection_failed(address, cause)
}

/// The error of a connection that could not be opened, or that broke.
pub(crate) fn connection_failed(address: &Address, cause: io::Error) -> Error {
    if let Some(refused) = cause.get_ref().and_then(|cause| cause.downcast_ref::<CertificateRefused>()) {
        let problem = certificate_problem(&refused.why, refused.own_roots);
        return misconfigured(address, &format!("the server's certificate was refused: {problem}")).with_cause(cause);
    }
    if let Some(error) = cause.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        return tls(address, error).with_cause(cause);
    }
    match cause.kind() {
        io::ErrorKind::TimedOut if cause.get_ref().is_some_and(|cause| cause.is::<NoTlsYet>()) => unavailable(
            address,
            "the server did not begin TLS in time; it may not speak TLS on this port: correct the port, or try again when it responds",
        ),
        io::ErrorKind::TimedOut => {
            unavailable(address, "the server did not respond in time; try again when it does, or correct host and port")
        }
        io::ErrorKind::ConnectionRefused => unavailable(address, "no server accepts connections; start it, or correct host and port"),
        io::ErrorKind::NotFound if cause.get_ref().is_some_and(|cause| cause.is::<NameNotFound>()) => {
            unavailable(address, "the host has no address; correct it, or try again when names can be looked up")
        }
        io::ErrorKind::NotFound => unavailable(address, "there is no such socket; start the server, or correct the path"),
        io::ErrorKind::PermissionDenied => {
            misconfigured(address, "this user may not use the socket; change its permissions, or give another address")
        }
        io::ErrorKind::InvalidInput => misconfigured(address, &cause.to_string()),
        io::ErrorKind::Unsupported => misconfigured(address, "this system has no Unix sockets; give host and port"),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            unavailable(address, "the server closed the connection; try again when it accepts others")
        }
        _ => unavailable(address, &format!("the connection failed ({cause})")),
    }
    .with_cause(cause)
}

fn tls(address: &Address, error: &rustls::Error) -> Error {
    match error {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            misconfigured(address, "the server does not speak TLS on this port; correct the port")
        }
        rustls::Error::PeerIncompatible(_) => misconfigured(address, "the server must speak TLS 1.2 or 1.3; update it"),
        rustls::Error::AlertReceived(alert) => {
            misconfigured(address, &format!("the server refused TLS (alert {alert:?}); it may require a client certificate"))
        }
        _ => unavailable(address, "TLS failed; try again"),
    }
}

#[cfg(test)]
mod tests {
    use rustls::CertificateError;

    use super::*;

    fn failed(cause: impl Into<io::Error>) -> Error {
        connection_failed(&Address::Tcp { host: "db.internal".to_owned(), port: 5432 }, cause.into())
    }

    #[test]
    fn another_kind_of_server_is_a_mistake_in_the_configuration() {
        let address = Address::Unix("/run/s".into());
        let error = connection_failed_to("PostgreSQL", &address, malformed("HTTP"));
        assert_eq!(error.to_string(), "store /run/s: what responds there is no PostgreSQL; correct host and port");
        assert_eq!(error.remedy(), Remedy::FixConfiguration);
        for (other, remedy) in
            [(io::ErrorKind::TimedOut.into(), Remedy::TryLater), (io::ErrorKind::PermissionDenied.into(), Remedy::FixConfiguration)]
        {
            let other: io::Error = other;
            assert_eq!(connection_failed_to("PostgreSQL", &address, other).remedy(), remedy);
        }
    }

    #[test]
    fn each_failure_names_the_server_and_a_remedy() {
        let refused =
            |own_roots| io::Error::new(io::ErrorKind::InvalidData, CertificateRefused { why: CertificateError::UnknownIssuer, own_roots });
        for (cause, remedy, word) in [
            (io::ErrorKind::TimedOut.into(), Remedy::TryLater, "in time"),
            (io::Error::new(io::ErrorKind::TimedOut, NoTlsYet), Remedy::TryLater, "may not speak TLS on this port"),
            (io::ErrorKind::ConnectionRefused.into(), Remedy::TryLater, "start it"),
            (io::ErrorKind::ConnectionReset.into(), Remedy::TryLater, "closed"),
            (io::Error::new(io::ErrorKind::NotFound, NameNotFound), Remedy::TryLater, "no address"),
            (io::ErrorKind::PermissionDenied.into(), Remedy::FixConfiguration, "permissions"),
            (refused(false), Remedy::FixConfiguration, "set ca_certificates"),
            (refused(true), Remedy::FixConfiguration, "ca_certificates holds neither"),
            (io::Error::new(io::ErrorKind::InvalidInput, "correct it"), Remedy::FixConfiguration, "correct it"),
            (io::Error::other("odd"), Remedy::TryLater, "odd"),
        ] {
            let error = failed(cause);
            assert_eq!((error.code(), error.remedy()), (ErrorCode::StoreUnavailable, remedy), "{error}");
            assert!(error.to_string().starts_with("store db.internal:5432: ") && error.to_string().contains(word), "{error}");
        }
    }
}
