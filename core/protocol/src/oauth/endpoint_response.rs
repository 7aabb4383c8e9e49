//! Judging the error responses of any endpoint, and requests without a response: which is which
//! error (RFC 6749, section 5.2, and what real servers send instead).

use std::cmp::Reverse;

use super::client_auth::{ClientAuthentication, Credentials};
use super::endpoint_request::{EndpointRequest, OnFailure};
use super::error_code::{OF_CONFIGURATION, OF_THE_CLIENT, code_and_words};
use super::json::Members;
use crate::error::{Error, ErrorCode, OauthError, Remedy, Result, breaks_lines, with_oauth};
use crate::http::{Body, FailureKind, Response, SendState, TransportError};
use crate::secret::{AccessToken, Secret};
use crate::wait_ended::WaitEnded;

/// Room for what Ory Hydra says about a wrong `client_authentication`, and some more.
const MAX_SHOWN: usize = 1000;

/// What is known of a request when its response is judged.
pub struct ResponseContext<'a> {
    kind: &'static str,
    on_failure: OnFailure,
    sent_scope: bool,
    url: &'a str,
    /// `None` if the client does not authenticate there.
    authentication: Option<ClientAuthentication>,
    is_keycloak: bool,
    secrets: Vec<Secret>,
    now: i64,
}

impl<'a> ResponseContext<'a> {
    /// Of a request that went to this URL with these credentials. `is_keycloak`: the URL follows
    /// from a preset for Keycloak, so Keycloak's own words help. `now` is in seconds since 1970.
    pub fn new(request: &'a EndpointRequest, url: &'a str, credentials: &Credentials, is_keycloak: bool, now: i64) -> Self {
        let mut secrets = request.secrets();
        secrets.extend(credentials.secret().map(|secret| Secret::from(secret.reveal())));
        Self {
            kind: request.kind(),
            on_failure: request.on_failure(),
            sent_scope: request.parameter("scope").is_some(),
            url,
            authentication: Some(credentials.method()),
            is_keycloak,
            secrets,
            now,
        }
    }

    /// Of a GET at this URL, with an access token or without. `kind` names the endpoint in
    /// messages.
    pub fn of_get(kind: &'static str, url: &'a str, access_token: Option<&AccessToken>, is_keycloak: bool, now: i64) -> Self {
        let secrets = access_token.map(|token| token.reveal().into()).into_iter().collect();
        Self { kind, on_failure: OnFailure::Harmless, sent_scope: false, url, authentication: None, is_keycloak, secrets, now }
    }

    /// The error for a request that got no complete response.
    pub fn failed(&self, failure: TransportError) -> Error {
        let url = self.url;
        let error = match (failure.kind, failure.reached) {
            (FailureKind::Certificate(why), _) => {
                Error::new(ErrorCode::Certificate, format!("the certificate of {url} does not verify: {why}"))
            }
            (FailureKind::NotTls, _) => Error::new(
                ErrorCode::WrongEndpoint,
                format!("{url} does not speak TLS, nothing was sent; correct host and port, it may be the port for http"),
            ),
            (FailureKind::Tls(why), _) => Error::new(ErrorCode::Unsupported, format!("no TLS connection to {url}: {why}")),
            (FailureKind::Setting(problem), _) => Error::new(ErrorCode::InvalidArgument, problem),
            (FailureKind::Proxy(why), _) => Error::new(
                if why.contains("407") { ErrorCode::WrongEndpoint } else { ErrorCode::Transport },
                format!("the proxy did not open a connection to {url} ({why}); check the proxy setting or HTTPS_PROXY"),
            ),
            (FailureKind::Abandoned, _) => Error::new(ErrorCode::Cancelled, "cancelled before anything was sent"),
            (FailureKind::TimedOut, SendState::NotSent) => {
                Error::new(ErrorCode::Timeout, format!("no connection to {url} in time, nothing was sent; try again later"))
            }
            (FailureKind::NameNotFound, SendState::NotSent) => Error::new(
                ErrorCode::Transport,
                format!("the host of {url} was not found, nothing was sent; check name and network, or try again later"),
            ),
            (_, SendState::NotSent) => {
                Error::new(ErrorCode::Transport, format!("no connection to {url}, nothing was sent; try again later"))
            }
            (FailureKind::TimedOut, SendState::Sent) => self.in_doubt(&format!("{url} did not respond in time")),
            (FailureKind::NotHttp, SendState::Sent) => self.in_doubt(&format!("{url} sent something that is not HTTP")),
            (_, SendState::Sent) => self.in_doubt(&format!("the connection to {url} broke before the whole response was received")),
        };
        match failure.cause {
            Some(cause) => error.with_cause(cause),
            None => error,
        }
    }

