//! What goes to a server and what comes back, as plain values: the pure modules know no socket.

use std::fmt;
use std::time::Duration;

use crate::secret::Secret;

pub mod response;

/// One POST of a form. The body holds secrets, as may the `Authorization` header.
pub struct Request {
    pub url: String,
    pub authorization: Option<Secret>,
    pub body: Secret,
}

/// An HTTP response, whatever its status.
pub struct Response {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Body,
}

pub enum Body {
    Whole(Vec<u8>),
    /// Longer than the cap; not read to its end.
    TooLarge,
    /// What came of it before it failed, and how.
    CutShort(Vec<u8>, TransportError),
}

/// No whole answer.
#[derive(Debug)]
pub struct TransportError {
    pub reached: SendState,
    pub kind: FailureKind,
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// How far a request got, noted above TLS: a failed handshake has sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendState {
    NotSent,
    Sent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The host name has no address.
    NameNotFound,
    /// Refused, reset, closed, cut short, or a handshake that broke off.
    ConnectionLost,
    /// The certificate does not verify; the text says why, and what to do.
    Certificate(String),
    /// The server does not speak TLS.
    NotTls,
    /// The server's TLS is not what we can do; the text says why.
    Tls(String),
    /// A setting that only a request can show to be unusable; the text names it.
    Setting(String),
    /// The proxy did not let the connection through; the text says why.
    Proxy(String),
    /// A deadline of the request's own.
    TimedOut,
    /// What came is not HTTP, or its head is over the cap.
    NotHttp,
    /// Given up by the caller before the first byte.
    Abandoned,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_where_a_request_goes_and_nothing_that_is_in_it() {
        let request = Request { url: "https://login.example/token".into(), authorization: Some("canary".into()), body: "canary".into() };
        let text = format!("{request:?}");
        assert!(text.contains("https://login.example/token") && !text.contains("canary"), "{text}");
    }
}
