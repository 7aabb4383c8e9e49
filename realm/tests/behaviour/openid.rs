//! ID tokens, keys, userinfo and alterations, seen from outside.

use crate::support::token::Token;
use crate::support::{self, CLIENT, Realm, SECRET, path};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::form_urlencoded;

const REALM: &str = "third-party";

const PUBLIC_KEY_ALGORITHMS: [&str; 10] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

#[test]
fn an_id_token_is_signed_with_any_algorithm_of_the_client_and_its_key_is_listed() {
    let realm = Realm::start();
    for algorithm in PUBLIC_KEY_ALGORITHMS {
        realm.set_attribute("id.token.signed.response.alg", algorithm);
        let tokens = realm.tokens(REALM, algorithm);
        let token = Token::of(&tokens["id_token"]);
        assert_eq!(token.header["alg"], algorithm);
        assert!(token.verifies(&realm.key_of(&token)), "{algorithm}");
        let hash = digest_of(algorithm, tokens["access_token"].as_str().expect("a token"));
        assert_eq!(token.claims["at_hash"], URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2]), "{algorithm}");
    }
}

#[test]
fn an_id_token_with_hmac_is_signed_with_the_clients_secret() {
    let realm = Realm::start();
    for (name, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        realm.set_attribute("id.token.signed.response.alg", name);
        let token = Token::of(&realm.tokens(REALM, name)["id_token"]);
        let key = hmac::Key::new(algorithm, SECRET.as_bytes());
        hmac::verify(&key, token.input.as_bytes(), &token.signature).expect(name);
    }
}

#[test]
fn a_login_without_a_password_has_another_acr_and_only_the_first_id_token_a_nonce() {
    let realm = Realm::start();
    let log_in = || {
        let url = realm.authorization_url(REALM, "1000001-0-test", "openid") + "&nonce=n";
        let login = realm.order("login", &json!({"authorization_url": url, "username": "anna", "password": "anna-pw", "browser": "one"}));
        realm.redeem(REALM, &support::parameter(&support::callback(&login), "code")).json()
    };
    let first = log_in();
    let claims = |tokens: &Value| Token::of(&tokens["id_token"]).claims;
    assert_eq!([&claims(&first)["acr"], &claims(&first)["nonce"]], ["1", "n"]);
    let refreshed = claims(&realm.refresh(REALM, &first).json());
    assert_eq!([&refreshed["acr"], &refreshed["nonce"]], [&json!("1"), &Value::Null]);
    assert_eq!(claims(&log_in())["acr"], "0");
}

#[test]
fn audiences_of_a_mapper_make_aud_a_list() {
    let realm = Realm::start();
    realm.order("settings", &json!({"client": CLIENT, "id_token_audiences": ["other"]}));
    assert_eq!(Token::of(&realm.tokens(REALM, "one")["id_token"]).claims["aud"], json!([CLIENT, "other"]));
}

#[test]
fn rotated_keys_stay_listed_unless_they_are_removed() {
    let realm = Realm::start();
    realm.set_attribute("id.token.signed.response.alg", "ES256");
    let old = Token::of(&realm.tokens(REALM, "one")["id_token"]);
    realm.order("rotate_keys", &json!({"realm": REALM}));
    let new = Token::of(&realm.tokens(REALM, "one")["id_token"]);
    assert_ne!(old.header["kid"], new.header["kid"]);
    assert!(new.verifies(&realm.key_of(&new)) && old.verifies(&realm.key_of(&old)));

    realm.order("rotate_keys", &json!({"realm": REALM, "remove_old": true}));
    let keys = realm.certs();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| key["kid"] != new.header["kid"]));
}

#[test]
fn a_rotation_can_be_unknown_to_the_next_responses_of_certs() {
    let realm = Realm::start();
    let before = realm.certs();
    realm.order("rotate_keys", &json!({"outdated_responses": 1}));
    assert_eq!(realm.certs(), before);
    let after = realm.certs();
    assert_eq!(after.len(), before.len() + 1);
    assert_eq!(realm.certs(), after);

    realm.order("rotate_keys", &json!({"outdated_responses": 1}));
    realm.order("reset", &json!({}));
    assert_eq!(realm.certs().len(), before.len(), "a reset leaves the active keys");
}

#[test]
fn userinfo_is_json_or_signed() {
    let realm = Realm::start();
    let tokens = realm.tokens(REALM, "one");
    let plain = userinfo(&realm, &tokens);
    assert_eq!(plain.header("content-type"), Some("application/json"));
    assert_eq!(plain.json()["email"], "anna@example.test");

    realm.set_attribute("user.info.response.signature.alg", "PS256");
    let signed = userinfo(&realm, &tokens);
    assert_eq!(signed.header("content-type"), Some("application/jwt"));
    let token = Token::of(&json!(signed.body));
    assert!(token.verifies(&realm.key_of(&token)));
    assert_eq!([&token.claims["aud"], &token.claims["sub"]], [&json!(CLIENT), &plain.json()["sub"]]);
}

