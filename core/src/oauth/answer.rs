//! Judging what a token endpoint answered: which answer is which error (RFC 6749, section 5.2, and what real servers send instead).

use std::cmp::Reverse;

use super::grant::{GivenUp, Grant};
use super::json::Members;
use super::message::{Answer, Body, Failure, FailureKind, Reached};
use super::token::TokenAnswer;
use crate::error::{Error, ErrorCode, OauthError, Remedy, Result, breaks_lines};
use crate::secret::Secret;

const MAX_SHOWN: usize = 300;

/// A token request whose answer is to be judged: what was asked, of whom, and what must not show in an error.
pub(crate) struct Asked<'a> {
    pub(crate) grant: &'a Grant,
    pub(crate) endpoint: &'a str,
    pub(crate) secrets: &'a [Secret],
}

impl Asked<'_> {
    /// A whole HTTP answer in, the members of a token answer or a typed error out.
    pub(crate) fn judge(&self, answer: &Answer) -> Result<TokenAnswer> {
        let members = match &answer.body {
            Body::Whole(bytes) => Members::parse(bytes),
            Body::TooLarge => None,
            Body::CutShort(bytes, failure) => Some(
                Members::parse(bytes)
                    .ok_or_else(|| self.failed(Failure { reached: failure.reached, kind: failure.kind.clone(), cause: None }))?,
            ),
        };
        let tokens = members.as_ref().map(TokenAnswer::read);
        let oauth = members.as_ref().and_then(|members| self.oauth_error(members));
        match (tokens, oauth) {
            (Some(tokens), _) if tokens.access_token.is_some() && is_success(answer.status) => Ok(tokens),
            (_, Some(oauth)) => Err(self.oauth(answer, oauth)),
            (Some(tokens), None) if is_success(answer.status) => Ok(tokens),
            (_, None) => Err(self.foreign(answer)),
        }
    }

    /// No whole answer in, a typed error out.
    pub(crate) fn failed(&self, failure: Failure) -> Error {
        let host = self.endpoint;
        let error = match (failure.kind, failure.reached) {
            (FailureKind::Certificate(why), _) => {
                Error::new(ErrorCode::Certificate, format!("the certificate of {host} does not verify: {why}"))
            }
            (FailureKind::NotTls, _) => Error::new(
                ErrorCode::WrongEndpoint,
                format!("{host} does not speak TLS, nothing was sent; correct host and port, it may be the port for http"),
            ),
            (FailureKind::Tls(why), _) => Error::new(ErrorCode::Unsupported, format!("no TLS connection to {host}: {why}")),
            (FailureKind::Setting(problem), _) => Error::new(ErrorCode::InvalidArgument, problem),
            (FailureKind::Proxy(why), _) => Error::new(
                if why.contains("407") { ErrorCode::WrongEndpoint } else { ErrorCode::Transport },
                format!("the proxy did not let the connection to {host} through ({why}); check the proxy setting or HTTPS_PROXY"),
            ),
            (FailureKind::Abandoned, _) => Error::new(ErrorCode::Cancelled, "cancelled before anything was sent"),
            (FailureKind::TimedOut, Reached::NotSent) => {
                Error::new(ErrorCode::Timeout, format!("no connection to {host} in time, nothing was sent; try again later"))
            }
            (FailureKind::NameNotFound, Reached::NotSent) => Error::new(
                ErrorCode::Transport,
                format!("the host of {host} was not found, nothing was sent; check name and network, or try again later"),
            ),
            (_, Reached::NotSent) => {
                Error::new(ErrorCode::Transport, format!("no connection to {host}, nothing was sent; try again later"))
            }
            (FailureKind::TimedOut, Reached::Sent) => self.in_doubt(&format!("{host} did not answer in time")),
            (FailureKind::NotHttp, Reached::Sent) => self.in_doubt(&format!("{host} sent something that is not HTTP")),
            (_, Reached::Sent) => self.in_doubt(&format!("the connection to {host} broke before the whole answer was there")),
        };
        match failure.cause {
            Some(cause) => error.with_cause(Cause(cause)),
            None => error,
        }
    }

    /// The caller gave up waiting; a request that had left goes on.
    pub(crate) fn given_up(&self, why: GivenUp, reached: Reached) -> Error {
        match (why, reached) {
            (GivenUp::Cancelled, Reached::NotSent) => Error::new(ErrorCode::Cancelled, "cancelled before anything was sent"),
            (GivenUp::Cancelled, Reached::Sent) => {
                let error = Error::new(ErrorCode::Cancelled, "cancelled after the request was sent; the server may carry it out");
                if self.grant.is_code() { error.with_remedy(Remedy::LogInAgain) } else { error }
            }
            (GivenUp::TimedOut, Reached::NotSent) => {
                Error::new(ErrorCode::Timeout, "the call's timeout ran out before anything was sent; try again, or with a longer timeout")
            }
            (GivenUp::TimedOut, Reached::Sent) => self.in_doubt("the call's timeout ran out before the answer came"),
        }
    }

    /// The request may or may not have been carried out. A code is spent by that; a refresh token may still be good.
    fn in_doubt(&self, what: &str) -> Error {
        if self.grant.is_code() {
            Error::new(ErrorCode::LoginFailed, format!("{what}; the code may be spent, log in again"))
        } else {
            Error::new(ErrorCode::OutcomeUnknown, format!("{what}; the refresh may or may not have happened, try again later"))
        }
    }

    fn oauth(&self, answer: &Answer, oauth: OauthError) -> Error {
        let status = answer.status;
        let (code, message) = match (oauth.error.as_str(), status) {
            ("invalid_grant", _) => self.dead(),
            ("invalid_scope", _) if !self.grant.sent_scope() => self.dead(),
            ("invalid_client" | "unauthorized_client", _) => {
                (ErrorCode::InvalidClient, "the server does not accept this client; check client_id and client_secret")
            }
            ("access_denied", 403) => (ErrorCode::ServerUnavailable, "the server's realm is switched off; try again later"),
            (_, 408 | 429 | 500..) | (_, 300..400) | (_, 404 | 405 | 407 | 413 | 415) => {
                return self.by_status(answer).with_oauth(Some(oauth));
            }
            ("not_allowed", _) => {
                let message = format!("{} does not allow this; check host, realm and the rights of client and user", self.endpoint);
                return Error::new(ErrorCode::WrongEndpoint, explain(&message, &oauth)).with_status(status).with_oauth(Some(oauth));
            }
            _ => (ErrorCode::Oauth, "the server refused the request; check the client's configuration"),
        };
        Error::new(code, explain(message, &oauth)).with_status(status).with_retry_after(answer.retry_after).with_oauth(Some(oauth))
    }

    fn dead(&self) -> (ErrorCode, &'static str) {
        if self.grant.is_code() {
            (ErrorCode::LoginFailed, "the server did not accept the code; log in again")
        } else {
            (ErrorCode::LoginRequired, "the server does not accept the refresh token any more; log in again")
        }
    }

    /// An answer that is neither tokens nor an OAuth error.
    fn foreign(&self, answer: &Answer) -> Error {
        match answer.status {
            401 => {
                Error::new(ErrorCode::InvalidClient, "the server refused the client without saying why; check client_id and client_secret")
                    .with_status(401)
            }
            408 | 429 | 500.. => self.by_status(answer),
            200..300 => self
                .in_doubt(&format!("{} sent status {} with something that is no token answer", self.endpoint, answer.status))
                .with_status(answer.status),
            _ => self.wrong_endpoint(answer),
        }
    }

    fn by_status(&self, answer: &Answer) -> Error {
        let error = match answer.status {
            429 => Error::new(ErrorCode::ServerUnavailable, "the server has too many requests (status 429); try again later"),
            408 | 500.. => self.in_doubt(&format!("{} answered with status {}", self.endpoint, answer.status)),
            _ => return self.wrong_endpoint(answer),
        };
        error.with_status(answer.status).with_retry_after(answer.retry_after)
    }

    fn wrong_endpoint(&self, answer: &Answer) -> Error {
        Error::new(
            ErrorCode::WrongEndpoint,
            format!(
                "{} is no token endpoint (status {}); check host, path (with or without /auth) and realm",
                self.endpoint, answer.status
            ),
        )
        .with_status(answer.status)
    }

    fn oauth_error(&self, members: &Members<'_>) -> Option<OauthError> {
        let secrets: Vec<&str> = self.secrets.iter().map(Secret::reveal).collect();
        let error = members.string("error").filter(|error| !error.is_empty())?;
        let text = |name| members.string(name).map(|text| clean(&text, &secrets));
        Some(OauthError { error: clean(&error, &secrets), description: text("error_description"), uri: text("error_uri") })
    }
}

