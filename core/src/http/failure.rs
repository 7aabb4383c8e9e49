//! What fails about a connection, in terms of the protocol crate.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use protocol::http::{FailureKind, TransportError};
use rustls::{AlertDescription, InvalidMessage};
use ureq::Error;

use crate::task::progress::Progress;
use crate::tls::certificate_problem;

/// The caller stopped waiting before the first byte was sent.
#[derive(Debug)]
pub(super) struct Abandoned;

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("abandoned before the request was sent")
    }
}

impl StdError for Abandoned {}

impl From<Abandoned> for Error {
    fn from(abandoned: Abandoned) -> Self {
        Self::Other(Box::new(abandoned))
    }
}

/// A host name looks like one of this machine and is not.
#[derive(Debug)]
pub(super) struct NotThisMachine {
    pub(super) host: String,
}

impl fmt::Display for NotThisMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plain http is for this machine only, and {} is not; use https, or localhost, 127.0.0.1 or [::1]", self.host)
    }
}

impl StdError for NotThisMachine {}

impl From<NotThisMachine> for Error {
    fn from(other: NotThisMachine) -> Self {
        Self::Other(Box::new(other))
    }
}

pub(super) fn broken_tls(error: rustls::Error) -> Error {
    Error::Io(io::Error::new(io::ErrorKind::InvalidData, error))
}

/// A setting that only a request can show to be unusable.
pub(super) fn setting(problem: impl Into<String>, progress: &Progress) -> TransportError {
    TransportError { reached: progress.send_state(), kind: FailureKind::Setting(problem.into()), cause: None }
}

/// The failure that an error is. `own_roots`: the application gave the certificates to trust.
pub(super) fn judge(error: Error, progress: &Progress, own_roots: bool) -> TransportError {
    let kind = match &error {
        _ if progress.is_abandoned() => FailureKind::Abandoned,
        Error::Timeout(_) => FailureKind::TimedOut,
        Error::HostNotFound => FailureKind::NameNotFound,
        Error::ConnectProxyFailed(why) => FailureKind::Proxy(why.clone()),
        Error::Io(cause) if cause.kind() == io::ErrorKind::TimedOut => FailureKind::TimedOut,
        Error::Io(cause) => of_tls(cause).map_or(FailureKind::ConnectionLost, |error| tls(error, own_roots)),
        Error::Other(cause) if cause.is::<NotThisMachine>() => FailureKind::Setting(cause.to_string()),
        Error::Protocol(_) | Error::Http(_) | Error::LargeResponseHeader(..) => FailureKind::NotHttp,
        _ => FailureKind::ConnectionLost,
    };
    TransportError { reached: progress.send_state(), kind, cause: Some(Box::new(error)) }
}

/// Whether the server said why it ended the connection.
pub(super) fn has_reason(error: &io::Error) -> bool {
    of_tls(error).is_some_and(|error| !matches!(tls(error, false), FailureKind::ConnectionLost))
}

fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn tls(error: &rustls::Error, own_roots: bool) -> FailureKind {
    match error {
        rustls::Error::InvalidCertificate(why) => FailureKind::Certificate(certificate_problem(why, own_roots)),
        rustls::Error::NoCertificatesPresented => FailureKind::Certificate("the server presented none; correct host and port".to_owned()),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => FailureKind::NotTls,
        rustls::Error::AlertReceived(alert) => alert_kind(*alert),
        rustls::Error::PeerIncompatible(why) => {
            FailureKind::Tls(format!("the server's TLS has nothing in common with ours ({why:?}); it must speak TLS 1.2 or 1.3"))
        }
        _ => FailureKind::ConnectionLost,
    }
}

/// Alerts that require another configuration, at either end. The others are accidents.
fn alert_kind(alert: AlertDescription) -> FailureKind {
    use AlertDescription as Alert;
    let why = match alert {
        Alert::CertificateRequired
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::NoCertificate
        | Alert::AccessDenied => "the server requires a client certificate, which this version cannot present",
        Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            "the server shares no cipher with this client, or requires a client certificate, which this version cannot present"
        }
        Alert::ProtocolVersion => "the server speaks neither TLS 1.2 nor 1.3",
        Alert::UnrecognisedName => "the server does not know this host name",
        Alert::NoApplicationProtocol | Alert::MissingExtension | Alert::UnsupportedExtension | Alert::EncryptedClientHelloRequired => {
            "the server requires a feature of TLS that this version does not support"
        }
        _ => return FailureKind::ConnectionLost,
    };
    FailureKind::Tls(format!("{why} (alert {alert:?})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accident_is_not_a_matter_of_configuration() {
        for error in [
            rustls::Error::AlertReceived(AlertDescription::InternalError),
            rustls::Error::AlertReceived(AlertDescription::BadRecordMac),
            rustls::Error::InvalidMessage(InvalidMessage::MessageTooShort),
            rustls::Error::DecryptError,
        ] {
            assert_eq!(tls(&error, false), FailureKind::ConnectionLost, "{error:?}");
        }
    }
}
