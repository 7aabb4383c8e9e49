//! ureq's errors in our words.

use std::error::Error as StdError;
use std::fmt;

use ureq::Error;

use crate::oauth::message::{Failure, FailureKind};
use crate::running::Progress;

/// What our connectors raise when the caller has gone before the first byte.
#[derive(Debug)]
pub(super) struct Abandoned;

impl fmt::Display for Abandoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("given up before the request was sent")
    }
}

impl StdError for Abandoned {}

impl From<Abandoned> for Error {
    fn from(abandoned: Abandoned) -> Self {
        Self::Other(Box::new(abandoned))
    }
}

pub(super) fn judge(error: Error, progress: &Progress) -> Failure {
    let kind = match &error {
        _ if progress.is_abandoned() => FailureKind::Abandoned,
        Error::Timeout(_) => FailureKind::TimedOut,
        Error::HostNotFound => FailureKind::NameNotFound,
        Error::ConnectProxyFailed(why) => FailureKind::Proxy(why.clone()),
        Error::Rustls(cause) => tls(cause),
        Error::Io(cause) => cause.get_ref().and_then(|inner| inner.downcast_ref()).map_or(FailureKind::Broken, tls),
        Error::Protocol(_) | Error::Http(_) | Error::LargeResponseHeader(..) | Error::BodyStalled => FailureKind::NotHttp,
        _ => FailureKind::Broken,
    };
    Failure { reached: progress.reached(), kind, cause: Some(Box::new(error)) }
}

fn tls(error: &rustls::Error) -> FailureKind {
    match error {
        rustls::Error::InvalidCertificate(why) => FailureKind::Certificate(why.to_string()),
        rustls::Error::NoCertificatesPresented => FailureKind::Certificate("none was presented".to_owned()),
        _ => FailureKind::Broken,
    }
}
