use std::fmt::Write as _;

use serde_json::{Value, json};

use super::*;
use crate::jose::algorithm::Algorithm;
use crate::jose::testing::{SECRET, Signer, encode, mac, with};
use crate::secret::ClientSecret;

const ISSUER: &str = "https://login.example/realms/r";
const CLIENT: &str = "client";
const NOW: i64 = 1_700_000_000;
const LEEWAY: i64 = 60;

fn rules() -> TokenRules {
    TokenRules {
        issuer: ISSUER.into(),
        client_id: CLIENT.into(),
        trusted_audiences: vec![],
        algorithms: vec![Algorithm::Es256],
        client_secret: Some(SECRET.into()),
        leeway: LEEWAY,
    }
}

fn good_claims() -> Value {
    json!({"iss": ISSUER, "sub": "u", "aud": CLIENT, "exp": NOW + 300, "iat": NOW, "nonce": "the-nonce"})
}

fn good_with(changes: &Value) -> Value {
    with(good_claims(), changes)
}

fn header(algorithm: Algorithm) -> String {
    json!({"alg": algorithm.as_str(), "typ": "JWT"}).to_string()
}

fn token(payload: &impl ToString) -> IdToken {
    Signer::of(Algorithm::Es256).token(Algorithm::Es256, header(Algorithm::Es256), payload.to_string()).into()
}

/// The server's keys: one of each type.
fn keys() -> KeySet {
    KeySet::of(
        [Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512, Algorithm::EdDsa]
            .map(|algorithm| Signer::of(algorithm).jwk()),
    )
}

/// The verdict on claims that are signed right.
fn verdict(payload: &impl ToString, rules: &TokenRules, expected: Expected<'_>) -> Result<Claims> {
    result(judge(&token(payload), rules, expected, Some(&keys()), NOW))
}

fn result(judgement: Judgement) -> Result<Claims> {
    match judgement {
        Judgement::Accepted(claims) => Ok(claims),
        Judgement::Refused(error) => Err(error),
        Judgement::NoKey => Err(Error::new(ErrorCode::Internal, "no key")),
    }
}

/// Claims that are good but for this are accepted.
fn assert_accepted(changes: &Value, expected: Expected<'_>) {
    let claims = good_with(changes);
    let accepted = verdict(&claims, &rules(), expected).unwrap_or_else(|error| panic!("{changes}: {error}"));
    assert_eq!(Value::from(accepted.as_map().clone()), claims);
}

/// Claims that are good but for this are refused, with an error that begins like this.
fn assert_refused(changes: &Value, expected: Expected<'_>, code: ErrorCode, message: &str) {
    let error = verdict(&good_with(changes), &rules(), expected).expect_err(&changes.to_string());
    assert_eq!(error.code(), code, "{changes}: {error}");
    assert!(error.to_string().starts_with(message), "{changes}: {error:?} is not {message:?}");
}

fn assert_bad(changes: &Value, message: &str) {
    assert_refused(changes, Expected::default(), ErrorCode::IdToken, message);
}

fn identity() -> Identity {
    Identity {
        subject: "u".into(),
        session: None,
        nonce: Some("the-nonce".into()),
        authorized_party: None,
        auth_time: Some(NOW - 10),
        issued_at: NOW - 5,
    }
}

#[test]
fn a_good_token_is_accepted_with_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let token = Signer::of(*algorithm).token(*algorithm, header(*algorithm), good_claims().to_string()).into();
        let rules = TokenRules { algorithms: vec![*algorithm], ..rules() };
        let claims = result(judge(&token, &rules, Expected::default(), Some(&keys()), NOW)).unwrap();
        assert_eq!(Value::from(claims.as_map().clone()), good_claims(), "{algorithm:?}");
    }
}