    /// The error for a caller that stopped waiting. A request that was sent goes on.
    pub fn wait_ended(&self, why: WaitEnded, reached: SendState) -> Error {
        match (why, reached) {
            (WaitEnded::Cancelled, SendState::NotSent) => Error::new(ErrorCode::Cancelled, "cancelled before anything was sent"),
            (WaitEnded::Cancelled, SendState::Sent) if self.on_failure == OnFailure::Harmless => {
                Error::new(ErrorCode::Cancelled, "cancelled before the response was received")
            }
            (WaitEnded::Cancelled, SendState::Sent) => {
                let error = Error::new(ErrorCode::Cancelled, "cancelled after the request was sent; the server may carry it out");
                if self.is_spent() { error.with_remedy(Remedy::LogInAgain) } else { error }
            }
            (WaitEnded::TimedOut, SendState::NotSent) => {
                Error::new(ErrorCode::Timeout, "the call's timeout elapsed before anything was sent; try again, or with a longer timeout")
            }
            (WaitEnded::TimedOut, SendState::Sent) if self.on_failure == OnFailure::Harmless => Error::new(
                ErrorCode::Timeout,
                "the call's timeout elapsed before the response was received; try again, or with a longer timeout",
            ),
            (WaitEnded::TimedOut, SendState::Sent) => self.in_doubt("the call's timeout elapsed before the response was received"),
        }
    }

    /// The body of a response with status 200, or the error that the response is.
    pub(crate) fn body(&self, response: Response, most_bytes: usize) -> Result<Vec<u8>> {
        match response {
            Response { status: 200, body: Body::Whole(bytes), .. } if bytes.len() <= most_bytes => Ok(bytes),
            Response { status: 200, body: Body::CutShort(_, failure), .. } => Err(self.failed(failure)),
            Response { status: 200, .. } => Err(self.bad_response(&format!("is longer than {} KiB", most_bytes / 1024))),
            response => Err(self.error(response)),
        }
    }

    /// The error for a response that is not a success: the OAuth error in its body, or what the
    /// status says.
    pub(crate) fn error(&self, response: Response) -> Error {
        match (self.oauth_error_in(&response.body), response) {
            (Some(oauth), response) => self.oauth(&response, oauth),
            (None, Response { body: Body::CutShort(_, failure), .. }) => self.failed(failure),
            (None, response) => self.unrecognized(&response),
        }
    }

    /// The error for an OAuth error in a response.
    pub(super) fn oauth(&self, response: &Response, oauth: OauthError) -> Error {
        let status = response.status;
        let (code, message) = match (oauth.error.as_str(), status) {
            ("invalid_grant", _) => self.rejected(),
            ("invalid_scope", _) if !self.sent_scope => self.rejected(),
            (client, _) if OF_THE_CLIENT.contains(&client) => (ErrorCode::InvalidClient, self.about_the_client()),
            ("access_denied", 403) if self.is_keycloak => (ErrorCode::ServerUnavailable, "the server's realm is disabled; try again later"),
            ("access_denied", 403) if !self.is_spent() => (ErrorCode::ServerUnavailable, "the server denies this for now; try again later"),
            (_, 408 | 429 | 500..) | (_, 300..400) | (_, 404 | 405 | 407 | 413 | 415) => {
                return with_oauth(self.by_status(response), oauth);
            }
            ("server_error" | "temporarily_unavailable", _) if !self.is_spent() => {
                (ErrorCode::ServerUnavailable, "the server is temporarily unavailable; try again later")
            }
            ("not_allowed", _) => {
                let message = format!("{} does not allow this; check {}", self.url, self.place("the rights of client and user"));
                let error = Error::new(ErrorCode::WrongEndpoint, explain(&message, &oauth)).with_status(status);
                return with_oauth(error, oauth);
            }
            // RFC 7009, section 2.2.1.
            ("unsupported_token_type", _) if self.on_failure == OnFailure::Repeatable => {
                (ErrorCode::Unsupported, "the server does not revoke tokens of this type; they work there until they expire")
            }
            (code, _) if self.is_spent() && !OF_CONFIGURATION.contains(&code) => {
                (ErrorCode::LoginFailed, "the server refused the code; log in again")
            }
            _ => REFUSED,
        };
        let error = Error::new(code, explain(message, &oauth)).with_status(status).with_retry_after(response.retry_after(self.now));
        with_oauth(error, oauth)
    }

