//! The input is a status and a media type on one line, a challenge on the next, and the body.

use serde_json::Value;
use sipgate_oauth2_protocol::error::ErrorCode;
use sipgate_oauth2_protocol::http::{Body, Headers, Response};
use sipgate_oauth2_protocol::jose::algorithm::Algorithm;
use sipgate_oauth2_protocol::openid::id_token::{Judgement, TokenRules};
use sipgate_oauth2_protocol::openid::userinfo::{Received, context, judge, process};

use crate::{ACCESS_TOKEN, ISSUER, NOW, assert_fit_to_show};

const SUBJECT: &str = "the-subject";

/// Claims are handed out only with status 200, unsigned without keys, and about the same user.
pub fn check(input: &str) {
    let (head, rest) = input.split_once('\n').unwrap_or((input, ""));
    let (challenge, body) = rest.split_once('\n').unwrap_or((rest, ""));
    let (status, media_type) = head.split_once(' ').unwrap_or((head, ""));
    let Some(status) = status.parse().ok().filter(|status| (200..600).contains(status)) else { return };
    let headers = Headers::from([("content-type", media_type), ("www-authenticate", challenge)]);
    let response = Response { status, headers, body: Body::Whole(body.as_bytes().to_vec()) };
    match process(&context("https://login.example/userinfo", &ACCESS_TOKEN.into(), true, NOW), response) {
        Ok(Received::Userinfo(userinfo)) => {
            assert_eq!(status, 200);
            let rules = TokenRules {
                issuer: ISSUER.into(),
                client_id: "id".into(),
                trusted_audiences: Vec::new(),
                algorithms: Algorithm::ALL.to_vec(),
                client_secret: None,
                leeway: 60,
            };
            match judge(&userinfo, SUBJECT, &rules, None) {
                Judgement::Accepted(claims) => {
                    let sent: Value = serde_json::from_str(body).expect("an object");
                    assert_eq!((claims.subject(), sent["sub"].as_str()), (SUBJECT, Some(SUBJECT)));
                    assert_eq!(&Value::from(claims.as_map().clone()), &sent);
                }
                Judgement::Refused(error) => assert_fit_to_show(&error, &[ACCESS_TOKEN]),
                Judgement::NoKey => assert!(media_type.to_ascii_lowercase().contains("application/jwt"), "{media_type}"),
            }
        }
        Ok(Received::TokenRefused(error)) => {
            assert!(matches!(status, 400 | 401 | 403), "{status}");
            assert_fit_to_show(&error, &[ACCESS_TOKEN]);
        }
        Err(error) => {
            assert_fit_to_show(&error, &[ACCESS_TOKEN]);
            assert_eq!(error.status(), Some(status));
            assert!(status != 401 || error.code() == ErrorCode::Oauth, "{error:?}");
        }
    }
}
