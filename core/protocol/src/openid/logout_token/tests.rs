use serde_json::{Value, json};

use super::*;
use crate::error::ErrorCode;
use crate::jose::algorithm::Algorithm;
use crate::jose::testing::{Signer, encode, with};

const ISSUER: &str = "https://login.example/realms/r";
const CLIENT: &str = "client";
const NOW: i64 = 1_700_000_000;

fn rules() -> TokenRules {
    TokenRules {
        issuer: ISSUER.into(),
        client_id: CLIENT.into(),
        trusted_audiences: vec!["api".into()],
        algorithms: vec![Algorithm::Es256],
        client_secret: None,
        leeway: 60,
    }
}

fn good_claims() -> Value {
    json!({
        "iss": ISSUER, "aud": CLIENT, "iat": NOW, "exp": NOW + 120, "jti": "j", "sub": "u", "sid": "s",
        "events": {LOGOUT_EVENT: {}},
    })
}

fn judged_as(header: &str, claims: &Value) -> Result<LogoutToken, Error> {
    let signer = Signer::of(Algorithm::Es256);
    let token = signer.token(Algorithm::Es256, header, claims.to_string());
    match judge(&token, &rules(), Some(&KeySet::of([signer.jwk()])), NOW) {
        LogoutJudgement::Accepted(token) => Ok(token),
        LogoutJudgement::Refused(error) => Err(error),
        LogoutJudgement::NoKey => Err(Error::new(ErrorCode::Internal, "no key")),
    }
}

fn judged(changes: &Value) -> Result<LogoutToken, Error> {
    judged_as(r#"{"alg":"ES256","typ":"logout+jwt"}"#, &with(good_claims(), changes))
}

fn assert_refused(changes: &Value, code: ErrorCode, message: &str) {
    let error = judged(changes).expect_err(&changes.to_string());
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().starts_with(message), "{changes}: {error}");
}

#[test]
fn a_good_token_says_whose_logins_end() {
    let token = |subject: Option<&str>, session: Option<&str>| LogoutToken {
        subject: subject.map(str::to_owned),
        session: session.map(str::to_owned),
        token_id: "j".to_owned(),
        issued_at: NOW,
        expires_at: NOW + 120,
    };
    for (changes, expected) in [
        (json!({}), token(Some("u"), Some("s"))),
        (json!({"sid": null}), token(Some("u"), None)),
        (json!({"sub": null}), token(None, Some("s"))),
        (json!({"aud": [CLIENT]}), token(Some("u"), Some("s"))),
        (json!({"aud": [CLIENT, "api"]}), token(Some("u"), Some("s"))),
        (json!({"events": {LOGOUT_EVENT: {}, "revoke_offline_access": true}}), token(Some("u"), Some("s"))),
    ] {
        assert_eq!(judged(&changes).unwrap(), expected, "{changes}");
    }
    for header in [r#"{"alg":"ES256"}"#, r#"{"alg":"ES256","typ":"JWT"}"#, r#"{"alg":"ES256","typ":"application/logout+jwt"}"#] {
        assert!(judged_as(header, &good_claims()).is_ok(), "{header}");
    }
}

