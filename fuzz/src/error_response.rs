//! The input is `code 400`, `refresh 503` or `narrowing 400` on one line, and the response's body
//! after it.

use std::time::Duration;

use sipgate_oauth2_protocol::error::{Error, ErrorCode, Remedy};
use sipgate_oauth2_protocol::http::{Body, Headers};
use sipgate_oauth2_protocol::oauth::authorization_code::AuthorizationCode;
use sipgate_oauth2_protocol::oauth::endpoint_request::OnFailure;
use sipgate_oauth2_protocol::oauth::grants::{RefreshParameters, TokenRequest};
use sipgate_oauth2_protocol::secret::Secret;

use crate::{CLIENT_SECRET, CODE, CODE_VERIFIER, REDIRECT_URI, REFRESH_TOKEN, assert_fit_to_show, judge};

const RETRY_AFTER: Option<Duration> = Some(Duration::from_secs(7));

/// For any status and body: tokens only with success, and else an error that tells the truth about
/// the code or token and shows no secret.
pub fn check(input: &str) {
    let (head, body) = input.split_once('\n').unwrap_or((input, ""));
    let parsed = head.split_once(' ').and_then(|(grant, status)| Some((request(grant)?, status.parse().ok()?)));
    let Some((request, status)) = parsed.filter(|(_, status)| (200..600).contains(status)) else { return };
    check_response(&request, status, Body::Whole(body.as_bytes().to_vec()));
    check_response(&request, status, Body::TooLarge);
}

fn check_response(request: &TokenRequest, status: u16, body: Body) {
    match judge(request, status, Headers::from([("retry-after", "7")]), body) {
        Ok(tokens) => assert_eq!(tokens.refused().is_none(), (200..300).contains(&status), "tokens of status {status}"),
        Err(error) => {
            let mut secrets = request.request().secrets();
            secrets.push(Secret::from(CLIENT_SECRET));
            assert_fit_to_show(&error, &secrets.iter().map(Secret::reveal).collect::<Vec<_>>());
            assert_eq!(error.status(), Some(status));
            assert!(error.retry_after().is_none() || error.retry_after() == RETRY_AFTER);
            assert!(!(300..400).contains(&status) || error.oauth_error().is_some() || error.code() == ErrorCode::WrongEndpoint);
            match request.request().on_failure() {
                OnFailure::SpentByTheAttempt => assert_code_error(&error, status),
                _ => assert_refresh_error(&error, status, request.request().parameter("scope").is_some()),
            }
        }
    }
}

/// A code is spent once there is a response. Trying again later is right only if the response says
/// that the code was not read.
fn assert_code_error(error: &Error, status: u16) {
    let not_read = status == 429 || (status == 403 && error.oauth_error() == Some("access_denied"));
    assert!(!error.retryable() || not_read, "{error:?}");
    assert!(!matches!(error.code(), ErrorCode::LoginRequired | ErrorCode::OutcomeUnknown), "{error:?}");
}

/// Only an OAuth error from the server ends a login. After any other refusal it stays active.
fn assert_refresh_error(error: &Error, status: u16, sent_scope: bool) {
    let said = error.oauth_error();
    let over = said == Some("invalid_grant") || (said == Some("invalid_scope") && !sent_scope);
    let unexplained = matches!(status, 400 | 401 | 403) && said.is_none();
    assert!(unexplained || error.code() != ErrorCode::LoginFailed, "{error:?}");
    let ends = over || error.code() == ErrorCode::LoginFailed;
    assert_eq!(error.remedy() == Remedy::LogInAgain, ends, "{error:?}");
    let about_the_client = matches!(said, Some("invalid_client" | "unauthorized_client" | "incorrect_client_credentials"));
    if status >= 500 && !over && !about_the_client {
        assert_eq!((error.code(), error.retryable()), (ErrorCode::OutcomeUnknown, true), "{error:?}");
    }
}

fn request(word: &str) -> Option<TokenRequest> {
    let request = match word {
        "code" => TokenRequest::code(AuthorizationCode::new(CODE).code_verifier(CODE_VERIFIER), Some(REDIRECT_URI)),
        "refresh" => TokenRequest::refresh(RefreshParameters::new(REFRESH_TOKEN)),
        "narrowing" => TokenRequest::refresh(RefreshParameters::new(REFRESH_TOKEN).scope("a")),
        _ => return None,
    };
    Some(request.expect("good parameters"))
}
