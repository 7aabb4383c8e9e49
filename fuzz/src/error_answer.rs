//! The input is `code 400`, `refresh 503` or `narrowing 400` on one line, and the answer's body behind it.

use std::time::Duration;

use crate::error::{Error, ErrorCode, Remedy};
use crate::oauth::authorization_code::AuthorizationCode;
use crate::oauth::grant::{Grant, RefreshParameters};
use crate::oauth::message::{Response, Body};
use crate::secret::Secret;
use crate::{CLIENT_SECRET, CODE, CODE_VERIFIER, REDIRECT_URI, REFRESH_TOKEN, asked, assert_fit_to_show};

const RETRY_AFTER: Option<Duration> = Some(Duration::from_secs(7));

/// Whatever the status and the body: tokens only with success, and else an error that tells the truth about the code or token and shows no secret.
pub fn check(input: &str) {
    let (head, body) = input.split_once('\n').unwrap_or((input, ""));
    let Some((grant, status)) = head.split_once(' ').and_then(|(grant, status)| Some((grant_of(grant)?, status.parse().ok()?))) else {
        return;
    };
    if !(200..600).contains(&status) {
        return;
    }
    judge(&grant, status, Body::Whole(body.as_bytes().to_vec()));
    judge(&grant, status, Body::TooLarge);
}

fn judge(grant: &Grant, status: u16, body: Body) {
    let mut secrets = grant.secrets();
    secrets.push(Secret::from(CLIENT_SECRET));
    match asked(grant, &secrets).judge(&Response { status, retry_after: RETRY_AFTER, body }) {
        Ok(tokens) => assert_eq!(tokens.refused.is_none(), (200..300).contains(&status), "tokens of status {status}"),
        Err(error) => {
            assert_fit_to_show(&error, &secrets.iter().map(Secret::reveal).collect::<Vec<_>>());
            assert_eq!(error.status(), Some(status));
            assert!(error.retry_after().is_none() || error.retry_after() == RETRY_AFTER);
            assert!(!(300..400).contains(&status) || error.oauth_error().is_some() || error.code() == ErrorCode::WrongEndpoint);
            if grant.is_code() { assert_code_error(&error, status) } else { assert_refresh_error(&error, status) }
        }
    }
}

/// A code that somebody answered for is spent: trying again later is right only where the answer says that nobody looked at it.
fn assert_code_error(error: &Error, status: u16) {
    let not_looked_at = status == 429 || (status == 403 && error.oauth_error() == Some("access_denied"));
    assert!(!error.retryable() || not_looked_at, "{error:?}");
    assert!(!matches!(error.code(), ErrorCode::LoginRequired | ErrorCode::OutcomeUnknown), "{error:?}");
}

/// Only the server's own word ends a login, or a refusal without one that may be repeated.
fn assert_refresh_error(error: &Error, status: u16) {
    let said = error.oauth_error();
    let unexplained = matches!(status, 400 | 401 | 403) && said.is_none();
    if error.remedy() == Remedy::LogInAgain {
        assert!(matches!(said, Some("invalid_grant" | "invalid_scope")) || unexplained, "{error:?}");
    }
    if status >= 500 && said.is_none() {
        assert!(error.retryable(), "{error:?}");
    }
    assert!(unexplained || error.code() != ErrorCode::LoginFailed, "{error:?}");
}

fn grant_of(word: &str) -> Option<Grant> {
    let grant = match word {
        "code" => Grant::code(AuthorizationCode::new(CODE).code_verifier(CODE_VERIFIER), Some(REDIRECT_URI)),
        "refresh" => Grant::refresh(RefreshParameters::new(REFRESH_TOKEN)),
        "narrowing" => Grant::refresh(RefreshParameters::new(REFRESH_TOKEN).scope("a")),
        _ => return None,
    };
    Some(grant.expect("good parameters"))
}
