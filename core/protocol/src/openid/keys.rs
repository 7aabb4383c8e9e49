//! Fetching a server's keys (OpenID Connect Core, section 10.1.1).

use crate::error::{Error, ErrorCode, Result};
use crate::http::{Body, Request, Response};
use crate::jose::jwks::KeySet;
use crate::oauth::endpoint_response::ResponseContext;

/// The request for the document at the `jwks_uri`.
pub fn request(jwks_uri: &str) -> Request {
    Request::get(jwks_uri, "application/json, application/jwk-set+json")
}

/// What is known of that request. `now` is in seconds since 1970.
pub fn context(jwks_uri: &str, now: i64) -> ResponseContext<'_> {
    ResponseContext::of_get("keys", jwks_uri, None, false, now)
}

/// The keys in a response.
///
/// # Errors
///
/// Whatever came instead, it may be right later: [`ErrorCode::ServerUnavailable`] or
/// [`ErrorCode::BadResponse`], with the URL and what came.
pub fn process(jwks_uri: &str, response: Response, now: i64) -> Result<KeySet> {
    let bad = |problem: &str| Error::new(ErrorCode::BadResponse, format!("the document at {jwks_uri} {problem}; try again later"));
    match response {
        Response { status: 200, body: Body::Whole(bytes), .. } => KeySet::parse(&bytes).map_err(|problem| bad(&problem)),
        Response { status: 200, body: Body::TooLarge, .. } => Err(bad("is too large for a JWK Set")),
        Response { status: 200, body: Body::CutShort(_, failure), .. } => Err(context(jwks_uri, now).failed(failure)),
        Response { status, .. } => {
            let problem = format!("the server's keys cannot be read: {jwks_uri} responded with status {status}; try again later");
            Err(Error::new(ErrorCode::ServerUnavailable, problem).with_status(status).with_retry_after(response.retry_after(now)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{FailureKind, Headers, SendState, TransportError};

    const URL: &str = "https://keys.example/certs";

    fn error(status: u16, body: Body) -> Error {
        process(URL, Response { status, headers: Headers::from([("retry-after", "7")]), body }, 0).unwrap_err()
    }

    #[test]
    fn keys_are_read_without_credentials() {
        let request = request(URL);
        assert_eq!((request.method.as_str(), request.url.as_str(), request.headers.len()), ("GET", URL, 1));
    }

    #[test]
    fn whatever_came_instead_of_keys_is_named_and_may_be_right_later() {
        let whole = |text: &str| Body::Whole(text.as_bytes().to_vec());
        let cut = TransportError { reached: SendState::Sent, kind: FailureKind::ConnectionLost, cause: None };
        for (status, body, code) in [
            (200, whole("<html>"), ErrorCode::BadResponse),
            (200, whole(""), ErrorCode::BadResponse),
            (200, Body::TooLarge, ErrorCode::BadResponse),
            (200, Body::CutShort(b"{\"keys\":[".to_vec(), cut), ErrorCode::ServerUnavailable),
            (302, whole(""), ErrorCode::ServerUnavailable),
            (401, whole(""), ErrorCode::ServerUnavailable),
            (404, whole("{\"keys\":[]}"), ErrorCode::ServerUnavailable),
            (503, whole(""), ErrorCode::ServerUnavailable),
        ] {
            let error = error(status, body);
            assert_eq!((error.code(), error.retryable()), (code, true), "{status}: {error}");
            assert!(error.to_string().contains(URL), "{error}");
            assert!(status == 200 || error.to_string().contains(&format!("status {status}")), "{error}");
        }
        let unavailable = error(503, whole(""));
        assert_eq!((unavailable.status(), unavailable.retry_after().map(|wait| wait.as_secs())), (Some(503), Some(7)));
    }
}
