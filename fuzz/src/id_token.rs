//! The input is the header and the payload of an ID token that the server signed, a line each.

use serde_json::Value;
use sipgate_oauth2_protocol::error::ErrorCode;
use sipgate_oauth2_protocol::openid::id_token::{Expected, Judgement, TokenRules, claims, judge};
use sipgate_oauth2_protocol::secret::{AccessToken, IdToken};

use crate::signed::{self, CLIENT_ID, rules};
use crate::{NOW, assert_fit_to_show};

const NONCE: &str = "canary-nonce";
const HEADER: &str = r#"{"alg":"HS256"}"#;

/// The verdict is that of the rules, if the claims can be read in one way only. What is accepted
/// names this client, this login and this access token; another client refuses it.
pub fn check(input: &str) {
    let (header, payload) = input.split_once('\n').unwrap_or((HEADER, input));
    let token = IdToken::from(signed::token(header, payload));
    let access_token = AccessToken::from("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
    let expected = Expected { nonce: Some(NONCE), access_token: Some(&access_token), ..Expected::default() };
    let is_good = signed::claims(payload).map(|claims| is_good(&claims));
    match judge(&token, &rules(), expected, None, NOW) {
        Judgement::Accepted(accepted) => {
            assert_ne!(is_good, Some(false), "{payload}");
            assert_eq!(accepted.get("nonce"), Some(&NONCE.into()));
            assert!(claims(&token) == Some(accepted));
            let other_nonce = Expected { nonce: Some("other"), ..expected };
            assert_eq!(refused(&token, &rules(), other_nonce), Some(ErrorCode::NonceMismatch));
            let other_issuer = TokenRules { issuer: "https://other.example".to_owned(), ..rules() };
            assert_eq!(refused(&token, &other_issuer, expected), Some(ErrorCode::IssuerMismatch));
            for other in [
                TokenRules { client_id: "other".to_owned(), ..rules() },
                TokenRules { client_secret: Some("x".repeat(40).into()), ..rules() },
                TokenRules { client_secret: None, ..rules() },
                TokenRules { algorithms: vec![], ..rules() },
            ] {
                assert_eq!(refused(&token, &other, expected), Some(ErrorCode::IdToken));
            }
        }
        Judgement::Refused(error) => {
            assert!(header != HEADER || is_good != Some(true), "{error}: {payload}");
            let codes = [ErrorCode::IdToken, ErrorCode::IssuerMismatch, ErrorCode::NonceMismatch];
            assert!(codes.contains(&error.code()), "{error:?}");
            let nonce = Some(NONCE).filter(|nonce| says(header, nonce) == 0 && says(payload, nonce) <= 1 && is_nonce(payload));
            let secrets = [token.reveal(), access_token.reveal()].into_iter().chain(nonce);
            assert_fit_to_show(&error, &secrets.collect::<Vec<_>>());
        }
        Judgement::NoKey => panic!("no key is needed"),
    }
}

/// How often the text is in what this JSON says. What is said elsewhere than in `nonce` may be
/// shown.
fn says(json: &str, text: &str) -> usize {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    value.to_string().matches(text).count()
}

fn is_nonce(payload: &str) -> bool {
    serde_json::from_str::<Value>(payload).is_ok_and(|claims| claims["nonce"] == NONCE)
}

fn refused(token: &IdToken, rules: &TokenRules, expected: Expected<'_>) -> Option<ErrorCode> {
    match judge(token, rules, expected, None, NOW) {
        Judgement::Refused(error) => Some(error.code()),
        _ => None,
    }
}

fn is_good(claims: &Value) -> bool {
    let azp = claims.get("azp");
    signed::is_from_the_server_and_for_the_client(claims)
        && claims["sub"].is_string()
        && claims["nonce"] == NONCE
        && claims.get("at_hash").is_none_or(|hash| hash == "77QmUPtjPfzWtF2AnpK9RQ")
        && azp.is_none_or(|azp| azp == CLIENT_ID)
        && (azp.is_some() || signed::audiences(claims).is_some_and(|all| all.len() == 1))
}
