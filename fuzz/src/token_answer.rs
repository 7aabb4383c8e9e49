//! The input is the body of a token endpoint's answer with status 200, judged for a code exchange and for a refresh.

use serde_json::{Map, Value};

use crate::error::ErrorCode;
use crate::oauth::authorization_code::AuthorizationCode;
use crate::oauth::grant::{Grant, RefreshParameters};
use crate::oauth::json::Members;
use crate::oauth::message::{Response, Body};
use crate::oauth::token::{TokenResponse, TokenSet};
use crate::{CODE, CODE_VERIFIER, ID_TOKEN, NOW, REDIRECT_URI, REFRESH_TOKEN, asked, assert_fit_to_show, token_set};

const TEN_YEARS: i64 = 315_360_000;

/// Good tokens are never lost to what stands beside them, lifetimes are within bounds, and errors show no token.
pub fn check(input: &str) {
    let object: Option<Map<String, Value>> = serde_json::from_str(input).ok();
    let usable = |name, least: u8| {
        let text = object.as_ref()?.get(name)?.as_str()?.trim_matches(['\r', '\n', '\t']);
        is_usable(text, least).then_some(text)
    };
    let (access_token, refresh_token) = (usable("access_token", 0x21), usable("refresh_token", 0x20));
    if object.is_some() {
        let members = Members::parse(input).expect("it is an object");
        let read = TokenResponse::read(&members);
        assert_eq!(read.access_token.as_ref().map(|token| token.reveal()), access_token);
        assert_eq!(read.refresh_token.as_ref().map(|token| token.reveal()), refresh_token);
    }

    let login =
        TokenSet::restore(&format!(r#"{{"access_token":"a","refresh_token":"{REFRESH_TOKEN}","id_token":"{ID_TOKEN}","scope":"old"}}"#));
    let again = RefreshParameters::try_from(&login.expect("a good token set")).expect("it has a refresh token");
    let code = AuthorizationCode::new(CODE).code_verifier(CODE_VERIFIER).scope("asked");
    for grant in [Grant::code(code, Some(REDIRECT_URI)), Grant::refresh(again)] {
        let grant = grant.expect("good parameters");
        let answer = Response { status: 200, retry_after: None, body: Body::Whole(input.as_bytes().to_vec()) };
        let judged = asked(&grant, &grant.secrets()).judge(&answer);
        match judged.and_then(|answer| grant.complete(answer, NOW)) {
            Ok(tokens) => assert_tokens(&tokens, grant.is_code(), access_token, refresh_token),
            Err(error) => {
                let sent: Vec<&str> =
                    [access_token, refresh_token].into_iter().flatten().filter(|token| token.starts_with("canary")).collect();
                if error.oauth_error().is_none() {
                    assert_fit_to_show(&error, &sent);
                }
                assert_fit_to_show(&error, &grant.secrets().iter().map(|secret| secret.reveal()).collect::<Vec<_>>());
                let not_bearer = error.code() == ErrorCode::Unsupported;
                assert!(not_bearer || access_token.is_none(), "good tokens were lost: {error:?}");
                assert!(!grant.is_code() || !error.retryable(), "{error:?}");
            }
        }
    }
}

fn assert_tokens(tokens: &TokenSet, is_code: bool, access_token: Option<&str>, refresh_token: Option<&str>) {
    assert!(access_token.is_none_or(|sent| sent == tokens.access_token().reveal()));
    let kept = if is_code { None } else { Some(REFRESH_TOKEN) };
    assert!(refresh_token.is_none() || tokens.refresh_token().map(|token| token.reveal()) == refresh_token.or(kept));
    assert!(is_code || (tokens.refresh_token().is_some() && tokens.id_token().is_some()));
    assert!(tokens.expires_at().is_none_or(|at| (NOW..=NOW + TEN_YEARS).contains(&at)), "{tokens:?}");
    assert!(tokens.expires_at().is_some() || tokens.refresh_token().is_none(), "{tokens:?}");
    assert!(tokens.refresh_expires_at().is_none_or(|at| (NOW + 1..=NOW + TEN_YEARS).contains(&at)), "{tokens:?}");
    assert!(tokens.scope().is_some());
    assert!(tokens.token_type().to_ascii_lowercase().starts_with("bearer"));
    token_set::assert_sound(tokens);
}

fn is_usable(token: &str, least: u8) -> bool {
    (1..=65_536).contains(&token.len()) && token.bytes().all(|byte| (least..=0x7E).contains(&byte))
}