#[test]
fn without_a_key_that_verifies_it_cannot_be_said() {
    let token = token(&good_claims());
    let others = KeySet::of([Signer::new(Algorithm::Es256).jwk(), Signer::of(Algorithm::Rs256).jwk()]);
    for keys in [None, Some(&others), Some(&KeySet::of([]))] {
        assert!(matches!(judge(&token, &rules(), Expected::default(), keys, NOW), Judgement::NoKey), "{keys:?}");
    }
    assert_eq!(not_verified().code(), ErrorCode::IdToken);
    assert_eq!(not_verified().to_string(), "signature: no key of the server verifies the ID token; log in again");
}

#[test]
fn what_no_key_could_change_is_refused_without_keys() {
    for (token, message) in [
        ("a.b".into(), "token: the ID token is not three parts of base64url with two dots between them"),
        (
            Signer::of(Algorithm::Rs256).token(Algorithm::Rs256, header(Algorithm::Rs256), "{}"),
            "alg: the ID token is signed with \"RS256\", expected ES256",
        ),
    ] {
        let error = result(judge(&token.into(), &rules(), Expected::default(), None, NOW)).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::IdToken, message));
    }
}

#[test]
fn the_signature_is_verified_before_any_claim_is_read() {
    let unsigned = token(&json!({"iss": "https://other.example"}));
    let judgement = judge(&unsigned, &rules(), Expected::default(), Some(&KeySet::of([])), NOW);
    assert!(matches!(judgement, Judgement::NoKey));
}

#[test]
fn the_payload_is_one_json_object() {
    for payload in ["", "null", "[]", "\"a\"", "1", "{", "{}{}"] {
        let error = verdict(&payload, &rules(), Expected::default()).unwrap_err();
        assert_eq!(error.to_string(), "payload: the ID token has a payload that is not one JSON object with each member once", "{payload}");
    }
    let nested = Signer::of(Algorithm::Es256).token(Algorithm::Es256, header(Algorithm::Es256), good_claims().to_string());
    assert!(verdict(&nested, &rules(), Expected::default()).is_err());
}

/// The public key in every encoding, as the secret of an HMAC.
#[test]
fn t_alg_1_a_public_key_is_never_a_secret() {
    for of in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let signer = Signer::of(of);
        let mut secrets = vec![signer.jwk().to_string().into_bytes(), json!({"keys": [signer.jwk()]}).to_string().into_bytes()];
        for name in ["n", "x"] {
            secrets.extend(signer.jwk()[name].as_str().map(|text| text.as_bytes().to_vec()));
        }
        for der in signer.der() {
            for label in ["PUBLIC KEY", "RSA PUBLIC KEY"] {
                secrets.push(pem(label, &der).into_bytes());
                secrets.push(pem(label, &der).trim_end().as_bytes().to_vec());
            }
            secrets.push(der);
        }
        for secret in secrets {
            for hmac in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
                let signing_input = format!("{}.{}", encode(header(hmac)), encode(good_claims().to_string()));
                let token = format!("{signing_input}.{}", encode(mac(hmac, &secret, signing_input.as_bytes()))).into();
                for algorithms in [vec![of], vec![of, hmac], Algorithm::ALL.to_vec(), vec![hmac]] {
                    for client_secret in [None, Some(SECRET.into())] {
                        let rules = TokenRules { algorithms: algorithms.clone(), client_secret, ..rules() };
                        let error = result(judge(&token, &rules, Expected::default(), Some(&keys()), NOW)).unwrap_err();
                        assert_eq!(error.code(), ErrorCode::IdToken);
                    }
                }
            }
        }
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in text.as_bytes().chunks(64) {
        writeln!(pem, "{}", std::str::from_utf8(line).unwrap()).unwrap();
    }
    pem + &format!("-----END {label}-----\n")
}

