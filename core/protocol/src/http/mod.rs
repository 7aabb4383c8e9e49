//! HTTP requests and responses as plain values. Sending and receiving them is up to the shell.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use crate::secret::Secret;

pub mod response;

/// What to do with the resource (RFC 9110, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Read it. There is no body.
    Get,
    /// Have it process the body.
    Post,
}

impl Method {
    /// The method as it is written in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// A request to any endpoint. Header values and the body hold secrets, and the URL's query may.
#[derive(Clone)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// Where to. Its fragment is not sent.
    pub url: String,
    /// Header fields, without those that the connection needs: `Host`, `Content-Length` and such.
    pub headers: Vec<(&'static str, Secret)>,
    /// The body, if there is one.
    pub body: Option<Secret>,
}

impl Request {
    /// A request without a body, for a response of this media type.
    pub fn get(url: impl Into<String>, accept: &str) -> Self {
        Self { method: Method::Get, url: url.into(), headers: vec![("Accept", accept.into())], body: None }
    }

    /// A form that is encoded already, for a response in JSON.
    pub fn form(url: impl Into<String>, form: Secret) -> Self {
        let content_type = ("Content-Type", "application/x-www-form-urlencoded".into());
        let headers = vec![("Accept", "application/json".into()), content_type];
        Self { method: Method::Post, url: url.into(), headers, body: Some(form) }
    }

    /// The same request with one more header field.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: Secret) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The value of a header field.
    pub fn header(&self, name: &str) -> Option<&Secret> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.url.split(['?', '#']).next().unwrap_or_default();
        f.debug_struct("Request").field("method", &self.method).field("url", &place).finish_non_exhaustive()
    }
}

/// An HTTP response, whatever its status.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields that are kept.
    pub headers: Headers,
    /// What was received of the body.
    pub body: Body,
}

impl Response {
    /// The server's time when it responded, in seconds since 1970 (`Date`, RFC 9110, section
    /// 6.6.1).
    pub fn server_time(&self) -> Option<i64> {
        self.headers.get("date").and_then(seconds_of_date)
    }

    /// How long to wait before another request (`Retry-After`, RFC 9110, section 10.2.3). A date is
    /// compared with the server's own clock if it sent its time, and else with `now`, in seconds
    /// since 1970.
    pub fn retry_after(&self, now: i64) -> Option<Duration> {
        let value = self.headers.get("retry-after")?;
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let now = self.server_time().unwrap_or(now);
        let wait = seconds_of_date(value)?.checked_sub(now)?;
        u64::try_from(wait).ok().map(Duration::from_secs)
    }
}

/// The header fields of a response that are kept.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(&'static str, String)>);

impl Headers {
    /// The names of the fields that are kept, in lower case.
    pub const NAMES: [&str; 4] = ["content-type", "date", "retry-after", "www-authenticate"];

    /// The first value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

impl FromIterator<(&'static str, String)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(fields: I) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl<const N: usize> From<[(&'static str, &str); N]> for Headers {
    fn from(fields: [(&'static str, &str); N]) -> Self {
        fields.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
    }
}

/// What was received of a response's body.
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// It is longer than the limit, and was not read to its end.
    TooLarge,
    /// What was received before the connection failed, and how it failed.
    CutShort(Vec<u8>, TransportError),
}

/// Why there is no complete response.
#[derive(Debug)]
pub struct TransportError {
    /// How far the request got.
    pub reached: SendState,
    /// What happened.
    pub kind: FailureKind,
    /// The error of the layer below.
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// How far a request got, noted above TLS: a failed handshake has sent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendState {
    /// No byte of the request was sent.
    NotSent,
    /// At least a part of it may have been sent.
    Sent,
}

/// What happened to a request without a complete response.
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
    /// The proxy did not open the connection; the text says why.
    Proxy(String),
    /// The request's own time ran out.
    TimedOut,
    /// What was received is not HTTP, or its head is too long.
    NotHttp,
    /// The caller gave up before the first byte was sent.
    Abandoned,
}

fn seconds_of_date(date: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(date).ok()?;
    date.duration_since(UNIX_EPOCH).ok()?.as_secs().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_where_a_request_goes_and_nothing_that_is_in_it() {
        let form = Request::form("https://login.example/token?canary#canary", "canary".into());
        let get = Request::get("https://login.example/token", "application/json");
        for request in [form, get.with_header("Authorization", "canary".into())] {
            let text = format!("{request:?}");
            assert!(text.contains("\"https://login.example/token\"") && !text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn a_request_says_what_it_sends_and_what_it_accepts() {
        let form = Request::form("https://login.example/token", "a=b".into());
        assert_eq!(form.header("content-type").unwrap().reveal(), "application/x-www-form-urlencoded");
        assert_eq!(form.header("accept").unwrap().reveal(), "application/json");
        assert_eq!((form.method.as_str(), form.body.unwrap().reveal()), ("POST", "a=b"));
        let get = Request::get("https://login.example/userinfo", "application/jwt");
        assert_eq!((get.method.as_str(), get.header("accept").unwrap().reveal()), ("GET", "application/jwt"));
        assert!(get.body.is_none() && get.header("content-type").is_none());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_on_the_servers_clock_and_else_on_ours() {
        const NOW: i64 = 784_111_777;
        let wait = |headers: Headers| Response { status: 503, headers, body: Body::TooLarge }.retry_after(NOW).map(|wait| wait.as_secs());
        let later = ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(wait([("retry-after", "120")].into()), Some(120));
        assert_eq!(wait([("date", "Sun, 06 Nov 1994 08:50:00 GMT"), later].into()), Some(7));
        assert_eq!(wait([later].into()), Some(30));
        assert_eq!(wait([("date", "today"), later].into()), Some(30));
        assert_eq!(wait([("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")].into()), None);
        assert_eq!(wait([("retry-after", "soon")].into()), None);
        assert_eq!(wait(Headers::default()), None);
    }
}
