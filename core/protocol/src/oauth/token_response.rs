//! Judging the responses of the token endpoint (RFC 6749, section 5).

use super::endpoint_response::{ResponseContext, error_text, is_success};
use super::json::{Members, closed};
use super::token_members::{TokenMembers, bearer};
use super::token_set::TokenSet;
use crate::error::{Error, ErrorCode, Result};
use crate::http::{Body, Response, TransportError};
use crate::secret::{AccessToken, IdToken, RefreshToken};

/// What makes an object the one that counts in a body: tokens, or else an error.
const COUNTING: [&[&str]; 2] = [&["access_token", "refresh_token"], &["error"]];

/// The lifetime of an access token if the response does not say it and there is a refresh token.
const ASSUMED_LIFETIME: i64 = 300;

/// The tokens in a response. A refresh token may be in it although the rest cannot be used.
pub struct TokenResponse {
    members: TokenMembers,
    status: u16,
    /// Why nothing may be handed out, though there is a refresh token to go on with.
    refused: Option<Error>,
}

/// What stays if a response does not have it.
#[derive(Clone, Debug, Default)]
pub(super) struct Previous {
    pub(super) refresh_token: Option<RefreshToken>,
    pub(super) id_token: Option<IdToken>,
    pub(super) id_token_verified: bool,
    pub(super) scope: Option<String>,
}

/// A response that is as good as complete, or the failure that cut it short.
///
/// Tokens and OAuth errors that are complete count, whatever happened to the rest of the body: the
/// server that sent them has carried the request out. So do both tokens if the object is cut off
/// after them: the old refresh token has been spent for them.
pub fn whole(response: Response) -> Result<Response, TransportError> {
    let (bytes, failure) = match response.body {
        Body::Whole(bytes) => (bytes, None),
        Body::CutShort(bytes, failure) => (bytes, Some(failure)),
        Body::TooLarge => return Ok(response),
    };
    let is_there = |bytes: &[u8], enough: fn(&Members<'_>) -> bool| Members::find(bytes, &COUNTING).is_some_and(|members| enough(&members));
    let any = |members: &Members<'_>| {
        TokenMembers::has_access_token(members) || TokenMembers::has_refresh_token(members) || error_text(members).is_some()
    };
    let both = |members: &Members<'_>| TokenMembers::has_access_token(members) && TokenMembers::has_refresh_token(members);
    let bytes = if is_there(&bytes, any) {
        bytes
    } else if let Some(closed) = closed(&bytes).filter(|closed| is_there(closed, both)) {
        closed
    } else if let Some(failure) = failure {
        return Err(failure);
    } else {
        bytes
    };
    Ok(Response { body: Body::Whole(bytes), ..response })
}

/// The tokens in a response, or the error that it is.
pub fn process(context: &ResponseContext<'_>, response: &Response) -> Result<TokenResponse> {
    let Body::Whole(bytes) = &response.body else { return Err(context.unrecognized(response)) };
    let Some(members) = Members::find(bytes, &COUNTING) else { return Err(context.unrecognized(response)) };
    let mut tokens = TokenMembers::read(&members);
    tokens.ignored.iter_mut().for_each(|member| *member = context.clean(member));
    let (status, is_success) = (response.status, is_success(response.status));
    let refused = match context.oauth_error(&members) {
        Some(oauth) if tokens.access_token.is_none() || !is_success => return Err(context.oauth(response, oauth)),
        _ if is_success => None,
        // A server that sends these has spent the old refresh token.
        None if tokens.access_token.is_some() && tokens.refresh_token.is_some() => Some(context.unrecognized(response)),
        _ => return Err(context.unrecognized(response)),
    };
    Ok(TokenResponse { members: tokens, status, refused })
}

impl TokenResponse {
    /// The access token, if there is a usable one.
    pub fn access_token(&self) -> Option<&AccessToken> {
        self.members.access_token.as_ref()
    }