#[test]
fn t_key_2_a_missing_or_short_secret_is_an_error() {
    for (algorithm, length) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
        for (secret, accepted) in [
            (None, false),
            (Some(String::new()), false),
            (Some("s".repeat(length - 1)), false),
            (Some("s".repeat(length)), true),
            (Some("t".repeat(length)), false),
        ] {
            let signing_input = format!("{}.{}", encode(header(algorithm)), encode(good_claims().to_string()));
            let signed_with = secret.as_deref().unwrap_or_default().replace('t', "s");
            let token = format!("{signing_input}.{}", encode(mac(algorithm, signed_with.as_bytes(), signing_input.as_bytes()))).into();
            let rules = TokenRules { algorithms: vec![algorithm], client_secret: secret.clone().map(ClientSecret::from), ..rules() };
            for keys in [None, Some(&keys())] {
                let judgement = result(judge(&token, &rules, Expected::default(), keys, NOW));
                match judgement {
                    Ok(_) => assert!(accepted, "{algorithm:?} {secret:?}"),
                    Err(error) => {
                        assert!(!accepted && error.code() == ErrorCode::IdToken, "{algorithm:?} {secret:?}");
                        assert!(
                            error.to_string().starts_with("signature: the ID token is not signed with this client's secret"),
                            "{error}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn t_jwe_1_an_encrypted_token_is_unsupported() {
    let inner = token(&good_claims());
    let encrypted = format!("{}..AAAAAAAAAAAAAAAA.{}.AA", encode(r#"{"alg":"dir","enc":"A128GCM","cty":"JWT"}"#), encode(inner.reveal()));
    let error = result(judge(&encrypted.into(), &rules(), Expected::default(), Some(&keys()), NOW)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert!(error.to_string().starts_with("the server encrypts the ID token"), "{error}");
}

#[test]
fn tokens_of_other_kinds_are_refused() {
    for kind in ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt"] {
        let header = json!({"alg": "ES256", "typ": kind}).to_string();
        let token = Signer::of(Algorithm::Es256).token(Algorithm::Es256, header, good_claims().to_string()).into();
        let error = result(judge(&token, &rules(), Expected::default(), Some(&keys()), NOW)).unwrap_err();
        assert_eq!(error.to_string(), format!("typ: the ID token has the type \"{kind}\", expected JWT"));
    }
    let token = Signer::of(Algorithm::Es256).token(Algorithm::Es256, r#"{"alg":"ES256"}"#, good_claims().to_string()).into();
    assert!(result(judge(&token, &rules(), Expected::default(), Some(&keys()), NOW)).is_ok());
}

#[test]
fn t_clm_1_the_audience_has_this_client_and_no_stranger() {
    for aud in [json!(CLIENT), json!([CLIENT])] {
        assert_accepted(&json!({ "aud": aud }), Expected::default());
    }
    let both = json!({"aud": [CLIENT, CLIENT], "azp": CLIENT});
    assert_accepted(&both, Expected::default());
    for (aud, message) in [
        (json!("other"), "aud: the ID token is for \"other\", expected \"client\""),
        (json!(""), "aud: the ID token is for \"\", expected \"client\""),
        (json!("Client"), "aud: the ID token is for "),
        (json!("client "), "aud: the ID token is for "),
        (json!("clientele"), "aud: the ID token is for "),
        (json!([]), "aud: the ID token is for [], expected \"client\""),
        (json!(["other"]), "aud: the ID token is for [\"other\"], expected \"client\""),
        (
            json!([CLIENT, "other"]),
            "aud: the ID token is also for others: [\"client\",\"other\"]; this client does not list all of them as trusted",
        ),
        (json!([[CLIENT]]), "aud: the ID token has an array of other values, expected a string or an array of strings"),
        (json!([CLIENT, 1]), "aud: the ID token has an array of other values, expected "),
        (json!([CLIENT, null]), "aud: the ID token has an array of other values, expected "),
        (json!(1), "aud: the ID token has 1, expected "),
        (json!({CLIENT: 1}), "aud: the ID token has an object, expected "),
        (json!(null), "aud: the ID token is for nobody, expected \"client\""),
    ] {
        assert_bad(&json!({"aud": aud, "azp": CLIENT}), message);
    }
}

#[test]
fn other_audiences_must_be_trusted() {
    let rules = TokenRules { trusted_audiences: vec!["api".into(), "files".into()], ..rules() };
    let verdict = |aud: Value| verdict(&good_with(&json!({"aud": aud, "azp": CLIENT})), &rules, Expected::default());
    for good in [json!([CLIENT, "api"]), json!(["files", CLIENT, "api"])] {
        assert!(verdict(good.clone()).is_ok(), "{good}");
    }
    for bad in [json!(["api"]), json!("api"), json!([CLIENT, "api", "other"])] {
        assert!(verdict(bad.clone()).unwrap_err().to_string().starts_with("aud: "), "{bad}");
    }
}

#[test]
fn the_authorized_party_is_this_client_and_there_if_the_token_is_for_several() {
    assert_accepted(&json!({"azp": CLIENT}), Expected::default());
    assert_bad(&json!({"azp": "other"}), "azp: the ID token was issued to \"other\", expected \"client\"");
    assert_bad(&json!({"azp": ""}), "azp: ");
    assert_bad(&json!({"aud": [CLIENT, CLIENT]}), "azp: the ID token is for several, and does not say to whom it was issued");
}

#[test]
fn t_clm_2_the_issuer_is_the_same_byte_for_byte() {
    for other in [
        "",
        "https://login.example/realms/r/",
        "https://login.example/realms/",
        "https://login.example/realms/s",
        "https://login.example/realms/R",
        "https://LOGIN.example/realms/r",
        "http://login.example/realms/r",
        "https://login.example:443/realms/r",
        "https://login.example/realms/%72",
        "https://login.example/realms/r?",
        "https://login.example/realms/rr",
        " https://login.example/realms/r",
        "https://login.example.attacker.example/realms/r",
    ] {
        let message = format!("iss: the ID token is from \"{other}\", expected \"{ISSUER}\"");
        assert_refused(&json!({ "iss": other }), Expected::default(), ErrorCode::IssuerMismatch, &message);
    }
    assert_refused(&json!({"iss": null}), Expected::default(), ErrorCode::IssuerMismatch, "iss: the ID token is from nobody, expected ");
    assert_bad(&json!({"iss": [ISSUER]}), "iss: the ID token has an array, expected a string");
}

#[test]
fn t_clm_3_every_claim_has_its_type() {
    let types = [
        ("null", "null"),
        ("true", "a boolean"),
        ("1", "1"),
        ("\"x\"", "a string"),
        ("[]", "an array"),
        ("[1]", "an array of other values"),
        ("[\"x\"]", "an array"),
        ("{}", "an object"),
    ];
    for (claim, expected, fitting) in [
        ("iss", "a string", &["\"x\""][..]),
        ("sub", "a string", &["\"x\""]),
        ("aud", "a string or an array of strings", &["\"x\"", "[]", "[\"x\"]"]),
        ("exp", "a number of seconds", &["1"]),
        ("iat", "a number of seconds", &["1"]),
        ("nbf", "a number of seconds", &["1"]),
        ("auth_time", "a number of seconds", &["1"]),
        ("nonce", "a string", &["\"x\""]),
        ("acr", "a string", &["\"x\""]),
        ("amr", "an array of strings", &["[]", "[\"x\"]"]),
        ("azp", "a string", &["\"x\""]),
        ("at_hash", "a string", &["\"x\""]),
        ("sid", "a string", &["\"x\""]),
        ("jti", "a string", &["\"x\""]),
        ("events", "an object", &["{}"]),
    ] {
        for (value, found) in types {
            let others = good_with(&json!({ claim: null })).to_string();
            let payload = others.replacen('{', &format!("{{\"{claim}\":{value},"), 1);
            let verdict = verdict(&payload, &rules(), Expected::default());
            let message = format!("{claim}: the ID token has {found}, expected {expected}");
            let refused = verdict.is_err_and(|error| error.code() == ErrorCode::IdToken && error.to_string() == message);
            assert_eq!(refused, !fitting.contains(&value), "{claim}: {value}");
        }
    }
}

#[test]
fn claims_that_are_not_judged_may_be_anything() {
    assert_accepted(&json!({"email_verified": "true", "name": 1, "address": [], "c_hash": {}, "a": {"b": [true]}}), Expected::default());
}

#[test]
fn the_subject_is_1_to_255_ascii_characters() {
    for good in ["u".repeat(255), " ".into(), "f:1:2".into(), "\u{7f}\0".into()] {
        assert_accepted(&json!({ "sub": good }), Expected::default());
    }
    for bad in [String::new(), "u".repeat(256), "ü".into()] {
        assert_bad(&json!({ "sub": bad }), "sub: the ID token has a user id that is not 1 to 255 ASCII characters");
    }
    assert_bad(&json!({"sub": null}), "sub: the ID token does not have this claim");
}

#[test]
fn the_nonce_is_that_of_the_login() {
    let expected = Expected { nonce: Some("the-nonce"), ..Expected::default() };
    assert_accepted(&json!({}), expected);
    for other in [json!(null), json!(""), json!("the-nonc"), json!("the-nonce2"), json!("The-nonce"), json!("xxx-xxxxx")] {
        assert_refused(&json!({ "nonce": other }), expected, ErrorCode::NonceMismatch, "nonce: the ID token is not of this login");
    }
    let empty = Expected { nonce: Some(""), ..Expected::default() };
    assert_refused(&json!({"nonce": null}), empty, ErrorCode::NonceMismatch, "nonce: ");
    for unknown in [json!(null), json!("x")] {
        assert_accepted(&json!({ "nonce": unknown }), Expected::default());
    }
}

#[test]
fn the_hash_is_of_the_access_token_beside_it() {
    let access_token = AccessToken::from("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y");
    let expected = Expected { access_token: Some(&access_token), ..Expected::default() };
    // The values of OpenID Connect Core, appendix A.3, and of the same token with longer hashes.
    for (algorithm, hash) in [
        (Algorithm::Rs256, "77QmUPtjPfzWtF2AnpK9RQ"),
        (Algorithm::Ps256, "77QmUPtjPfzWtF2AnpK9RQ"),
        (Algorithm::Es256, "77QmUPtjPfzWtF2AnpK9RQ"),
        (Algorithm::Hs256, "77QmUPtjPfzWtF2AnpK9RQ"),
        (Algorithm::Es384, SHA384_HALF),
        (Algorithm::Es512, SHA512_HALF),
        (Algorithm::Rs512, SHA512_HALF),
        (Algorithm::EdDsa, SHA512_HALF),
    ] {
        let judged = |hash: &str| {
            let claims = good_with(&json!({ "at_hash": hash })).to_string();
            let token = Signer::of(algorithm).token(algorithm, header(algorithm), claims).into();
            let rules = TokenRules { algorithms: vec![algorithm], ..rules() };
            result(judge(&token, &rules, expected, Some(&keys()), NOW))
        };
        assert!(judged(hash).is_ok(), "{algorithm:?}");
        for other in ["", "77QmUPtjPfzWtF2AnpK9RA", &hash[1..], &format!("{hash}="), &format!("{hash}A"), &encode([0; 32])] {
            let error = judged(other).unwrap_err().to_string();
            assert_eq!(error, "at_hash: the ID token belongs to another access token than the one beside it", "{algorithm:?} {other}");
        }
    }
    assert_accepted(&json!({}), expected);
    assert_accepted(&json!({"at_hash": "x"}), Expected::default());
}

const SHA384_HALF: &str = "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs";
const SHA512_HALF: &str = "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM";

#[test]
fn t_hash_1_an_algorithm_without_a_known_hash_is_an_error() {
    let token = headed(r#"{"alg":"XS256"}"#, &good_with(&json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"})));
    let rules = TokenRules { algorithms: Algorithm::ALL.to_vec(), ..rules() };
    let error = result(judge(&token, &rules, Expected::default(), Some(&keys()), NOW)).unwrap_err();
    assert!(error.to_string().starts_with("alg: the ID token is signed with \"XS256\""), "{error}");
}

fn headed(header: &str, claims: &Value) -> IdToken {
    Signer::of(Algorithm::Es256).token(Algorithm::Es256, header, claims.to_string()).into()
}

#[test]
fn the_class_of_the_login_is_one_that_is_acceptable() {
    let acr_values = ["gold".to_owned(), "silver".to_owned()];
    let expected = Expected { acr_values: &acr_values, ..Expected::default() };
    for good in ["gold", "silver"] {
        assert_accepted(&json!({ "acr": good }), expected);
    }
    assert_refused(
        &json!({"acr": "0"}),
        expected,
        ErrorCode::IdToken,
        "acr: the ID token says that the user logged in by \"0\", expected gold or silver",
    );
    assert_refused(&json!({"acr": "gold silver"}), expected, ErrorCode::IdToken, "acr: ");
    assert_refused(&json!({}), expected, ErrorCode::IdToken, "acr: the ID token does not have this claim");
    assert_accepted(&json!({"acr": "0"}), Expected::default());
}

#[test]
fn the_login_is_not_longer_ago_than_was_asked_for() {
    let max_age = |max_age| Expected { max_age: Some(max_age), ..Expected::default() };
    for (auth_time, age) in [(NOW - 160, 100), (NOW - 60, 0), (NOW, 0), (NOW + 1000, 0), (0, i64::MAX), (NOW, i64::MAX)] {
        assert_accepted(&json!({ "auth_time": auth_time }), max_age(age));
    }
    for (auth_time, age) in [(NOW - 161, 100), (NOW - 61, 0), (0, 100), (-5, 0), (NOW, i64::MIN)] {
        let message =
            format!("auth_time: the ID token says that the user logged in at {auth_time}, longer ago than {age} s; here it is {NOW}");
        assert_refused(&json!({ "auth_time": auth_time }), max_age(age), ErrorCode::IdToken, &message);
    }
    let required = Expected { auth_time: true, ..Expected::default() };
    for expected in [max_age(100), required] {
        assert_refused(&json!({}), expected, ErrorCode::IdToken, "auth_time: the ID token does not have this claim");
    }
    assert_accepted(&json!({"auth_time": 0}), required);
    assert_accepted(&json!({"auth_time": 0}), Expected::default());
}

#[test]
fn a_token_that_is_wrong_by_its_clock_alone_says_both_times() {
    for good in [
        json!({"exp": NOW - LEEWAY + 1}),
        json!({"iat": NOW + LEEWAY}),
        json!({"nbf": NOW + LEEWAY}),
        json!({"nbf": 0}),
        json!({"iat": 0}),
        json!({"iat": -1}),
    ] {
        assert_accepted(&good, Expected::default());
    }
    let advice = format!(", and here it is {NOW}, in seconds since 1970; check the clock of this machine");
    for (claim, time, problem) in [
        ("exp", NOW - LEEWAY, "it expired at"),
        ("exp", 0, "it expired at"),
        ("iat", NOW + LEEWAY + 1, "it was issued at"),
        ("nbf", NOW + LEEWAY + 1, "it is valid from"),
    ] {
        let message = format!("{claim}: the ID token is right but for its time: {problem} {time}{advice}");
        assert_bad(&json!({ claim: time }), &message);
    }
    for claim in ["exp", "iat"] {
        assert_bad(&json!({ claim: null }), &format!("{claim}: the ID token does not have this claim"));
    }
    let changes = json!({"exp": 0, "sub": ""});
    assert_bad(&changes, "sub: ");
    let changes = json!({"iat": NOW + 1000, "auth_time": 0});
    let expected = Expected { max_age: Some(10), ..Expected::default() };
    assert_refused(&changes, expected, ErrorCode::IdToken, "auth_time: ");
}

#[test]
fn the_leeway_is_that_of_the_rules() {
    for leeway in [0, 1, 300] {
        let rules = TokenRules { leeway, ..rules() };
        let accepted = |changes: Value| verdict(&good_with(&changes), &rules, Expected::default()).is_ok();
        assert!(accepted(json!({"exp": NOW - leeway + 1})) && !accepted(json!({"exp": NOW - leeway})));
        assert!(accepted(json!({"iat": NOW + leeway})) && !accepted(json!({"iat": NOW + leeway + 1})));
        assert!(accepted(json!({"nbf": NOW + leeway})) && !accepted(json!({"nbf": NOW + leeway + 1})));
    }
}

#[test]
fn t_num_1_times_are_numbers_within_bounds() {
    let judged = |claim: &str, number: &str| {
        let claims = good_with(&json!({ claim: null })).to_string().replacen('{', &format!("{{\"{claim}\":{number},"), 1);
        verdict(&claims, &rules(), Expected::default()).map_err(|error| error.to_string())
    };
    for number in ["1700000300.0", "1.7000003e9", "1700000300.999", "9007199254740991", "9.007199254740991e15", "1699999941.5"] {
        assert!(judged("exp", number).is_ok(), "{number}");
    }
    // A fraction is cut off: this is the last second.
    assert!(
        judged("exp", "1699999940.999").unwrap_err().starts_with("exp: the ID token is right but for its time: it expired at 1699999940,")
    );
    assert!(judged("iat", "1700000060.999").is_ok());
    assert!(judged("nbf", "-0.5").is_ok());
    for claim in ["exp", "iat", "nbf", "auth_time"] {
        for number in [
            "9007199254740992",
            "-9007199254740992",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "1e300",
            "-1e300",
            "1.7976931348623157e308",
        ] {
            let error = judged(claim, number).unwrap_err();
            assert!(
                error.starts_with(&format!("{claim}: the ID token has ")) && error.ends_with(", expected a number of seconds"),
                "{error}"
            );
        }
        for number in ["1e309", "NaN", "Infinity", "-Infinity", "0x10", "01", "+1", ".5", "1."] {
            assert!(judged(claim, number).unwrap_err().starts_with("payload: "), "{number}");
        }
        for text in ["\"1700000300\"", "\"\"", "\"never\""] {
            assert!(judged(claim, text).unwrap_err().starts_with(&format!("{claim}: the ID token has a string")), "{text}");
        }
    }
    assert!(judged("exp", "-1").unwrap_err().starts_with("exp: the ID token is right but for its time: it expired at -1,"));
    assert!(judged("iat", "-9007199254740991").is_ok());
}

#[test]
fn t_num_1_no_time_overflows() {
    for now in [i64::MIN, 0, i64::MAX] {
        for leeway in [0, i64::MAX] {
            let rules = TokenRules { leeway, ..rules() };
            let expected = Expected { max_age: Some(i64::MAX), ..Expected::default() };
            let claims = good_with(&json!({"exp": 9_007_199_254_740_991_i64, "nbf": -9_007_199_254_740_991_i64, "auth_time": 1}));
            let judgement = judge(&token(&claims), &rules, expected, Some(&keys()), now);
            assert!(!matches!(judgement, Judgement::NoKey));
        }
    }
}

#[test]
fn t_dup_1_a_claim_given_twice_is_refused() {
    let twice = good_claims().to_string().replacen('{', "{\"sub\":\"u\",", 1);
    assert!(verdict(&twice, &rules(), Expected::default()).unwrap_err().to_string().starts_with("payload: "));
}

#[test]
fn a_refreshed_token_is_about_the_same_login() {
    let previous = identity();
    let expected = Expected { previous: Some(&previous), ..Expected::default() };
    for good in [
        json!({}),
        json!({"nonce": null}),
        json!({"auth_time": NOW - 10}),
        json!({"auth_time": NOW}),
        json!({"iat": NOW - 5}),
        json!({"sid": "another"}),
    ] {
        assert_accepted(&good, expected);
    }
    for (changes, claim) in [
        (json!({"sub": "v"}), "sub"),
        (json!({"sub": "U"}), "sub"),
        (json!({"azp": CLIENT}), "azp"),
        (json!({"auth_time": NOW - 11}), "auth_time"),
    ] {
        assert_refused(
            &changes,
            expected,
            ErrorCode::IdToken,
            &format!("{claim}: the ID token is not about the same login as the first one"),
        );
    }
    assert_refused(&json!({"iat": NOW - 6}), expected, ErrorCode::IdToken, "iat: the ID token is older than the first one of the login");
    assert_refused(&json!({"nonce": "x"}), expected, ErrorCode::NonceMismatch, "nonce: ");

    let least = Identity { nonce: None, auth_time: None, authorized_party: Some(CLIENT.into()), ..identity() };
    let expected = Expected { previous: Some(&least), ..Expected::default() };
    assert_accepted(&json!({"nonce": null, "azp": CLIENT, "auth_time": 1}), expected);
    assert_refused(&json!({"nonce": null}), expected, ErrorCode::IdToken, "azp: ");
    for nonce in ["", "the-nonce"] {
        assert_refused(&json!({"azp": CLIENT, "nonce": nonce}), expected, ErrorCode::NonceMismatch, "nonce: ");
    }
}

#[test]
fn t_rt_id_1_a_refreshed_token_is_judged_as_the_first() {
    let previous = identity();
    let expected = Expected { previous: Some(&previous), ..Expected::default() };
    assert_refused(&json!({"iss": "https://other.example"}), expected, ErrorCode::IssuerMismatch, "iss: ");
    assert_refused(&json!({"aud": "other"}), expected, ErrorCode::IdToken, "aud: ");
    assert_refused(&json!({"exp": 0}), expected, ErrorCode::IdToken, "exp: ");
    let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(good_claims().to_string()));
    let error = result(judge(&unsigned.into(), &rules(), expected, Some(&keys()), NOW)).unwrap_err();
    assert!(error.to_string().starts_with("alg: "), "{error}");
    let other = Signer::new(Algorithm::Es256).token(Algorithm::Es256, header(Algorithm::Es256), good_claims().to_string());
    assert!(matches!(judge(&other.into(), &rules(), expected, Some(&keys()), NOW), Judgement::NoKey));
}

#[test]
fn t_cache_1_clients_of_other_issuers_audiences_or_secrets_share_nothing() {
    let token = token(&good_claims());
    let symmetric = Signer::of(Algorithm::Hs256).token(Algorithm::Hs256, header(Algorithm::Hs256), good_claims().to_string()).into();
    let hmac = TokenRules { algorithms: vec![Algorithm::Hs256], ..rules() };
    for _ in 0..2 {
        for (token, rules, accepted) in [
            (&token, rules(), true),
            (&token, TokenRules { issuer: "https://other.example".into(), ..rules() }, false),
            (&token, TokenRules { client_id: "other".into(), ..rules() }, false),
            (&symmetric, hmac.clone(), true),
            (&symmetric, TokenRules { client_secret: Some("x".repeat(64).as_str().into()), ..hmac.clone() }, false),
        ] {
            assert_eq!(result(judge(token, &rules, Expected::default(), Some(&keys()), NOW)).is_ok(), accepted, "{rules:?}");
        }
    }
}

#[test]
fn errors_show_neither_the_token_nor_what_identifies_the_user() {
    for changes in [
        json!({"sub": "canary\u{e4}"}),
        json!({"nonce": "canary"}),
        json!({"at_hash": "canary"}),
        json!({"exp": "canary"}),
        json!({"amr": "canary", "email": "canary"}),
    ] {
        let access_token = AccessToken::from("canary-access-token");
        let expected = Expected { nonce: Some("canary-nonce"), access_token: Some(&access_token), ..Expected::default() };
        let token = token(&good_with(&with(json!({"nonce": "canary-nonce"}), &changes)));
        let error = result(judge(&token, &rules(), expected, Some(&keys()), NOW)).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("canary") && !shown.contains(token.reveal()), "{shown}");
    }
    let long = json!({"iss": format!("https://{}\u{202e}\n", "x".repeat(1000))});
    let error = verdict(&good_with(&long), &rules(), Expected::default()).unwrap_err().to_string();
    assert!(error.len() < 250 && !error.contains('\n') && error.contains("xxx…"), "{error}");
}

#[test]
fn the_claims_of_a_judged_token_are_read_again() {
    let claims = claims(&token(&good_claims())).unwrap();
    assert_eq!(Value::from(claims.as_map().clone()), good_claims());
    assert!(super::claims(&"a.b.c".into()).is_none());
}