    /// The error for a response that has neither what was requested nor an OAuth error.
    pub(super) fn unrecognized(&self, response: &Response) -> Error {
        match (response.status, self.on_failure) {
            (408 | 429 | 500.., _) => self.by_status(response),
            (status @ 200..300, OnFailure::Harmless) => self.bad_response("has no usable body").with_status(status),
            (status @ 200..300, _) => {
                let what = format!("{} sent status {status} with something that is not a {} response", self.url, self.kind);
                self.in_doubt(&what).with_status(status)
            }
            // Nothing was sent that the server could object to.
            (400 | 401 | 403, _) if self.authentication.is_none() && self.secrets.is_empty() => self.wrong_endpoint(response),
            (401, OnFailure::SpentByTheAttempt | OnFailure::Repeatable | OnFailure::Harmless) => {
                Error::new(ErrorCode::InvalidClient, format!("{} (it does not say why)", self.about_the_client())).with_status(401)
            }
            (400 | 401, _) => self.unexplained(response),
            // A page with this status is from a firewall in front of the server.
            (403, _) if !is_page(&response.body) => self.unexplained(response),
            _ => self.wrong_endpoint(response),
        }
    }

    /// The OAuth error in a body, fit to show.
    pub(crate) fn oauth_error_in(&self, body: &Body) -> Option<OauthError> {
        match body {
            Body::Whole(bytes) | Body::CutShort(bytes, _) => {
                Members::find(bytes, &[&["error"]]).and_then(|members| self.oauth_error(&members))
            }
            Body::TooLarge => None,
        }
    }

    /// An OAuth error's members, fit to show.
    pub(super) fn oauth_error(&self, members: &Members<'_>) -> Option<OauthError> {
        let error = error_text(members)?;
        let (error, words) = code_and_words(&error);
        let said = members.shown("error_description").filter(|said| !said.trim().is_empty());
        let description = match (said, words) {
            (said, "") => said,
            (None, words) => Some(words.to_owned()),
            (Some(said), words) => Some(format!("{words}: {said}")),
        };
        Some(OauthError {
            error: self.clean(&error),
            description: description.map(|text| self.clean(&text)),
            uri: members.shown("error_uri").map(|text| self.clean(&text)),
        })
    }

    /// A server's words without the secrets of this request.
    pub(crate) fn clean(&self, text: &str) -> String {
        clean(text, &self.secrets.iter().map(Secret::reveal).collect::<Vec<_>>())
    }

    /// The error for a success without what it must have. `problem` fits after "the response", and
    /// begins with a verb.
    pub(crate) fn bad_response(&self, problem: &str) -> Error {
        let (kind, url) = (self.kind, self.url);
        Error::new(ErrorCode::BadResponse, format!("the {kind} response of {url} {problem}; report it to the server's operator"))
    }

    fn is_spent(&self) -> bool {
        self.on_failure == OnFailure::SpentByTheAttempt
    }

    /// The request was sent, and may or may not have been carried out.
    fn in_doubt(&self, what: &str) -> Error {
        let (code, consequence) = match self.on_failure {
            OnFailure::SpentByTheAttempt => (ErrorCode::LoginFailed, "the code may be spent, log in again"),
            OnFailure::StillGood => (ErrorCode::OutcomeUnknown, "the refresh may or may not have happened, try again later"),
            OnFailure::Repeatable => (ErrorCode::OutcomeUnknown, "the request may or may not have been carried out, try again later"),
            OnFailure::Harmless => (ErrorCode::ServerUnavailable, "try again later"),
        };
        Error::new(code, format!("{what}; {consequence}"))
    }