#[test]
fn a_request_for_another_acr_or_a_fresh_login_shows_the_login_page() {
    let realm = Realm::start();
    let cookie = browser_cookie(&realm);
    for (parameters, status) in [
        ("", 302),
        ("&max_age=600", 302),
        ("&claims=rubbish", 302),
        ("&claims=%7B%22userinfo%22%3A%7B%22email%22%3Anull%7D%7D", 302),
        ("&max_age=0", 200),
        ("&acr_values=1", 200),
        ("&claims=%7B%22id_token%22%3A%7B%22acr%22%3A%7B%22values%22%3A%5B%22gold%22%5D%7D%7D%7D", 200),
        ("&claims=%7B%22id_token%22%3A%7B%22acr%22%3A%7B%22essential%22%3Atrue%2C%22value%22%3A%22gold%22%7D%7D%7D", 400),
        ("&max_age=soon", 400),
    ] {
        let url = realm.authorization_url(REALM, "1000001-0-test", "openid") + parameters;
        let target = url.split_once(&realm.port.to_string()).expect("a port").1;
        assert_eq!(realm.send("GET", target, &[("Cookie", &cookie)], "").status, status, "{parameters}");
    }
}

#[test]
fn a_response_by_form_post_is_a_form_with_the_parameters_of_the_callback() {
    let realm = Realm::start();
    let url = realm.authorization_url(REALM, "1000001-0-test", "openid") + "&response_mode=form_post";
    let login = realm.order("login", &json!({"authorization_url": url, "username": "anna", "password": "anna-pw"}));
    assert_eq!(login["callback"], support::REDIRECT_URI);
    let form: Vec<(String, String)> = form_urlencoded::parse(login["form"].as_str().expect("a form").as_bytes()).into_owned().collect();
    assert_eq!(form.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["state", "session_state", "iss", "code"]);
    assert_eq!(realm.redeem(REALM, &form[3].1).status, 200);
}

#[test]
fn the_audience_of_an_access_token_can_introspect_it() {
    let realm = Realm::start();
    let tokens = realm.tokens(REALM, "one");
    let introspect = |client: &str, secret: &str| {
        let token = tokens["access_token"].as_str().expect("a token");
        let form = support::encode(&[("client_id", client), ("client_secret", secret), ("token", token)]);
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        realm.send("POST", &path(REALM, "token/introspect"), &headers, &form).json()
    };
    let active = introspect("balance-api:third-party", "balance-api-secret");
    assert_eq!([&active["active"], &active["username"], &active["client_id"]], [&json!(true), &json!("anna"), &json!(CLIENT)]);
    assert_eq!(introspect(CLIENT, SECRET), json!({"active": false}));
}

