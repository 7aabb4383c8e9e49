//! Judging the responses of a token endpoint: which is which error (RFC 6749, section 5.2, and what real servers send instead).

use std::cmp::Reverse;

use super::client_auth::ClientAuthentication;
use super::error_code::{OF_CONFIGURATION, OF_THE_CLIENT, code_and_words};
use super::grants::Grant;
use super::json::{Members, closed};
use super::token_set::TokenResponse;
use crate::error::{Error, ErrorCode, OauthError, Remedy, Result, breaks_lines};
use crate::http::{Body, FailureKind, Response, SendState, TransportError};
use crate::secret::Secret;
use crate::wait_ended::WaitEnded;

/// Room for what Ory Hydra says about a wrong `client_authentication`, and then some.
const MAX_SHOWN: usize = 1000;

/// What makes an object the one that counts in a body: tokens, or else an error.
const COUNTING: [&[&str]; 2] = [&["access_token", "refresh_token"], &["error"]];

/// A token request whose response is to be judged: what was asked, of whom, and what must not show in an error.
pub struct ResponseContext<'a> {
    pub grant: &'a Grant,
    pub endpoint: &'a str,
    pub authentication: ClientAuthentication,
    /// The endpoint follows from a preset for Keycloak, so Keycloak's own words help.
    pub is_keycloak: bool,
    pub secrets: &'a [Secret],
}

/// A response that is as good as whole, or the failure that cut it short. Tokens and OAuth errors that are complete count, whatever
/// became of the rest of the body: who sent them has carried the request out. So do both tokens where the object is cut off behind them:
/// the old refresh token has been spent for them.
pub fn whole(answer: Response) -> Result<Response, TransportError> {
    let (bytes, failure) = match answer.body {
        Body::Whole(bytes) => (bytes, None),
        Body::CutShort(bytes, failure) => (bytes, Some(failure)),
        Body::TooLarge => return Ok(answer),
    };
    let is_there = |bytes: &[u8], enough: fn(&TokenResponse, &Members<'_>) -> bool| {
        Members::find(bytes, &COUNTING).is_some_and(|members| enough(&TokenResponse::read(&members), &members))
    };
    let any = |tokens: &TokenResponse, members: &Members<'_>| {
        tokens.access_token.is_some() || tokens.refresh_token.is_some() || error_text(members).is_some()
    };
    let both = |tokens: &TokenResponse, _: &Members<'_>| tokens.access_token.is_some() && tokens.refresh_token.is_some();
    let bytes = if is_there(&bytes, any) {
        bytes
    } else if let Some(closed) = closed(&bytes).filter(|closed| is_there(closed, both)) {
        closed
    } else if let Some(failure) = failure {
        return Err(failure);
    } else {
        bytes
    };
    Ok(Response { body: Body::Whole(bytes), ..answer })
}