    /// The server does not accept what the request was made with.
    fn rejected(&self) -> (ErrorCode, &'static str) {
        match self.on_failure {
            OnFailure::SpentByTheAttempt => (ErrorCode::LoginFailed, "the server did not accept the code; log in again"),
            OnFailure::StillGood => (ErrorCode::LoginRequired, "the server does not accept the refresh token any more; log in again"),
            OnFailure::Repeatable | OnFailure::Harmless => REFUSED,
        }
    }

    fn about_the_client(&self) -> &'static str {
        match self.authentication {
            None | Some(ClientAuthentication::None) => {
                "the server does not accept this client; no client_secret was sent: set client_secret, or check client_id"
            }
            Some(ClientAuthentication::ClientSecretPost) => {
                "the server does not accept this client; check client_id and client_secret, or set client_authentication to client_secret_basic"
            }
            Some(ClientAuthentication::ClientSecretBasic) => {
                "the server does not accept this client; check client_id and client_secret, or set client_authentication to client_secret_post"
            }
        }
    }

    /// Some servers do not say why they refuse a token that is revoked, expired or used.
    fn unexplained(&self, response: &Response) -> Error {
        let (code, what, advice) = match self.on_failure {
            OnFailure::SpentByTheAttempt => (ErrorCode::LoginFailed, "code", "log in again"),
            OnFailure::StillGood => {
                let advice = "log in again; if that does not help, check client_id and client_secret";
                (ErrorCode::LoginFailed, "refresh", advice)
            }
            OnFailure::Repeatable | OnFailure::Harmless => (ErrorCode::Oauth, "request", "check the client's configuration"),
        };
        let message = format!("{} refused the {what} without a reason (status {}); {advice}", self.url, response.status);
        Error::new(code, message).with_status(response.status).with_retry_after(response.retry_after(self.now))
    }

    fn by_status(&self, response: &Response) -> Error {
        let error = match (response.status, self.on_failure) {
            (429, _) => Error::new(ErrorCode::ServerUnavailable, "the server has too many requests (status 429); try again later"),
            // What it was to act on is as it was (RFC 7009, section 2.2.1).
            (503, OnFailure::Repeatable | OnFailure::Harmless) => {
                Error::new(ErrorCode::ServerUnavailable, "the server is temporarily unavailable (status 503); try again later")
            }
            (status @ (408 | 500..), _) => self.in_doubt(&format!("{} responded with status {status}", self.url)),
            _ => return self.wrong_endpoint(response),
        };
        error.with_status(response.status).with_retry_after(response.retry_after(self.now))
    }

    fn wrong_endpoint(&self, response: &Response) -> Error {
        let (url, kind, status) = (self.url, self.kind, response.status);
        let place = self.place(&format!("the {kind} endpoint's path"));
        Error::new(ErrorCode::WrongEndpoint, format!("{url} is no {kind} endpoint (status {status}); check {place}")).with_status(status)
    }

    /// What to check about where a request went.
    fn place(&self, elsewhere: &str) -> String {
        if self.is_keycloak { "host, path (with or without /auth) and realm".to_owned() } else { format!("the host and {elsewhere}") }
    }
}

const REFUSED: (ErrorCode, &str) = (ErrorCode::Oauth, "the server refused the request; check the client's configuration");

/// RFC 6749 says 200; some servers say 201.
pub(super) fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// The code of an OAuth error, if there is one.
pub(super) fn error_text(members: &Members<'_>) -> Option<String> {
    members.shown("error").filter(|error| !error.trim().is_empty())
}

/// A server's words made fit to show: one line, without control characters and without the secrets
/// of the request.
pub(super) fn clean(text: &str, secrets: &[&str]) -> String {
    // Line breaks first: a secret may be broken by one.
    let mut cleaned: String = text.chars().map(|c| if breaks_lines(c) { ' ' } else { c }).collect();
    // Those that fit in, the longest first: one may be the beginning of another.
    let mut secrets: Vec<_> = secrets.iter().filter(|secret| (4..=cleaned.len()).contains(&secret.len())).collect();
    secrets.sort_by_key(|secret| Reverse(secret.len()));
    for secret in secrets {
        cleaned = cleaned.replace(*secret, "[redacted]");
    }
    cleaned.chars().take(MAX_SHOWN).collect()
}

