//! Why a response could not be read.

use std::io;

use crate::http::{FailureKind, SendState, TransportError};

pub(super) fn broken(cause: io::Error) -> TransportError {
    let timed_out = cause.kind() == io::ErrorKind::TimedOut;
    let kind = if timed_out { FailureKind::TimedOut } else { FailureKind::ConnectionLost };
    TransportError { reached: SendState::Sent, kind, cause: Some(Box::new(cause)) }
}

pub(super) fn closed(what: &'static str) -> TransportError {
    broken(io::Error::new(io::ErrorKind::UnexpectedEof, what))
}

pub(super) fn not_http(what: &'static str) -> TransportError {
    TransportError { reached: SendState::Sent, kind: FailureKind::NotHttp, cause: Some(what.into()) }
}
