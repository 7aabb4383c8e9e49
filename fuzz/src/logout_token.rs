//! The input is the payload of a logout token that the server signed.

use serde_json::Value;
use sipgate_oauth2_protocol::error::ErrorCode;
use sipgate_oauth2_protocol::openid::logout_token::{LogoutJudgement, judge};

use crate::signed::{self, rules};
use crate::{NOW, assert_fit_to_show};

const HEADER: &str = r#"{"typ":"logout+jwt","alg":"HS256"}"#;
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The verdict is that of the rules, if the claims can be read in one way only. What is accepted
/// names a user or a session.
pub fn check(input: &str) {
    let token = signed::token(HEADER, input);
    let claims = signed::claims(input);
    let is_good = claims.as_ref().map(is_good);
    match judge(&token, &rules(), None, NOW) {
        LogoutJudgement::Accepted(accepted) => {
            assert_ne!(is_good, Some(false), "{input}");
            assert!(accepted.subject.is_some() || accepted.session.is_some());
            assert!(!accepted.token_id.is_empty() && accepted.expires_at > NOW - 60);
            if let Some(claims) = claims {
                assert_eq!(accepted.subject.as_deref(), claims["sub"].as_str());
                assert_eq!(accepted.session.as_deref(), claims["sid"].as_str());
                assert_eq!(Some(accepted.token_id.as_str()), claims["jti"].as_str());
            }
        }
        LogoutJudgement::Refused(error) => {
            assert_ne!(is_good, Some(true), "{error}: {input}");
            assert!([ErrorCode::IdToken, ErrorCode::IssuerMismatch].contains(&error.code()), "{error:?}");
            assert_fit_to_show(&error, &[&token]);
        }
        LogoutJudgement::NoKey => panic!("no key is needed"),
    }
}

fn is_good(claims: &Value) -> bool {
    let is_text = |name: &str| claims[name].as_str().is_some_and(|text| !text.is_empty());
    let mut with_end = claims.clone();
    if let (None, Some(issued_at)) = (claims.get("exp"), claims["iat"].as_f64()) {
        with_end["exp"] = (issued_at.floor() + 120.0).into();
    }
    signed::is_from_the_server_and_for_the_client(&with_end)
        && is_text("jti")
        && claims.get("nonce").is_none()
        && claims["events"].get(EVENT).is_some_and(Value::is_object)
        && (claims["sub"].is_string() || is_text("sid"))
        && claims.get("sid").is_none_or(|sid| sid != "")
}