/// Our message with the server's words after it.
pub(crate) fn explain(message: &str, oauth: &OauthError) -> String {
    match &oauth.description {
        Some(description) => format!("{message} (the server says {}: {description})", oauth.error),
        None => format!("{message} (the server says {})", oauth.error),
    }
}

fn is_page(body: &Body) -> bool {
    match body {
        Body::Whole(bytes) => bytes.trim_ascii_start().starts_with(b"<"),
        Body::TooLarge | Body::CutShort(..) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Headers;

    const URL: &str = "https://login.example/path";

    fn credentials(secret: Option<&str>, method: Option<ClientAuthentication>) -> Credentials {
        Credentials::new("id".into(), secret.map(Into::into), method).unwrap()
    }

    /// A request to some endpoint, with a secret in its form.
    fn request(on_failure: OnFailure) -> EndpointRequest {
        EndpointRequest::new("parking", on_failure, vec![("ticket", "canary-ticket".into())])
    }

    fn response(status: u16, body: &str) -> Response {
        Response { status, headers: Headers::from([("retry-after", "7")]), body: Body::Whole(body.as_bytes().to_vec()) }
    }

    fn error(on_failure: OnFailure, status: u16, body: &str) -> Error {
        let (request, credentials) = (request(on_failure), credentials(Some("canary-secret"), None));
        ResponseContext::new(&request, URL, &credentials, false, 0).error(response(status, body))
    }

    fn oauth(error: &str) -> String {
        format!(r#"{{"error":"{error}","error_description":"Some words"}}"#)
    }

    fn failed(on_failure: OnFailure, reached: SendState, kind: FailureKind) -> Error {
        let (request, credentials) = (request(on_failure), credentials(None, None));
        ResponseContext::new(&request, URL, &credentials, false, 0).failed(TransportError { reached, kind, cause: None })
    }

    #[test]
    fn a_failure_means_what_the_request_says() {
        use ErrorCode::{LoginFailed, LoginRequired, Oauth, OutcomeUnknown, ServerUnavailable};
        for (status, body, spent, still_good, repeatable) in [
            (400, oauth("invalid_grant"), LoginFailed, LoginRequired, Oauth),
            (400, oauth("invalid_scope"), LoginFailed, LoginRequired, Oauth),
            (400, oauth("something_new"), LoginFailed, Oauth, Oauth),
            (403, oauth("access_denied"), LoginFailed, ServerUnavailable, ServerUnavailable),
            (400, oauth("server_error"), LoginFailed, ServerUnavailable, ServerUnavailable),
            (400, String::new(), LoginFailed, LoginFailed, Oauth),
            (401, String::new(), ErrorCode::InvalidClient, LoginFailed, ErrorCode::InvalidClient),
            (403, String::new(), LoginFailed, LoginFailed, Oauth),
            (500, String::new(), LoginFailed, OutcomeUnknown, OutcomeUnknown),
            (503, String::new(), LoginFailed, OutcomeUnknown, ServerUnavailable),
        ] {
            assert_eq!(error(OnFailure::SpentByTheAttempt, status, &body).code(), spent, "spent: {status} {body}");
            assert_eq!(error(OnFailure::StillGood, status, &body).code(), still_good, "still good: {status} {body}");
            assert_eq!(error(OnFailure::Repeatable, status, &body).code(), repeatable, "repeatable: {status} {body}");
        }
        assert_eq!(failed(OnFailure::SpentByTheAttempt, SendState::Sent, FailureKind::TimedOut).code(), LoginFailed);
        assert_eq!(failed(OnFailure::StillGood, SendState::Sent, FailureKind::TimedOut).code(), OutcomeUnknown);
        assert_eq!(failed(OnFailure::Repeatable, SendState::Sent, FailureKind::TimedOut).code(), OutcomeUnknown);
    }

    #[test]
    fn a_request_that_only_reads_leaves_nothing_in_doubt() {
        use ErrorCode::{BadResponse, InvalidClient, Oauth, ServerUnavailable, WrongEndpoint};
        for (status, body, with_client, without_client) in [
            (200, "<html>", BadResponse, BadResponse),
            (204, "", BadResponse, BadResponse),
            (400, "", Oauth, WrongEndpoint),
            (401, "", InvalidClient, WrongEndpoint),
            (403, "", Oauth, WrongEndpoint),
            (404, "", WrongEndpoint, WrongEndpoint),
            (408, "", ServerUnavailable, ServerUnavailable),
            (500, "", ServerUnavailable, ServerUnavailable),
            (503, "", ServerUnavailable, ServerUnavailable),
            (400, r#"{"error":"invalid_grant"}"#, Oauth, Oauth),
        ] {
            assert_eq!(error(OnFailure::Harmless, status, body).code(), with_client, "{status} {body}");
            let get = ResponseContext::of_get("parking", URL, None, false, 0).error(response(status, body));
            assert_eq!((get.code(), get.status()), (without_client, Some(status)), "{status} {body}");
        }
        for kind in [FailureKind::TimedOut, FailureKind::ConnectionLost, FailureKind::NotHttp] {
            let error = failed(OnFailure::Harmless, SendState::Sent, kind);
            assert_eq!((error.code(), error.retryable()), (ServerUnavailable, true));
            assert!(error.to_string().ends_with("; try again later"), "{error}");
        }
    }

    #[test]
    fn an_access_token_that_a_server_repeats_does_not_show() {
        let body = r#"{"error":"canary-token","error_description":"canary-token\nis bad"}"#;
        let error = ResponseContext::of_get("parking", URL, Some(&"canary-token".into()), false, 0).error(response(400, body));
        assert!(!format!("{error} {error:?} {:?}", error.oauth_error_description()).contains("canary"), "{error}");
    }

    #[test]
    fn a_body_is_that_of_status_200_within_its_limit() {
        let body = |status, body| {
            let response = Response { status, headers: Headers::default(), body };
            ResponseContext::of_get("parking", URL, None, false, 0).body(response, 1024).map_err(|error| error.code())
        };
        assert_eq!(body(200, Body::Whole(vec![b'a'; 1024])), Ok(vec![b'a'; 1024]));
        assert_eq!(body(200, Body::Whole(vec![b'a'; 1025])), Err(ErrorCode::BadResponse));
        assert_eq!(body(200, Body::TooLarge), Err(ErrorCode::BadResponse));
        assert_eq!(body(201, Body::Whole(vec![])), Err(ErrorCode::BadResponse));
        assert_eq!(body(404, Body::Whole(vec![])), Err(ErrorCode::WrongEndpoint));
        let cut = TransportError { reached: SendState::Sent, kind: FailureKind::ConnectionLost, cause: None };
        assert_eq!(body(200, Body::CutShort(b"{}".to_vec(), cut)), Err(ErrorCode::ServerUnavailable));
    }

    #[test]
    fn a_wrong_endpoint_is_named_by_what_it_was_to_be() {
        for status in [302, 404, 405, 415] {
            let error = error(OnFailure::Repeatable, status, "");
            assert_eq!(error.code(), ErrorCode::WrongEndpoint);
            let expected = format!("{URL} is no parking endpoint (status {status}); check the host and the parking endpoint's path");
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn an_error_that_is_complete_counts_in_a_body_that_was_cut_short() {
        let (request, credentials) = (request(OnFailure::Repeatable), credentials(None, None));
        let context = ResponseContext::new(&request, URL, &credentials, false, 0);
        let cut = |body: &str| {
            let failure = TransportError { reached: SendState::Sent, kind: FailureKind::ConnectionLost, cause: None };
            let body = Body::CutShort(body.as_bytes().to_vec(), failure);
            context.error(Response { status: 400, headers: Headers::default(), body })
        };
        assert_eq!(cut(r#"{"error":"invalid_request"} and m"#).oauth_error(), Some("invalid_request"));
        let lost = cut(r#"{"error":"inva"#);
        assert_eq!((lost.code(), lost.status()), (ErrorCode::OutcomeUnknown, None));
    }

    #[test]
    fn an_error_is_known_in_any_letters_and_with_words_after_it() {
        for (written, code, words) in [
            ("invalid_grant", "invalid_grant", None),
            ("invalid_grant: Token is expired", "invalid_grant", Some("Token is expired")),
            (" invalid_grant ", "invalid_grant", None),
            ("Invalid_Grant", "invalid_grant", None),
            ("invalid_grant - (expired)", "invalid_grant", Some("expired)")),
            ("Realm does not exist", "Realm does not exist", None),
            ("Something_New: x", "Something_New: x", None),
        ] {
            let error = error(OnFailure::StillGood, 400, &format!(r#"{{"error":"{written}"}}"#));
            assert_eq!((error.oauth_error(), error.oauth_error_description()), (Some(code), words), "{written}");
            assert_eq!(error.code() == ErrorCode::LoginRequired, code == "invalid_grant", "{written}");
        }
        let both = error(OnFailure::StillGood, 400, r#"{"error":"invalid_grant: Token is expired","error_description":"Log in"}"#);
        assert_eq!(both.oauth_error_description(), Some("Token is expired: Log in"));
    }

    #[test]
    fn words_that_are_not_utf_8_are_shown_and_spoil_nothing() {
        let (request, credentials) = (request(OnFailure::StillGood), credentials(None, None));
        let body = Body::Whole(b"{\"error\":\"invalid_grant\",\"error_description\":\"ung\xFCltig\"}".to_vec());
        let response = Response { status: 400, headers: Headers::default(), body };
        let error = ResponseContext::new(&request, URL, &credentials, false, 0).error(response);
        assert_eq!((error.code(), error.oauth_error_description()), (ErrorCode::LoginRequired, Some("ungültig")));
    }

    #[test]
    fn keycloaks_words_are_for_keycloak() {
        let (request, credentials) = (request(OnFailure::StillGood), credentials(None, None));
        for (status, body) in [(404, String::new()), (403, oauth("access_denied")), (400, oauth("not_allowed"))] {
            let message =
                |is_keycloak| ResponseContext::new(&request, URL, &credentials, is_keycloak, 0).error(response(status, &body)).to_string();
            let [theirs, others] = [true, false].map(message);
            assert!(theirs.contains("realm"), "{theirs}");
            assert!(!others.contains("realm") && !others.contains("/auth"), "{others}");
        }
    }

    #[test]
    fn a_client_that_is_refused_is_told_what_it_sent() {
        let request = request(OnFailure::StillGood);
        for (secret, method, expected) in [
            (None, ClientAuthentication::None, "no client_secret was sent"),
            (Some("s"), ClientAuthentication::ClientSecretPost, "client_authentication to client_secret_basic"),
            (Some("s"), ClientAuthentication::ClientSecretBasic, "client_authentication to client_secret_post"),
        ] {
            let credentials = credentials(secret, Some(method));
            let error = ResponseContext::new(&request, URL, &credentials, false, 0).error(response(401, &oauth("invalid_client")));
            assert!(error.to_string().contains(expected) && error.to_string().ends_with("Some words)"), "{error}");
        }
    }

    #[test]
    fn retry_after_is_passed_on() {
        for (status, body) in [(503, String::new()), (429, String::new()), (403, oauth("access_denied")), (400, String::new())] {
            let wait = error(OnFailure::StillGood, status, &body).retry_after();
            assert_eq!(wait.map(|wait| wait.as_secs()), Some(7), "{status} {body}");
        }
    }

    #[test]
    fn a_spent_code_is_never_something_to_try_later() {
        for kind in [FailureKind::TimedOut, FailureKind::ConnectionLost, FailureKind::NotHttp] {
            let sent = failed(OnFailure::SpentByTheAttempt, SendState::Sent, kind.clone());
            assert_eq!((sent.code(), sent.retryable()), (ErrorCode::LoginFailed, false), "{kind:?}");
            assert!(failed(OnFailure::SpentByTheAttempt, SendState::NotSent, kind.clone()).retryable(), "{kind:?}");
        }
    }

    #[test]
    fn a_caller_that_stops_waiting_is_told_whether_anything_was_sent() {
        let ended = |on_failure, why, reached| {
            let (request, credentials) = (request(on_failure), credentials(None, None));
            let error = ResponseContext::new(&request, URL, &credentials, false, 0).wait_ended(why, reached);
            (error.code(), error.remedy())
        };
        let (spent, good) = (OnFailure::SpentByTheAttempt, OnFailure::StillGood);
        for (on_failure, why, reached, code, remedy) in [
            (spent, WaitEnded::Cancelled, SendState::NotSent, ErrorCode::Cancelled, Remedy::TryLater),
            (spent, WaitEnded::Cancelled, SendState::Sent, ErrorCode::Cancelled, Remedy::LogInAgain),
            (good, WaitEnded::Cancelled, SendState::Sent, ErrorCode::Cancelled, Remedy::TryLater),
            (spent, WaitEnded::TimedOut, SendState::NotSent, ErrorCode::Timeout, Remedy::TryLater),
            (spent, WaitEnded::TimedOut, SendState::Sent, ErrorCode::LoginFailed, Remedy::LogInAgain),
            (good, WaitEnded::TimedOut, SendState::Sent, ErrorCode::OutcomeUnknown, Remedy::TryLater),
            (OnFailure::Harmless, WaitEnded::Cancelled, SendState::Sent, ErrorCode::Cancelled, Remedy::TryLater),
            (OnFailure::Harmless, WaitEnded::TimedOut, SendState::Sent, ErrorCode::Timeout, Remedy::TryLater),
        ] {
            assert_eq!(ended(on_failure, why, reached), (code, remedy), "{on_failure:?} {why:?} {reached:?}");
        }
    }

    #[test]
    fn a_certificate_is_a_matter_of_configuration_and_so_is_a_proxy_that_requires_a_login() {
        let failed = |kind| failed(OnFailure::StillGood, SendState::NotSent, kind).code();
        assert_eq!(failed(FailureKind::Certificate("expired".into())), ErrorCode::Certificate);
        assert_eq!(failed(FailureKind::Proxy("proxy server responded 407/407".into())), ErrorCode::WrongEndpoint);
        assert_eq!(failed(FailureKind::Proxy("proxy server responded 502/502".into())), ErrorCode::Transport);
    }

    #[test]
    fn a_server_that_repeats_our_secrets_does_not_get_them_into_an_error() {
        for secret in ["canary-ticket", "canary-secret"] {
            let body = format!(r#"{{"error":"{secret}","error_description":"{secret}\nis bad","error_uri":"https://x/{secret}"}}"#);
            let error = error(OnFailure::SpentByTheAttempt, 400, &body);
            let shown = format!("{error} {error:?} {:?} {:?}", error.oauth_error_description(), error.oauth_error_uri());
            assert!(!shown.contains("canary") && !shown.contains('\n'), "{shown}");
        }
    }

    #[test]
    fn a_secret_that_a_server_breaks_over_two_lines_does_not_show() {
        assert_eq!(clean("the canary\ncode", &["canary code"]), "the [redacted]");
        assert_eq!(clean("the canary code", &["canary", "canary code"]), "the [redacted]");
    }

    #[test]
    fn a_servers_words_are_cut() {
        let body = format!(r#"{{"error":"x","error_description":"{}"}}"#, "long ".repeat(10_000));
        let error = error(OnFailure::SpentByTheAttempt, 400, &body);
        assert!(error.to_string().len() < 1200);
        assert_eq!(error.oauth_error_description().unwrap().len(), MAX_SHOWN);
    }

    #[test]
    fn the_servers_words_follow_ours() {
        let with_words = error(OnFailure::StillGood, 400, &oauth("invalid_request")).to_string();
        assert!(with_words.ends_with("configuration (the server says invalid_request: Some words)"), "{with_words}");
        let without = error(OnFailure::StillGood, 400, r#"{"error":"invalid_request"}"#).to_string();
        assert!(without.ends_with("configuration (the server says invalid_request)"), "{without}");
    }

    #[test]
    fn the_transports_error_is_the_cause_with_its_own_cause() {
        use std::error::Error as _;

        let transport = Error::new(ErrorCode::Transport, "reset").with_cause(std::io::Error::other("cable"));
        let cause = Some(Box::new(transport) as Box<dyn std::error::Error + Send + Sync>);
        let failure = TransportError { reached: SendState::NotSent, kind: FailureKind::ConnectionLost, cause };
        let (request, credentials) = (request(OnFailure::StillGood), credentials(None, None));
        let error = ResponseContext::new(&request, URL, &credentials, false, 0).failed(failure);
        let cause = error.source().unwrap();
        assert_eq!((cause.to_string().as_str(), cause.source().unwrap().to_string().as_str()), ("reset", "cable"));
    }
}
