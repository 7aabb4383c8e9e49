//! One HTTP/1 response, read from the bytes of a connection that carries nothing else. What is used of it is the status, the framing, the
//! coding, `Retry-After` and `Date`: nothing else that a server sends can lose a response. Bytes behind the response are never looked at.

mod body;
mod coding;
mod head;
mod line;

use std::io::{self, BufRead};
use std::time::SystemTime;

use self::body::{Content, End};
use crate::http::{Body, FailureKind, Response, SendState, TransportError};

/// A body's most bytes, also after it was unpacked.
const MAX_BODY: usize = 1024 * 1024;

/// Reads one response to its end, and not a byte further than it must. `now` is for a `Retry-After` date from a server that
/// sends no `Date`.
pub fn read(input: &mut impl BufRead, now: SystemTime) -> Result<Response, TransportError> {
    let head = head::read(input, now)?;
    let content = coding::unpack(body::read(input, head.framing), &head.codings);
    let body = match content {
        Content { bytes, end: End::Whole } => Body::Whole(bytes),
        Content { end: End::TooLarge, .. } => Body::TooLarge,
        Content { bytes, end: End::Cut(failure) } => Body::CutShort(bytes, failure),
    };
    Ok(Response { status: head.status, retry_after: head.retry_after, body })
}

fn broken(cause: io::Error) -> TransportError {
    let kind = if cause.kind() == io::ErrorKind::TimedOut { FailureKind::TimedOut } else { FailureKind::ConnectionLost };
    TransportError { reached: SendState::Sent, kind, cause: Some(Box::new(cause)) }
}

fn closed(what: &'static str) -> TransportError {
    broken(io::Error::new(io::ErrorKind::UnexpectedEof, what))
}

fn not_http(what: &'static str) -> TransportError {
    TransportError { reached: SendState::Sent, kind: FailureKind::NotHttp, cause: Some(what.into()) }
}

#[cfg(test)]
mod tests;
