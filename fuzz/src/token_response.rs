//! The input is the body of a token response with status 200, judged for a code exchange and for a
//! refresh.

use std::borrow::Cow;

use serde_json::{Map, Value};
use sipgate_oauth2_protocol::error::ErrorCode;
use sipgate_oauth2_protocol::http::{Body, Headers};
use sipgate_oauth2_protocol::oauth::authorization_code::AuthorizationCode;
use sipgate_oauth2_protocol::oauth::grants::{RefreshParameters, TokenRequest};
use sipgate_oauth2_protocol::oauth::token_set::TokenSet;

use crate::{CODE, CODE_VERIFIER, ID_TOKEN, NOW, REDIRECT_URI, REFRESH_TOKEN, assert_fit_to_show, judge, token_set};

const TEN_YEARS: i64 = 315_360_000;

/// Good tokens are never lost because of what is beside them, and never become other tokens;
/// lifetimes are those of the response, within bounds; and errors show no token.
pub fn check(input: &[u8]) {
    let body = Sent { text: String::from_utf8_lossy(input), object: serde_json::from_slice(input).ok() };
    let json = format!(r#"{{"access_token":"a","refresh_token":"{REFRESH_TOKEN}","id_token":"{ID_TOKEN}","scope":"old"}}"#);
    let login = TokenSet::restore(&json).expect("a good token set");
    let code = AuthorizationCode::new(CODE).code_verifier(CODE_VERIFIER).scope("requested");
    let exchange = TokenRequest::code(code, Some(REDIRECT_URI)).expect("good parameters");
    let refresh = TokenRequest::refresh(RefreshParameters::from(&login)).expect("good parameters");
    for (request, kept) in [(exchange, None), (refresh, Some(REFRESH_TOKEN))] {
        let judged = judge(&request, 200, Headers::default(), Body::Whole(input.to_vec()));
        if let (Ok(response), Some(_)) = (&judged, &body.object) {
            assert_eq!(response.access_token().map(|token| token.reveal()), body.access_token());
            assert_eq!(response.refresh_token().map(|token| token.reveal()), body.refresh_token());
        }
        match judged.and_then(|response| request.complete(response, NOW)) {
            Ok(tokens) => body.assert_tokens(&tokens, kept),
            Err(error) => {
                let tokens = [body.access_token(), body.refresh_token()].into_iter().flatten();
                let sent: Vec<&str> = tokens.filter(|token| token.starts_with("canary")).collect();
                if error.oauth_error().is_none() {
                    assert_fit_to_show(&error, &sent);
                }
                assert_fit_to_show(&error, &request.request().secrets().iter().map(|secret| secret.reveal()).collect::<Vec<_>>());
                let not_bearer = error.code() == ErrorCode::Unsupported;
                assert!(not_bearer || body.access_token().is_none(), "good tokens were lost: {error:?}");
                assert!(kept.is_some() || !error.retryable(), "{error:?}");
                if error.oauth_error().is_none() && kept.is_some() {
                    let known = [ErrorCode::OutcomeUnknown, ErrorCode::BadResponse, ErrorCode::Unsupported];
                    assert!(known.contains(&error.code()), "{error:?}");
                }
            }
        }
    }
}

/// The body, and what it is if it is valid JSON.
struct Sent<'a> {
    text: Cow<'a, str>,
    object: Option<Map<String, Value>>,
}

impl Sent<'_> {
    fn access_token(&self) -> Option<&str> {
        self.token("access_token", 0x21)
    }

    fn refresh_token(&self) -> Option<&str> {
        self.token("refresh_token", 0x20)
    }

    fn token(&self, name: &str, least: u8) -> Option<&str> {
        let text = self.object.as_ref()?.get(name)?.as_str()?.trim_matches(['\r', '\n', '\t']);
        let is_token = (1..=65_536).contains(&text.len()) && text.bytes().all(|byte| (least..=0x7E).contains(&byte));
        is_token.then_some(text)
    }

    /// A lifetime in seconds, if it can be used.
    fn lifetime(&self, name: &str) -> Option<i64> {
        let seconds = match self.object.as_ref()?.get(name)? {
            Value::Number(number) => {
                number.as_i64().or_else(|| number.as_f64().filter(|seconds| seconds.abs() < 1e18).map(|seconds| seconds.floor() as i64))
            }
            Value::String(text) => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let is_plain = (1..=19).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|_| is_plain)
            }
            _ => None,
        };
        seconds.filter(|seconds| *seconds <= TEN_YEARS)
    }

    /// `kept`: the refresh token of before, at a refresh.
    fn assert_tokens(&self, tokens: &TokenSet, kept: Option<&str>) {
        let (access_token, refresh_token) = (tokens.access_token().reveal(), tokens.refresh_token().map(|token| token.reveal()));
        assert!(self.access_token().is_none_or(|sent| sent == access_token));
        // Escapes and UTF-16 are other ways to write a token.
        if !self.text.contains(['\\', '\0']) {
            assert!(self.text.contains(access_token), "{access_token} was not sent");
            assert!(refresh_token.is_none_or(|token| kept == Some(token) || self.text.contains(token)), "{refresh_token:?} was not sent");
            if self.object.is_some() {
                let lifetime = self.lifetime("expires_in").or(refresh_token.map(|_| 300));
                assert_eq!(tokens.expires_at(), lifetime.map(|lifetime| NOW + lifetime.max(0)));
                let refresh_lifetime = self.lifetime("refresh_expires_in").filter(|lifetime| *lifetime > 0);
                assert_eq!(tokens.refresh_expires_at(), refresh_lifetime.map(|lifetime| NOW + lifetime));
            }
        }
        assert!(self.refresh_token().is_none() || refresh_token == self.refresh_token());
        assert!(kept.is_none() || (refresh_token.is_some() && tokens.id_token().is_some()));
        assert!(tokens.expires_at().is_none_or(|at| (NOW..=NOW + TEN_YEARS).contains(&at)), "{tokens:?}");
        assert!(tokens.expires_at().is_some() || refresh_token.is_none(), "{tokens:?}");
        assert!(tokens.refresh_expires_at().is_none_or(|at| (NOW + 1..=NOW + TEN_YEARS).contains(&at)), "{tokens:?}");
        assert!(tokens.scope().is_some());
        assert!(tokens.token_type().to_ascii_lowercase().starts_with("bearer"));
        token_set::assert_sound(tokens);
    }
}