impl ResponseContext<'_> {
    /// An HTTP response in, the members of a token response or a typed error out.
    pub fn judge(&self, answer: &Response) -> Result<TokenResponse> {
        let Body::Whole(bytes) = &answer.body else { return Err(self.foreign(answer)) };
        let Some(members) = Members::find(bytes, &COUNTING) else { return Err(self.foreign(answer)) };
        let mut tokens = TokenResponse::read(&members);
        tokens.odd.iter_mut().for_each(|member| *member = self.clean(member));
        match self.oauth_error(&members) {
            Some(oauth) if tokens.access_token.is_none() || !is_success(answer.status) => Err(self.oauth(answer, oauth)),
            _ if is_success(answer.status) => Ok(tokens),
            // A server that sends these has spent the old refresh token.
            None if tokens.access_token.is_some() && tokens.refresh_token.is_some() => {
                tokens.refused = Some(self.foreign(answer));
                Ok(tokens)
            }
            _ => Err(self.foreign(answer)),
        }
    }

    /// No whole answer in, a typed error out.
    pub fn failed(&self, failure: TransportError) -> Error {
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
            (FailureKind::TimedOut, SendState::NotSent) => {
                Error::new(ErrorCode::Timeout, format!("no connection to {host} in time, nothing was sent; try again later"))
            }
            (FailureKind::NameNotFound, SendState::NotSent) => Error::new(
                ErrorCode::Transport,
                format!("the host of {host} was not found, nothing was sent; check name and network, or try again later"),
            ),
            (_, SendState::NotSent) => {
                Error::new(ErrorCode::Transport, format!("no connection to {host}, nothing was sent; try again later"))
            }
            (FailureKind::TimedOut, SendState::Sent) => self.in_doubt(&format!("{host} did not answer in time")),
            (FailureKind::NotHttp, SendState::Sent) => self.in_doubt(&format!("{host} sent something that is not HTTP")),
            (_, SendState::Sent) => self.in_doubt(&format!("the connection to {host} broke before the whole answer was there")),
        };
        match failure.cause {
            Some(cause) => error.with_cause(cause),
            None => error,
        }
    }

    /// The caller gave up waiting; a request that had left goes on.
    pub fn wait_ended(&self, why: WaitEnded, reached: SendState) -> Error {
        match (why, reached) {
            (WaitEnded::Cancelled, SendState::NotSent) => Error::new(ErrorCode::Cancelled, "cancelled before anything was sent"),
            (WaitEnded::Cancelled, SendState::Sent) => {
                let error = Error::new(ErrorCode::Cancelled, "cancelled after the request was sent; the server may carry it out");
                if self.grant.is_code() { error.with_remedy(Remedy::LogInAgain) } else { error }
            }
            (WaitEnded::TimedOut, SendState::NotSent) => {
                Error::new(ErrorCode::Timeout, "the call's timeout ran out before anything was sent; try again, or with a longer timeout")
            }
            (WaitEnded::TimedOut, SendState::Sent) => self.in_doubt("the call's timeout ran out before the answer came"),
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

    fn oauth(&self, answer: &Response, oauth: OauthError) -> Error {
        let status = answer.status;
        let (code, message) = match (oauth.error.as_str(), status) {
            ("invalid_grant", _) => self.dead(),
            ("invalid_scope", _) if !self.grant.sent_scope() => self.dead(),
            (client, _) if OF_THE_CLIENT.contains(&client) => (ErrorCode::InvalidClient, self.about_the_client()),
            ("access_denied", 403) if self.is_keycloak => {
                (ErrorCode::ServerUnavailable, "the server's realm is switched off; try again later")
            }
            ("access_denied", 403) if !self.grant.is_code() => {
                (ErrorCode::ServerUnavailable, "the server denies this for now; try again later")
            }
            (_, 408 | 429 | 500..) | (_, 300..400) | (_, 404 | 405 | 407 | 413 | 415) => {
                return self.by_status(answer).with_oauth(Some(oauth));
            }
            ("server_error" | "temporarily_unavailable", _) if !self.grant.is_code() => {
                (ErrorCode::ServerUnavailable, "the server has trouble; try again later")
            }
            ("not_allowed", _) => {
                let message = format!("{} does not allow this; check {}", self.endpoint, self.place("the rights of client and user"));
                return Error::new(ErrorCode::WrongEndpoint, explain(&message, &oauth)).with_status(status).with_oauth(Some(oauth));
            }
            (code, _) if self.grant.is_code() && !OF_CONFIGURATION.contains(&code) => {
                (ErrorCode::LoginFailed, "the server refused the code; log in again")
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

    fn about_the_client(&self) -> &'static str {
        match self.authentication {
            ClientAuthentication::None => {
                "the server does not accept this client; no client_secret was sent: set client_secret, or check client_id"
            }
            ClientAuthentication::ClientSecretPost => {
                "the server does not accept this client; check client_id and client_secret, or set client_authentication to client_secret_basic"
            }
            ClientAuthentication::ClientSecretBasic => {
                "the server does not accept this client; check client_id and client_secret, or set client_authentication to client_secret_post"
            }
        }
    }

    /// A response that is neither tokens nor an OAuth error.
    fn foreign(&self, answer: &Response) -> Error {
        match answer.status {
            408 | 429 | 500.. => self.by_status(answer),
            200..300 => self
                .in_doubt(&format!("{} sent status {} with something that is no token response", self.endpoint, answer.status))
                .with_status(answer.status),
            401 if self.grant.is_code() => {
                Error::new(ErrorCode::InvalidClient, format!("{} (it does not say why)", self.about_the_client())).with_status(401)
            }
            400 | 401 => self.unexplained(answer),
            // A page with this status is from a firewall in front of the server, which has not seen the token.
            403 if !is_page(&answer.body) => self.unexplained(answer),
            _ => self.wrong_endpoint(answer),
        }
    }

    /// Some servers refuse a refresh token that is revoked, expired or used without a word.
    fn unexplained(&self, answer: &Response) -> Error {
        let (what, else_check) =
            if self.grant.is_code() { ("code", "") } else { ("refresh", "; if that does not help, check client_id and client_secret") };
        let message = format!("{} refused the {what} without a reason (status {}); log in again{else_check}", self.endpoint, answer.status);
        Error::new(ErrorCode::LoginFailed, message).with_status(answer.status).with_retry_after(answer.retry_after)
    }

    fn by_status(&self, answer: &Response) -> Error {
        let error = match answer.status {
            429 => Error::new(ErrorCode::ServerUnavailable, "the server has too many requests (status 429); try again later"),
            408 | 500.. => self.in_doubt(&format!("{} answered with status {}", self.endpoint, answer.status)),
            _ => return self.wrong_endpoint(answer),
        };
        error.with_status(answer.status).with_retry_after(answer.retry_after)
    }

    fn wrong_endpoint(&self, answer: &Response) -> Error {
        let message =
            format!("{} is no token endpoint (status {}); check {}", self.endpoint, answer.status, self.place("the token endpoint's path"));
        Error::new(ErrorCode::WrongEndpoint, message).with_status(answer.status)
    }

    /// What to check about where a request went.
    fn place(&self, elsewhere: &str) -> String {
        if self.is_keycloak { "host, path (with or without /auth) and realm".to_owned() } else { format!("the host and {elsewhere}") }
    }

    fn oauth_error(&self, members: &Members<'_>) -> Option<OauthError> {
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

    fn clean(&self, text: &str) -> String {
        clean(text, &self.secrets.iter().map(Secret::reveal).collect::<Vec<_>>())
    }
}

/// RFC 6749 wants 200; some servers say 201.
fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

fn is_page(body: &Body) -> bool {
    match body {
        Body::Whole(bytes) => bytes.trim_ascii_start().starts_with(b"<"),
        Body::TooLarge | Body::CutShort(..) => true,
    }
}

fn error_text(members: &Members<'_>) -> Option<String> {
    members.shown("error").filter(|error| !error.trim().is_empty())
}

/// A server's words made fit to show: one line without control characters and without what this request held secret.
pub fn clean(text: &str, secrets: &[&str]) -> String {
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
pub fn explain(message: &str, oauth: &OauthError) -> String {
    match &oauth.description {
        Some(description) => format!("{message} (the server says {}: {description})", oauth.error),
        None => format!("{message} (the server says {})", oauth.error),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::authorization_code::AuthorizationCode;
    use super::super::grants::RefreshParameters;
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

    /// At a server that is no preset's, with a secret in the form.
    fn asked<'a>(grant: &'a Grant, secrets: &'a [Secret]) -> ResponseContext<'a> {
        let authentication = ClientAuthentication::ClientSecretPost;
        ResponseContext { grant, endpoint: "https://login.example/token", authentication, is_keycloak: false, secrets }
    }

    fn answer(status: u16, body: Body) -> Response {
        Response { status, retry_after: Some(Duration::from_secs(7)), body }
    }

    fn judge(grant: &Grant, status: u16, body: &str) -> Result<TokenResponse> {
        asked(grant, &grant.secrets()).judge(&answer(status, Body::Whole(body.as_bytes().to_vec())))
    }

    fn error(grant: &Grant, status: u16, body: &str) -> Error {
        judge(grant, status, body).err().unwrap_or_else(|| panic!("accepted: {status} {body}"))
    }

    fn oauth(error: &str) -> String {
        format!(r#"{{"error":"{error}","error_description":"Some words"}}"#)
    }

    #[test]
    fn tokens_are_handed_out_with_a_success_whatever_else_is_in_the_response() {
        for status in [200, 201, 202, 203] {
            assert!(judge(&code(), status, r#"{"access_token":"a","error":"x"}"#).unwrap().refused.is_none());
        }
        for status in [302, 400, 404, 500] {
            assert!(judge(&code(), status, r#"{"access_token":"a"}"#).is_err(), "{status}");
        }
    }

    #[test]
    fn a_pair_of_tokens_is_kept_whatever_the_status_and_not_handed_out() {
        for (status, code) in [(302, ErrorCode::WrongEndpoint), (400, ErrorCode::LoginFailed), (500, ErrorCode::OutcomeUnknown)] {
            let tokens = judge(&refresh(), status, r#"{"access_token":"a","refresh_token":"new"}"#).unwrap();
            assert_eq!(tokens.refresh_token.as_ref().unwrap().reveal(), "new");
            assert_eq!(refresh().complete(tokens, 0).unwrap_err().code(), code, "{status}");
            let with_an_error = r#"{"access_token":"a","refresh_token":"new","error":"invalid_grant"}"#;
            assert_eq!(error(&refresh(), status, with_an_error).code(), ErrorCode::LoginRequired, "{status}");
            // Some servers repeat the request.
            assert!(judge(&refresh(), status, r#"{"grant_type":"refresh_token","refresh_token":"canary-token"}"#).is_err(), "{status}");
        }
    }

    #[test]
    fn a_body_that_was_cut_short_counts_where_what_matters_in_it_is_complete() {
        let cut = |status: u16, body: &str| {
            let failure = TransportError { reached: SendState::Sent, kind: FailureKind::ConnectionLost, cause: None };
            whole(answer(status, Body::CutShort(body.as_bytes().to_vec(), failure)))
        };
        for body in [r#"{"access_token":"a"}"#, r#"{"refresh_token":"r"}"#, r#"{"error":"invalid_grant"}"#, r#"{"access_token":"a"}{"x"#] {
            assert!(matches!(cut(200, body).unwrap().body, Body::Whole(_)), "{body}");
        }
        for body in
            ["", "{}", r#"{"access_token":"a""#, r#"{"access_token":""}"#, r#"{"error":""}"#, r#"{"x":{"access_token":"a"}"#, "<html>"]
        {
            assert_eq!(cut(503, body).err().unwrap().kind, FailureKind::ConnectionLost, "{body}");
        }
        assert!(matches!(whole(answer(200, Body::TooLarge)).unwrap().body, Body::TooLarge));
    }

    #[test]
    fn both_tokens_count_where_the_object_is_cut_off_behind_them() {
        let failure = || TransportError { reached: SendState::Sent, kind: FailureKind::ConnectionLost, cause: None };
        let pair = r#"{"access_token":"a","expires_in":60,"refresh_token":"new","#;
        for rest in ["", r#""id_token":"cut"#, r#""x":{"access_token":"b","#, r#""expires_in":9"#, "\"", r#""refresh_token":"cut"#] {
            let body = format!("{pair}{rest}");
            let cut = whole(answer(200, Body::CutShort(body.clone().into_bytes(), failure()))).unwrap();
            // The length may have been wrong, as where a server counts characters.
            let short = whole(answer(200, Body::Whole(body.into_bytes()))).unwrap();
            for answer in [cut, short] {
                let tokens = asked(&refresh(), &[]).judge(&answer).unwrap();
                let tokens = refresh().complete(tokens, 0).unwrap();
                let refresh_token = tokens.refresh_token().unwrap().reveal();
                assert_eq!((tokens.access_token().reveal(), refresh_token, tokens.expires_at()), ("a", "new", Some(60)), "{rest}");
            }
        }
        for body in [
            r#"{"access_token":"a","x":"#,
            r#"{"refresh_token":"r","x":"#,
            r#"{"access_token":"a","refresh_token":"r""#,
            r#"{"x":{"access_token":"a","refresh_token":"r","#,
        ] {
            assert!(whole(answer(200, Body::CutShort(body.as_bytes().to_vec(), failure()))).is_err(), "{body}");
        }
    }

    #[test]
    fn a_server_that_says_that_it_has_trouble_is_no_matter_of_configuration() {
        for name in ["server_error", "temporarily_unavailable"] {
            for status in [200, 400, 401, 403] {
                let trouble = error(&refresh(), status, &oauth(name));
                assert_eq!((trouble.code(), trouble.remedy()), (ErrorCode::ServerUnavailable, Remedy::TryLater), "{status} {name}");
                assert_eq!(error(&code(), status, &oauth(name)).remedy(), Remedy::LogInAgain, "{status} {name}");
            }
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
            (400, oauth("redirect_uri_mismatch"), Oauth, Oauth),
            (400, oauth("something_new"), LoginFailed, Oauth),
            (403, oauth("invalid_code"), LoginFailed, Oauth),
            (200, oauth("bad_verification_code"), LoginFailed, Oauth),
            (200, oauth("incorrect_client_credentials"), InvalidClient, InvalidClient),
            (400, oauth("invalid_client"), InvalidClient, InvalidClient),
            (401, oauth("unauthorized_client"), InvalidClient, InvalidClient),
            (400, String::new(), LoginFailed, LoginFailed),
            (400, "{}".into(), LoginFailed, LoginFailed),
            (400, "<html>".into(), LoginFailed, LoginFailed),
            (401, String::new(), InvalidClient, LoginFailed),
            (401, "<html>Bearer</html>".into(), InvalidClient, LoginFailed),
            (403, String::new(), LoginFailed, LoginFailed),
            (403, r#"{"message":"Forbidden"}"#.into(), LoginFailed, LoginFailed),
            (403, oauth("access_denied"), LoginFailed, ServerUnavailable),
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
    fn a_refusal_without_a_reason_is_told_from_all_others() {
        for (status, body, unexplained) in [
            (400, String::new(), true),
            (401, "{}".to_owned(), true),
            (403, String::new(), true),
            (403, "<html>".to_owned(), false),
            (404, String::new(), false),
            (500, String::new(), false),
            (400, oauth("invalid_grant"), false),
            (400, oauth("something_new"), false),
        ] {
            let error = error(&refresh(), status, &body);
            assert_eq!(error.is_unexplained_refusal(), unexplained, "{status} {body}");
            assert!(!unexplained || (error.remedy() == Remedy::LogInAgain && !error.to_string().contains("endpoint (")), "{error}");
        }
    }

    #[test]
    fn an_error_is_known_in_any_letters_and_with_words_behind_it() {
        for (written, code, words) in [
            ("invalid_grant", "invalid_grant", None),
            ("invalid_grant: Token is expired", "invalid_grant", Some("Token is expired")),
            (" invalid_grant ", "invalid_grant", None),
            ("Invalid_Grant", "invalid_grant", None),
            ("invalid_grant - (expired)", "invalid_grant", Some("expired)")),
            ("Realm does not exist", "Realm does not exist", None),
            ("Something_New: x", "Something_New: x", None),
        ] {
            let error = error(&refresh(), 400, &format!(r#"{{"error":"{written}"}}"#));
            assert_eq!((error.oauth_error(), error.oauth_error_description()), (Some(code), words), "{written}");
            assert_eq!(error.code() == ErrorCode::LoginRequired, code == "invalid_grant", "{written}");
        }
        let both = error(&refresh(), 400, r#"{"error":"invalid_grant: Token is expired","error_description":"Log in"}"#);
        assert_eq!(both.oauth_error_description(), Some("Token is expired: Log in"));
    }

    #[test]
    fn words_that_are_not_utf_8_are_shown_and_spoil_nothing() {
        let grant = refresh();
        let body = Body::Whole(b"{\"error\":\"invalid_grant\",\"error_description\":\"ung\xFCltig\"}".to_vec());
        let error = asked(&grant, &[]).judge(&answer(400, body)).err().unwrap();
        assert_eq!((error.code(), error.oauth_error_description()), (ErrorCode::LoginRequired, Some("ungültig")));
    }

    #[test]
    fn a_member_that_nobody_can_read_is_odd_and_its_name_shows_no_secret() {
        let grant = refresh();
        let secrets = grant.secrets();
        let body = b"{\"name\":\"M\xFCller\",\"expires_in\":NaN,\"canary-token\":Infinity,\"access_token\":\"a\",\"x\":1}".to_vec();
        let tokens = asked(&grant, &secrets).judge(&answer(200, Body::Whole(body))).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(tokens.odd, ["name", "[redacted]", "expires_in"]);
        assert_eq!(tokens.access_token.unwrap().reveal(), "a");
    }

    #[test]
    fn keycloaks_words_are_for_keycloak() {
        let grant = refresh();
        let message = |is_keycloak, status, body: &str| {
            let body = Body::Whole(body.as_bytes().to_vec());
            let error = ResponseContext { is_keycloak, ..asked(&grant, &[]) }.judge(&answer(status, body)).err().unwrap();
            error.to_string()
        };
        for (status, body) in [(404, String::new()), (403, oauth("access_denied")), (400, oauth("not_allowed"))] {
            let [theirs, others] = [true, false].map(|is_keycloak| message(is_keycloak, status, &body));
            assert!(theirs.contains("realm"), "{theirs}");
            assert!(!others.contains("realm") && !others.contains("/auth"), "{others}");
        }
    }

    #[test]
    fn a_client_that_is_refused_is_told_what_it_sent() {
        let grant = refresh();
        for (authentication, expected) in [
            (ClientAuthentication::None, "no client_secret was sent"),
            (ClientAuthentication::ClientSecretPost, "client_authentication to client_secret_basic"),
            (ClientAuthentication::ClientSecretBasic, "client_authentication to client_secret_post"),
        ] {
            let body = Body::Whole(oauth("invalid_client").into_bytes());
            let error = ResponseContext { authentication, ..asked(&grant, &[]) }.judge(&answer(401, body)).err().unwrap();
            assert!(error.to_string().contains(expected) && error.to_string().ends_with("Some words)"), "{error}");
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
        let failed = |failure| {
            let grant = code();
            asked(&grant, &[]).failed(failure)
        };
        for kind in [FailureKind::TimedOut, FailureKind::ConnectionLost, FailureKind::NotHttp] {
            let failure = |reached| TransportError { reached, kind: kind.clone(), cause: None };
            let sent = failed(failure(SendState::Sent));
            assert_eq!((sent.code(), sent.retryable()), (ErrorCode::LoginFailed, false), "{kind:?}");
            assert!(failed(failure(SendState::NotSent)).retryable(), "{kind:?}");
        }
    }

    #[test]
    fn a_certificate_is_a_matter_of_configuration_and_a_proxy_that_wants_a_login_too() {
        let grant = refresh();
        let failed = |kind| asked(&grant, &[]).failed(TransportError { reached: SendState::NotSent, kind, cause: None }).code();
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
        assert!(error.to_string().len() < 1200);
        assert_eq!(error.oauth_error_description().unwrap().len(), MAX_SHOWN);
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
        let failure = TransportError { reached: SendState::NotSent, kind: FailureKind::ConnectionLost, cause: Some(Box::new(transport)) };
        let grant = refresh();
        let error = asked(&grant, &[]).failed(failure);
        let cause = error.source().unwrap();
        assert_eq!((cause.to_string().as_str(), cause.source().unwrap().to_string().as_str()), ("reset", "cable"));
    }
}
