//! One HTTP/1 response, read from the bytes of a connection that carries nothing else.
//!
//! Only the status, the framing, the coding and the fields of [`Headers::NAMES`](crate::http::Headers::NAMES) are used. Nothing
//! else that a server sends can lose a response. Bytes after the response are never looked at.

mod body;
mod coding;
mod failure;
mod head;
mod line;

use std::io::BufRead;

use self::body::{Content, End};
use crate::http::{Body, Response, TransportError};

/// Reads one response to its end, and not a byte further than it must.
pub fn read(input: &mut impl BufRead) -> Result<Response, TransportError> {
    let head = head::read(input)?;
    let content = coding::unpack(body::read(input, head.framing), &head.codings);
    let body = match content {
        Content { bytes, end: End::Whole } => Body::Whole(bytes),
        Content { end: End::TooLarge, .. } => Body::TooLarge,
        Content { bytes, end: End::Cut(failure) } => Body::CutShort(bytes, failure),
    };
    Ok(Response { status: head.status, headers: head.headers, body })
}

#[cfg(test)]
mod tests;