#[test]
fn a_token_of_another_kind_algorithm_or_key_is_not_accepted() {
    for typ in ["at+jwt", "dpop+jwt", "logout"] {
        let error = judged_as(&json!({"alg": "ES256", "typ": typ}).to_string(), &good_claims()).unwrap_err().to_string();
        assert_eq!(error, format!("typ: the logout token has the type \"{typ}\", expected logout+jwt or JWT"));
    }
    for alg in ["none", "RS256", "HS256"] {
        let error = judged_as(&json!({ "alg": alg }).to_string(), &good_claims()).unwrap_err().to_string();
        assert_eq!(error, format!("alg: the logout token is signed with \"{alg}\", expected ES256"));
    }
    let token = Signer::of(Algorithm::Es256).token(Algorithm::Es256, r#"{"alg":"ES256"}"#, good_claims().to_string());
    let others = KeySet::of([Signer::new(Algorithm::Es256).jwk()]);
    for keys in [None, Some(&others)] {
        assert!(matches!(judge(&token, &rules(), keys, NOW), LogoutJudgement::NoKey));
    }
    let encrypted = format!("{}....", encode("{}"));
    let LogoutJudgement::Refused(error) = judge(&encrypted, &rules(), None, NOW) else { unreachable!() };
    assert_eq!(error.code(), ErrorCode::Unsupported);
}

#[test]
fn issuer_audience_and_times_are_judged_as_in_id_tokens() {
    assert_refused(&json!({"iss": format!("{ISSUER}/")}), ErrorCode::IssuerMismatch, "iss: the logout token is from ");
    assert_refused(&json!({"iss": null}), ErrorCode::IssuerMismatch, "iss: ");
    for aud in [json!("other"), json!([]), json!(["api"]), json!([CLIENT, "other"]), json!(null), json!(1)] {
        assert_refused(&json!({ "aud": aud }), ErrorCode::IdToken, "aud: ");
    }
    assert!(judged(&json!({"exp": NOW - 59, "iat": NOW + 60})).is_ok());
    assert_refused(&json!({"exp": NOW - 60}), ErrorCode::IdToken, "exp: the logout token is right but for its time: ");
    assert_refused(&json!({"iat": NOW + 61}), ErrorCode::IdToken, "iat: the logout token is right but for its time: ");
    assert_refused(&json!({"iat": null}), ErrorCode::IdToken, "iat: the logout token does not have this claim");
}

#[test]
fn without_exp_a_logout_token_counts_for_two_minutes() {
    let expires_at = |iat: i64| judged(&json!({"exp": null, "iat": iat})).map(|token| token.expires_at);
    assert_eq!(expires_at(NOW).unwrap(), NOW + 120);
    assert_eq!(expires_at(NOW - 179).unwrap(), NOW - 59);
    assert_refused(&json!({"exp": null, "iat": NOW - 180}), ErrorCode::IdToken, "exp: the logout token is right but for its time: ");
    assert_refused(&json!({"exp": "soon"}), ErrorCode::IdToken, "exp: ");
}

#[test]
fn the_event_is_a_logout() {
    for events in [
        json!({}),
        json!({LOGOUT_EVENT: true}),
        json!({LOGOUT_EVENT: []}),
        json!({LOGOUT_EVENT: ""}),
        json!({LOGOUT_EVENT: null}),
        json!({"http://schemas.openid.net/event/other": {}}),
        json!({format!("{LOGOUT_EVENT}/"): {}}),
    ] {
        let message = "events: the logout token does not have the event http://schemas.openid.net/event/backchannel-logout";
        assert_refused(&json!({ "events": events }), ErrorCode::IdToken, message);
    }
    assert_refused(&json!({"events": null}), ErrorCode::IdToken, "events: the logout token does not have this claim");
    for odd in [json!(LOGOUT_EVENT), json!([LOGOUT_EVENT]), json!(1)] {
        assert_refused(&json!({ "events": odd }), ErrorCode::IdToken, "events: the logout token has ");
    }
}

#[test]
fn a_user_or_a_session_is_named() {
    assert_refused(&json!({"sub": null, "sid": null}), ErrorCode::IdToken, "sub: the logout token has neither a user nor a session (sid)");
    assert_refused(&json!({"sid": ""}), ErrorCode::IdToken, "sid: the logout token has an empty session");
    for (claim, odd) in [("sub", json!("")), ("sub", json!("ü")), ("sub", json!(1)), ("sid", json!(1)), ("sid", json!(["s"]))] {
        assert_refused(&json!({ claim: odd }), ErrorCode::IdToken, &format!("{claim}: "));
    }
}

#[test]
fn the_token_has_a_name() {
    for odd in [json!(null), json!("")] {
        assert_refused(&json!({ "jti": odd }), ErrorCode::IdToken, "jti: the logout token does not have this claim");
    }
    assert_refused(&json!({"jti": 1}), ErrorCode::IdToken, "jti: the logout token has 1, expected a string");
}

#[test]
fn a_nonce_makes_it_an_id_token() {
    assert_refused(&json!({"nonce": "n"}), ErrorCode::IdToken, "nonce: the logout token has one, as ID tokens have");
    let null = good_claims().to_string().replacen('{', "{\"nonce\":null,", 1);
    let signer = Signer::of(Algorithm::Es256);
    let token = signer.token(Algorithm::Es256, r#"{"alg":"ES256"}"#, null);
    assert!(matches!(judge(&token, &rules(), Some(&KeySet::of([signer.jwk()])), NOW), LogoutJudgement::Refused(_)));
}