/// RFC 6749 wants 200; some servers say 201.
fn is_success(status: u16) -> bool {
    matches!(status, 200 | 201)
}

/// A server's words made fit to show: one short line without control characters and without what this request held secret.
pub(crate) fn clean(text: &str, secrets: &[&str]) -> String {
    // First the line breaks: a secret may stand across one.
    let mut cleaned: String = text.chars().map(|c| if breaks_lines(c) { ' ' } else { c }).collect();
    // The longest first: one may be the beginning of another.
    let mut secrets: Vec<_> = secrets.iter().filter(|secret| secret.len() >= 4).collect();
    secrets.sort_by_key(|secret| Reverse(secret.len()));
    for secret in secrets {
        cleaned = cleaned.replace(*secret, "[redacted]");
    }
    cleaned.chars().take(MAX_SHOWN).collect()
}

/// Our message with the server's words behind it.
pub(crate) fn explain(message: &str, oauth: &OauthError) -> String {
    match &oauth.description {
        Some(description) => format!("{message} (the server says {}: {description})", oauth.error),
        None => format!("{message} (the server says {})", oauth.error),
    }
}

/// The transport's own error, kept as the cause.
#[derive(Debug)]
struct Cause(Box<dyn std::error::Error + Send + Sync>);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::authorization_code::AuthorizationCode;
    use super::super::grant::RefreshParameters;
    use super::*;

    fn code() -> Grant {
        Grant::code(AuthorizationCode::new("canary-code"), Some("https://app.example/cb")).unwrap()
    }

    fn refresh() -> Grant {
        Grant::refresh(RefreshParameters::new("canary-token")).unwrap()
    }

    fn narrowing() -> Grant {
        Grant::refresh(RefreshParameters::new("canary-token").scope("a")).unwrap()
    }

    fn judge(grant: &Grant, status: u16, body: &str) -> Result<TokenAnswer> {
        let answer = Answer { status, retry_after: Some(Duration::from_secs(7)), body: Body::Whole(body.as_bytes().to_vec()) };
        Asked { grant, endpoint: "https://login.example/token", secrets: &grant.secrets() }.judge(&answer)
    }

    fn error(grant: &Grant, status: u16, body: &str) -> Error {
        judge(grant, status, body).err().unwrap_or_else(|| panic!("accepted: {status} {body}"))
    }

    fn oauth(error: &str) -> String {
        format!(r#"{{"error":"{error}","error_description":"Some words"}}"#)
    }

    #[test]
    fn tokens_come_with_200_and_201_whatever_else_is_in_the_answer() {
        for status in [200, 201] {
            assert!(judge(&code(), status, r#"{"access_token":"a","error":"x"}"#).is_ok());
        }
        for status in [204, 302, 400, 500] {
            assert!(judge(&code(), status, r#"{"access_token":"a"}"#).is_err(), "{status}");
        }
    }

    #[test]
    fn an_oauth_error_is_one_at_any_status() {
        for status in [200, 400, 401, 403, 500] {
            assert_eq!(error(&code(), status, &oauth("invalid_grant")).code(), ErrorCode::LoginFailed, "{status}");
            assert_eq!(error(&refresh(), status, &oauth("invalid_grant")).code(), ErrorCode::LoginRequired, "{status}");
        }
    }

    #[test]
    fn each_answer_is_its_error_for_a_code_and_for_a_refresh() {
        use ErrorCode::{InvalidClient, LoginFailed, LoginRequired, Oauth, OutcomeUnknown, ServerUnavailable, WrongEndpoint};
        for (status, body, for_code, for_refresh) in [
            (400, oauth("invalid_scope"), LoginFailed, LoginRequired),
            (400, oauth("invalid_request"), Oauth, Oauth),
            (400, oauth("unsupported_grant_type"), Oauth, Oauth),
            (400, oauth("invalid_client"), InvalidClient, InvalidClient),
            (401, oauth("unauthorized_client"), InvalidClient, InvalidClient),
            (401, String::new(), InvalidClient, InvalidClient),
            (401, "<html>Bearer</html>".into(), InvalidClient, InvalidClient),
            (403, oauth("access_denied"), ServerUnavailable, ServerUnavailable),
            (403, oauth("invalid_request"), Oauth, Oauth),
            (403, "<html>".into(), WrongEndpoint, WrongEndpoint),
            (404, r#"{"error":"Realm does not exist"}"#.into(), WrongEndpoint, WrongEndpoint),
            (404, "<html>".into(), WrongEndpoint, WrongEndpoint),
            (405, r#"{"error":"HTTP 405 Method Not Allowed"}"#.into(), WrongEndpoint, WrongEndpoint),
            (407, String::new(), WrongEndpoint, WrongEndpoint),
            (413, String::new(), WrongEndpoint, WrongEndpoint),
            (415, String::new(), WrongEndpoint, WrongEndpoint),
            (302, String::new(), WrongEndpoint, WrongEndpoint),
            (307, String::new(), WrongEndpoint, WrongEndpoint),
            (400, oauth("not_allowed"), WrongEndpoint, WrongEndpoint),
            (408, String::new(), LoginFailed, OutcomeUnknown),
            (429, "<html>".into(), ServerUnavailable, ServerUnavailable),
            (500, oauth("unknown_error"), LoginFailed, OutcomeUnknown),
            (502, "<html>".into(), LoginFailed, OutcomeUnknown),
            (503, String::new(), LoginFailed, OutcomeUnknown),
            (200, "<html>".into(), LoginFailed, OutcomeUnknown),
            (200, String::new(), LoginFailed, OutcomeUnknown),
            (200, r#"{"access_token":"a""#.into(), LoginFailed, OutcomeUnknown),
        ] {
            assert_eq!(error(&code(), status, &body).code(), for_code, "code: {status} {body}");
            assert_eq!(error(&refresh(), status, &body).code(), for_refresh, "refresh: {status} {body}");
            assert_eq!(error(&refresh(), status, &body).status(), Some(status));
        }
    }

    #[test]
    fn a_scope_of_the_callers_own_that_is_refused_is_a_matter_of_configuration() {
        assert_eq!(error(&narrowing(), 400, &oauth("invalid_scope")).code(), ErrorCode::Oauth);
    }

    #[test]
    fn retry_after_is_passed_on() {
        assert_eq!(error(&refresh(), 503, "").retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(error(&refresh(), 429, "").retry_after(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_spent_code_is_never_something_to_try_later() {
        let asked = |failure| {
            let grant = code();
            Asked { grant: &grant, endpoint: "https://login.example/token", secrets: &[] }.failed(failure)
        };
        for kind in [FailureKind::TimedOut, FailureKind::Broken, FailureKind::NotHttp] {
            let failure = |reached| Failure { reached, kind: kind.clone(), cause: None };
            let sent = asked(failure(Reached::Sent));
            assert_eq!((sent.code(), sent.retryable()), (ErrorCode::LoginFailed, false), "{kind:?}");
            assert!(asked(failure(Reached::NotSent)).retryable(), "{kind:?}");
        }
    }

    #[test]
    fn a_certificate_is_a_matter_of_configuration_and_a_proxy_that_wants_a_login_too() {
        let grant = refresh();
        let failed = |kind| {
            let asked = Asked { grant: &grant, endpoint: "https://login.example/token", secrets: &[] };
            asked.failed(Failure { reached: Reached::NotSent, kind, cause: None }).code()
        };
        assert_eq!(failed(FailureKind::Certificate("expired".into())), ErrorCode::Certificate);
        assert_eq!(failed(FailureKind::Proxy("proxy server responded 407/407".into())), ErrorCode::WrongEndpoint);
        assert_eq!(failed(FailureKind::Proxy("proxy server responded 502/502".into())), ErrorCode::Transport);
    }

    #[test]
    fn a_server_that_repeats_our_secrets_does_not_get_them_into_an_error() {
        let body = r#"{"error":"canary-code","error_description":"canary-code\nis bad","error_uri":"https://x/canary-code"}"#;
        let error = error(&code(), 400, body);
        let shown = format!("{error} {error:?} {:?} {:?}", error.oauth_error_description(), error.oauth_error_uri());
        assert!(!shown.contains("canary") && !shown.contains('\n'), "{shown}");
    }

    #[test]
    fn a_secret_that_a_server_breaks_over_two_lines_does_not_show() {
        assert_eq!(clean("the canary\ncode", &["canary code"]), "the [redacted]");
        assert_eq!(clean("the canary code", &["canary", "canary code"]), "the [redacted]");
    }

    #[test]
    fn a_servers_words_are_cut() {
        let error = error(&code(), 400, &format!(r#"{{"error":"x","error_description":"{}"}}"#, "long ".repeat(10_000)));
        assert!(error.to_string().len() < 1000);
    }

    #[test]
    fn a_success_without_an_access_token_still_gives_its_refresh_token() {
        let answer = judge(&refresh(), 200, r#"{"refresh_token":"r"}"#).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(answer.refresh_token.unwrap().reveal(), "r");
    }

    #[test]
    fn the_servers_words_stand_behind_ours() {
        let with_words = error(&refresh(), 400, &oauth("invalid_request")).to_string();
        assert!(with_words.ends_with("configuration (the server says invalid_request: Some words)"), "{with_words}");
        let without = error(&refresh(), 400, r#"{"error":"invalid_request"}"#).to_string();
        assert!(without.ends_with("configuration (the server says invalid_request)"), "{without}");
    }

    #[test]
    fn the_transports_error_is_the_cause_with_its_own_cause() {
        use std::error::Error as _;

        let transport = Error::new(ErrorCode::Transport, "reset").with_cause(std::io::Error::other("cable"));
        let failure = Failure { reached: Reached::NotSent, kind: FailureKind::Broken, cause: Some(Box::new(transport)) };
        let grant = refresh();
        let error = Asked { grant: &grant, endpoint: "https://login.example/token", secrets: &[] }.failed(failure);
        let cause = error.source().unwrap();
        assert_eq!((cause.to_string().as_str(), cause.source().unwrap().to_string().as_str()), ("reset", "cable"));
    }
}