#[test]
fn an_alteration_changes_what_is_signed() {
    let realm = Realm::start();
    let log_in = |alteration: Value| {
        realm.order("faults", &alteration);
        let token = Token::of(&realm.tokens(REALM, "one")["id_token"]);
        let keys = realm.certs();
        let verified = keys.iter().any(|key| key["kid"] == token.header["kid"] && token.verifies(key));
        (token, verified)
    };
    let claims = json!({"iss": {"$add": "/"}, "sub": null, "exp": {"$json": "1e400"}, "iat": {"$now": -90}, "aud": ["a"]});
    let (token, verified) = log_in(json!({"on": "id_token", "claims": claims, "header": {"typ": "at+jwt"}}));
    assert!(verified);
    assert!(token.payload.contains(r#""exp":1e400"#) && token.payload.contains(r#"/third-party/""#), "{}", token.payload);
    assert!(!token.payload.contains("sub") && token.payload.contains(r#""aud":["a"]"#));
    assert_eq!(token.header["typ"], "at+jwt");

    for (change, value) in [("signature", "broken"), ("signature", "other_key")] {
        let (token, verified) = log_in(json!({"on": "id_token", change: value}));
        assert!(!verified && !token.signature.is_empty(), "{value}");
    }
    let (token, verified) = log_in(json!({"on": "id_token", "signature": "empty"}));
    assert!(!verified && token.signature.is_empty());
    let (token, _) = log_in(json!({"on": "id_token", "alg": "none"}));
    assert!(token.header["alg"] == "none" && token.signature.is_empty());
    let (token, verified) = log_in(json!({"on": "id_token", "alg": "ES512"}));
    assert!(token.header["alg"] == "ES512" && verified);
    let (token, _) = log_in(json!({"on": "id_token", "kid": "remove"}));
    assert_eq!(token.header["kid"], Value::Null);
    let (token, verified) = log_in(json!({"on": "id_token", "kid": "unknown"}));
    assert!(token.header["kid"].is_string() && !verified);
    let (token, _) = log_in(json!({"on": "id_token", "alg": "HS256", "secret": "mine"}));
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, b"mine"), token.input.as_bytes(), &token.signature).expect("that secret");
    // Each of them was used once.
    assert!(Token::of(&realm.tokens(REALM, "one")["id_token"]).verifies(&realm.certs()[1]));
}

#[test]
fn an_alteration_can_wait_for_its_grant() {
    let realm = Realm::start();
    realm.order("faults", &json!({"on": "id_token", "grant": "refresh_token", "claims": {"sub": "another"}}));
    let tokens = realm.tokens(REALM, "one");
    assert_ne!(Token::of(&tokens["id_token"]).claims["sub"], "another");
    let refreshed = realm.refresh(REALM, &tokens).json();
    assert_eq!(Token::of(&refreshed["id_token"]).claims["sub"], "another");
}

#[test]
fn an_alteration_changes_json_responses() {
    let realm = Realm::start();
    let tokens = realm.tokens(REALM, "one");
    realm.order("faults", &json!({"on": "userinfo", "claims": {"sub": "another"}}));
    let altered = userinfo(&realm, &tokens).json();
    assert_eq!([&altered["sub"], &altered["email"]], ["another", "anna@example.test"]);

    realm.order("faults", &json!({"on": "discovery", "members": {"jwks_uri": {"$add": "/5f1e/keys.json?v=2"}}}));
    let jwks_uri = discovery(&realm)["jwks_uri"].as_str().expect("a URL").to_owned();
    let target = jwks_uri.split_once(&realm.port.to_string()).expect("a port").1.to_owned();
    assert_eq!(realm.send("GET", &target, &[], "").json()["keys"], json!(realm.certs()));

    realm.order("faults", &json!({"on": "token", "members": {"id_token": null}}));
    assert_eq!(realm.refresh(REALM, &tokens).json()["id_token"], Value::Null);
}

#[test]
fn an_alteration_lists_odd_keys() {
    let realm = Realm::start();
    let kids = |keys: &[Value]| keys.iter().map(|key| key["kid"].clone()).collect::<Vec<_>>();
    let usual = kids(&realm.certs());
    let odd = json!(["twin", "small_rsa", {"kty": "made-up"}, {"like": "active", "key_ops": ["encrypt"]}]);
    realm.order("faults", &json!({"on": "certs", "first": odd, "last": ["symmetric"]}));
    let keys = realm.certs();
    assert_eq!(keys.len(), usual.len() + 5);
    assert!(keys[0]["kid"] == usual[1] && keys[0]["n"] != keys[5]["n"], "the twin has the id of the active key");
    assert!(keys[3]["n"] == keys[5]["n"] && keys[3]["key_ops"] == json!(["encrypt"]));

    realm.order("faults", &json!([{"on": "certs", "kid": "remove", "first": ["stranger"]}, {"on": "id_token", "signature": "other_key"}]));
    let keys = realm.certs();
    assert!(kids(&keys).iter().all(Value::is_null));
    assert!(Token::of(&realm.tokens(REALM, "one")["id_token"]).verifies(&keys[0]));
}

#[test]
fn misspelt_alterations_are_rejected() {
    let realm = Realm::start();
    let status = |order: Value| realm.send("POST", "/_realm/faults", &[("Content-Type", "application/json")], &order.to_string()).status;
    for order in [
        json!({"on": "id_token"}),
        json!({"on": "id_tokens", "alg": "none"}),
        json!({"on": "id_token", "alg": "None"}),
        json!({"on": "id_token", "claim": {"iss": "x"}}),
        json!({"on": "discovery", "alg": "none"}),
        json!({"on": "certs", "first": ["strange"]}),
        json!({"on": "id_token", "grant": "password", "alg": "none"}),
    ] {
        assert_eq!(status(order.clone()), 400, "{order}");
    }
}

fn digest_of(algorithm: &str, text: &str) -> Vec<u8> {
    let hash = match algorithm.trim_start_matches(char::is_alphabetic) {
        "256" => &digest::SHA256,
        "384" => &digest::SHA384,
        _ => &digest::SHA512,
    };
    digest::digest(hash, text.as_bytes()).as_ref().to_vec()
}

fn discovery(realm: &Realm) -> Value {
    realm.send("GET", "/auth/realms/third-party/.well-known/openid-configuration", &[], "").json()
}

fn userinfo(realm: &Realm, tokens: &Value) -> support::Response {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
    realm.send("GET", &path(REALM, "userinfo"), &[("Authorization", &bearer)], "")
}

/// The cookie of a browser in which anna has logged in.
fn browser_cookie(realm: &Realm) -> String {
    let url = realm.authorization_url(REALM, "1000001-0-test", "openid");
    let page = realm.send("GET", url.split_once(&realm.port.to_string()).expect("a port").1, &[], "");
    let action = page.body.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a form").0.replace("&amp;", "&");
    let cookie = |response: &support::Response| {
        response.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned()
    };
    let form = "username=anna&password=anna-pw";
    let headers = [("Cookie", &*cookie(&page)), ("Content-Type", "application/x-www-form-urlencoded")];
    cookie(&realm.send("POST", action.split_once(&realm.port.to_string()).expect("a port").1, &headers, form))
}