    /// The refresh token, if there is a usable one.
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        self.members.refresh_token.as_ref()
    }

    /// The names of members that are there and cannot be used.
    pub fn ignored_members(&self) -> &[String] {
        &self.members.ignored
    }

    /// Why nothing may be handed out, though there is a refresh token to go on with.
    pub fn refused(&self) -> Option<&Error> {
        self.refused.as_ref()
    }

    /// The scope, if the response says it.
    pub(super) fn scope(&self) -> Option<&str> {
        self.members.scope.as_deref()
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// The token set that this response and the login so far make. `sent_at` is when the request
    /// was sent, in seconds since 1970.
    pub(super) fn complete(self, sent_at: i64, previous: &Previous) -> Result<TokenSet> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let read = self.members;
        let access_token = read.access_token.ok_or_else(|| {
            let problem = "access_token: missing or unusable in the server's response; report it to the server's operator";
            Error::new(ErrorCode::BadResponse, problem)
        })?;
        let token_type = bearer(read.token_type)?;
        let refresh_token = read.refresh_token.or_else(|| previous.refresh_token.clone());
        let lifetime = read.expires_in.or(refresh_token.as_ref().map(|_| ASSUMED_LIFETIME));
        let after = |lifetime: i64| sent_at.saturating_add(lifetime);
        Ok(TokenSet {
            access_token,
            token_type,
            refresh_token,
            id_token_kept: read.id_token.is_none() && previous.id_token.is_some(),
            id_token_verified: read.id_token.is_none() && previous.id_token_verified,
            id_token: read.id_token.or_else(|| previous.id_token.clone()),
            scope: read.scope.or_else(|| previous.scope.clone()),
            expires_at: lifetime.map(|lifetime| after(lifetime.max(0))),
            refresh_expires_at: read.refresh_expires_in.filter(|lifetime| *lifetime > 0).map(after),
            extra: read.extra.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::client_auth::Credentials;
    use super::super::endpoint_request::{EndpointRequest, OnFailure};
    use super::*;
    use crate::error::Remedy;
    use crate::http::{FailureKind, Headers, SendState};

    const SENT_AT: i64 = 1_700_000_000;

    fn request(on_failure: OnFailure) -> EndpointRequest {
        EndpointRequest::new("token", on_failure, vec![("refresh_token", "canary-token".into())])
    }

    fn code() -> EndpointRequest {
        request(OnFailure::SpentByTheAttempt)
    }

    fn refresh() -> EndpointRequest {
        request(OnFailure::StillGood)
    }

    fn narrowing() -> EndpointRequest {
        let parameters = vec![("refresh_token", "canary-token".into()), ("scope", "a".into())];
        EndpointRequest::new("token", OnFailure::StillGood, parameters)
    }

    fn response(status: u16, body: Body) -> Response {
        Response { status, headers: Headers::default(), body }
    }

    fn judge(request: &EndpointRequest, response: &Response) -> Result<TokenResponse> {
        let credentials = Credentials::new("id".into(), Some("canary-secret".into()), None).unwrap();
        process(&ResponseContext::new(request, "https://login.example/token", &credentials, false, 0), response)
    }

    fn read(request: &EndpointRequest, status: u16, body: &str) -> Result<TokenResponse> {
        judge(request, &response(status, Body::Whole(body.as_bytes().to_vec())))
    }

    fn error(request: &EndpointRequest, status: u16, body: &str) -> Error {
        read(request, status, body).err().unwrap_or_else(|| panic!("accepted: {status} {body}"))
    }

    fn completed(json: &str, previous: &Previous) -> Result<TokenSet> {
        read(&refresh(), 200, json)?.complete(SENT_AT, previous)
    }

    /// The tokens after a login that had some.
    fn tokens(json: &str) -> TokenSet {
        let previous = Previous {
            refresh_token: Some("old".into()),
            id_token: Some("old-id".into()),
            scope: Some("requested".into()),
            ..Previous::default()
        };
        completed(json, &previous).unwrap()
    }

    fn oauth(error: &str) -> String {
        format!(r#"{{"error":"{error}","error_description":"Some words"}}"#)
    }

    #[test]
    fn a_response_is_read_whole() {
        let tokens = tokens(
            r#"{"access_token":"a","token_type":"bearer","refresh_token":"r","id_token":"i","scope":"b a","expires_in":300,
                "refresh_expires_in":2592000,"not-before-policy":0,"session_state":"s"}"#,
        );
        assert_eq!(tokens.access_token().reveal(), "a");
        assert_eq!(tokens.token_type(), "bearer");
        assert_eq!(tokens.refresh_token().unwrap().reveal(), "r");
        assert_eq!(tokens.id_token().unwrap().reveal(), "i");
        assert!(!tokens.id_token_kept());
        assert_eq!(tokens.scope(), Some("b a"));
        assert_eq!(tokens.expires_at(), Some(SENT_AT + 300));
        assert_eq!(tokens.refresh_expires_at(), Some(SENT_AT + 2_592_000));
        assert_eq!(Value::Object(tokens.extra().clone()), serde_json::json!({"not-before-policy": 0, "session_state": "s"}));
        assert_eq!(tokens.authorization_header().reveal(), "Bearer a");
    }

    #[test]
    fn what_a_response_leaves_out_stays() {
        let tokens = tokens(r#"{"access_token":"a"}"#);
        assert_eq!(tokens.token_type(), "Bearer");
        assert_eq!(tokens.refresh_token().unwrap().reveal(), "old");
        assert_eq!(tokens.id_token().unwrap().reveal(), "old-id");
        assert!(tokens.id_token_kept());
        assert_eq!(tokens.scope(), Some("requested"));
        assert_eq!(tokens.expires_at(), Some(SENT_AT + 300));
        assert_eq!(tokens.refresh_expires_at(), None);
    }

    #[test]
    fn lifetimes_that_are_odd_do_not_spoil_the_tokens() {
        assert_eq!(tokens(r#"{"access_token":"a","expires_in":"60"}"#).expires_at(), Some(SENT_AT + 60));
        assert_eq!(tokens(r#"{"access_token":"a","expires_in":0}"#).expires_at(), Some(SENT_AT));
        assert_eq!(tokens(r#"{"access_token":"a","expires_in":-5}"#).expires_at(), Some(SENT_AT));
        assert_eq!(tokens(r#"{"access_token":"a","expires_in":1e99}"#).expires_at(), Some(SENT_AT + 300));
        for (seconds, expires_at) in [("0", None), ("-1", None), ("1", Some(SENT_AT + 1))] {
            let json = format!(r#"{{"access_token":"a","refresh_expires_in":{seconds}}}"#);
            assert_eq!(tokens(&json).refresh_expires_at(), expires_at, "{seconds}");
        }
        let odd = read(&refresh(), 200, r#"{"access_token":"a","expires_in":[],"scope":1,"token_type":{}}"#).unwrap();
        assert_eq!(odd.ignored_members(), ["token_type", "scope", "expires_in"]);
    }

    #[test]
    fn without_a_refresh_token_and_a_lifetime_the_expiry_is_unknown() {
        assert_eq!(completed(r#"{"access_token":"a"}"#, &Previous::default()).unwrap().expires_at(), None);
    }

    #[test]
    fn a_scope_may_be_a_text_a_list_or_nothing() {
        assert_eq!(tokens(r#"{"access_token":"a","scope":""}"#).scope(), Some(""));
        assert_eq!(tokens(r#"{"access_token":"a","scope":["x","y"]}"#).scope(), Some("x y"));
        assert_eq!(tokens(r#"{"access_token":"a","scope":[1]}"#).scope(), Some("requested"));
    }

    #[test]
    fn tokens_that_cannot_be_used_are_not_handed_out() {
        for bad in [r#""""#, "null", "1", r#""a b""#] {
            let json = format!(r#"{{"access_token":{bad},"refresh_token":"r"}}"#);
            assert_eq!(completed(&json, &Previous::default()).unwrap_err().code(), ErrorCode::BadResponse, "{bad}");
        }
        let dpop = completed(r#"{"access_token":"a","token_type":"DPoP"}"#, &Previous::default()).unwrap_err();
        assert_eq!(dpop.code(), ErrorCode::Unsupported);
    }

    #[test]
    fn tokens_are_handed_out_with_a_success_whatever_else_is_in_the_response() {
        for status in [200, 201, 202, 203] {
            assert!(read(&code(), status, r#"{"access_token":"a","error":"x"}"#).unwrap().refused.is_none());
        }
        for status in [302, 400, 404, 500] {
            assert!(read(&code(), status, r#"{"access_token":"a"}"#).is_err(), "{status}");
        }
    }

    #[test]
    fn a_pair_of_tokens_is_kept_whatever_the_status_and_not_handed_out() {
        for (status, code) in [(302, ErrorCode::WrongEndpoint), (400, ErrorCode::LoginFailed), (500, ErrorCode::OutcomeUnknown)] {
            let tokens = read(&refresh(), status, r#"{"access_token":"a","refresh_token":"new"}"#).unwrap();
            assert_eq!(tokens.refresh_token().unwrap().reveal(), "new");
            assert_eq!(tokens.complete(0, &Previous::default()).unwrap_err().code(), code, "{status}");
            let with_an_error = r#"{"access_token":"a","refresh_token":"new","error":"invalid_grant"}"#;
            assert_eq!(error(&refresh(), status, with_an_error).code(), ErrorCode::LoginRequired, "{status}");
            // Some servers repeat the request.
            assert!(read(&refresh(), status, r#"{"grant_type":"refresh_token","refresh_token":"canary-token"}"#).is_err(), "{status}");
        }
    }

    #[test]
    fn a_body_that_was_cut_short_counts_if_what_matters_in_it_is_complete() {
        let cut = |status: u16, body: &str| {
            let failure = TransportError { reached: SendState::Sent, kind: FailureKind::ConnectionLost, cause: None };
            whole(response(status, Body::CutShort(body.as_bytes().to_vec(), failure)))
        };
        for body in [r#"{"access_token":"a"}"#, r#"{"refresh_token":"r"}"#, r#"{"error":"invalid_grant"}"#, r#"{"access_token":"a"}{"x"#] {
            assert!(matches!(cut(200, body).unwrap().body, Body::Whole(_)), "{body}");
        }
        for body in
            ["", "{}", r#"{"access_token":"a""#, r#"{"access_token":""}"#, r#"{"error":""}"#, r#"{"x":{"access_token":"a"}"#, "<html>"]
        {
            assert_eq!(cut(503, body).err().unwrap().kind, FailureKind::ConnectionLost, "{body}");
        }
        assert!(matches!(whole(response(200, Body::TooLarge)).unwrap().body, Body::TooLarge));
    }

    #[test]
    fn both_tokens_count_if_the_object_is_cut_off_after_them() {
        let failure = || TransportError { reached: SendState::Sent, kind: FailureKind::ConnectionLost, cause: None };
        let pair = r#"{"access_token":"a","expires_in":60,"refresh_token":"new","#;
        for rest in ["", r#""id_token":"cut"#, r#""x":{"access_token":"b","#, r#""expires_in":9"#, "\"", r#""refresh_token":"cut"#] {
            let body = format!("{pair}{rest}");
            let cut = whole(response(200, Body::CutShort(body.clone().into_bytes(), failure()))).unwrap();
            // The length may be wrong: some servers count characters.
            let short = whole(response(200, Body::Whole(body.into_bytes()))).unwrap();
            for response in [cut, short] {
                let tokens = judge(&refresh(), &response).unwrap().complete(0, &Previous::default()).unwrap();
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
            assert!(whole(response(200, Body::CutShort(body.as_bytes().to_vec(), failure()))).is_err(), "{body}");
        }
    }

    #[test]
    fn a_server_that_says_that_it_has_trouble_is_not_a_matter_of_configuration() {
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
    fn each_response_is_its_error_for_a_code_and_for_a_refresh() {
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
    fn a_member_that_cannot_be_read_is_ignored_and_its_name_shows_no_secret() {
        let body = b"{\"name\":\"M\xFCller\",\"expires_in\":NaN,\"canary-token\":Infinity,\"access_token\":\"a\",\"x\":1}".to_vec();
        let tokens = judge(&refresh(), &response(200, Body::Whole(body))).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(tokens.ignored_members(), ["name", "[redacted]", "expires_in"]);
        assert_eq!(tokens.access_token().unwrap().reveal(), "a");
    }

    #[test]
    fn a_refused_scope_that_the_caller_requested_is_a_matter_of_configuration() {
        assert_eq!(error(&narrowing(), 400, &oauth("invalid_scope")).code(), ErrorCode::Oauth);
    }

    #[test]
    fn a_success_without_an_access_token_still_gives_its_refresh_token() {
        let tokens = read(&refresh(), 200, r#"{"refresh_token":"r"}"#).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(tokens.refresh_token().unwrap().reveal(), "r");
    }
}
