//! What the realm promises to tests that use it, seen from outside.

mod logout;
mod openid;
mod program;
mod support;

use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use support::{CODE_VERIFIER, End, REDIRECT_URI, Realm, Response, callback, encode, parameter, path};
use url::Url;

const BALANCE: &str = "GET /v2/balance HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
const CONSENTING: &str = "3000003-0-consent:third-party";
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn callback_has_keycloaks_parameters_in_keycloaks_order() {
    let realm = Realm::start();
    let url = realm.log_in("third-party", "one");
    assert!(url.as_str().starts_with(&format!("{REDIRECT_URI}&state=the+state&session_state=")), "{url}");
    let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["keep", "state", "session_state", "iss", "code"]);
    assert_eq!(parameter(&url, "session_state").len(), 24);
}

#[test]
fn without_rotation_an_older_refresh_token_keeps_working() {
    let realm = Realm::start();
    let first = realm.tokens("third-party", "one");
    assert_eq!(realm.refresh("third-party", &first).status, 200);
    assert_eq!(realm.refresh("third-party", &first).status, 200);
}

#[test]
fn with_rotation_a_second_use_revokes_the_newer_token_and_the_other_login_of_that_browser() {
    let realm = Realm::start();
    let first = realm.tokens("sipgate-apps", "one");
    let second_tab = realm.tokens("sipgate-apps", "one");
    let other_browser = realm.tokens("sipgate-apps", "two");
    let newer = realm.refresh("sipgate-apps", &first).json();

    let reused = realm.refresh("sipgate-apps", &first);
    assert_eq!(reused.refusal(), "400 invalid_grant Maximum allowed refresh token reuse exceeded");
    assert_eq!(reused.header("cache-control"), Some("no-store"));
    let detached = "400 invalid_grant Session doesn't have required client";
    assert_eq!(realm.refresh("sipgate-apps", &newer).refusal(), detached);
    assert_eq!(realm.refresh("sipgate-apps", &second_tab).refusal(), detached);
    assert_eq!(realm.refresh("sipgate-apps", &other_browser).status, 200);
}

#[test]
fn a_code_works_once_and_its_second_use_revokes_the_tokens_of_the_first() {
    let realm = Realm::start();
    let code = parameter(&realm.log_in("third-party", "one"), "code");
    let tokens = realm.redeem("third-party", &code).json();
    assert_eq!(realm.redeem("third-party", &code).refusal(), "400 invalid_grant Code not valid");
    assert_eq!(realm.refresh("third-party", &tokens).refusal(), "400 invalid_grant Session doesn't have required client");
    assert_eq!(realm.send("GET", "/_realm/counters", &[], "").json()["sessions_killed"], 1);
}

#[test]
fn a_disabled_user_is_rejected_and_the_same_token_works_once_the_user_is_enabled_again() {
    let realm = Realm::start();
    let tokens = realm.tokens("third-party", "one");
    realm.order("settings", &json!({"user": "anna", "enabled": false}));
    assert_eq!(realm.refresh("third-party", &tokens).refusal(), "400 invalid_grant User disabled");
    realm.order("settings", &json!({"user": "anna", "enabled": true}));
    assert_eq!(realm.refresh("third-party", &tokens).status, 200);
}

#[test]
fn a_consent_cleared_by_a_setting_is_missing_at_the_exchange_and_at_the_refresh() {
    let realm = Realm::start();
    let forget = || realm.order("settings", &json!({"user": "anna", "client": CONSENTING, "consent": false}));
    let missing = "400 invalid_scope Client no longer has requested consent from user";
    let tokens = exchange_with_consent(&realm, || ());
    forget();
    assert_eq!(refresh_with_consent(&realm, &tokens.json()).refusal(), missing);
    assert_eq!(exchange_with_consent(&realm, || drop(forget())).refusal(), missing);
}

#[test]
fn a_consent_withdrawn_by_an_administrator_ends_the_clients_sessions() {
    let realm = Realm::start();
    let withdraw = || realm.order("withdraw_consent", &json!({"user": "anna", "client": CONSENTING, "realm": "third-party"}));
    let other_client = realm.tokens("third-party", "one");
    let tokens = exchange_with_consent(&realm, || ());
    withdraw();
    let detached = "400 invalid_grant Session doesn't have required client";
    assert_eq!(refresh_with_consent(&realm, &tokens.json()).refusal(), detached);
    assert_eq!(exchange_with_consent(&realm, || drop(withdraw())).refusal(), "400 invalid_grant User session not found");
    assert_eq!(realm.refresh("third-party", &other_client).status, 200);
}

#[test]
fn a_response_type_with_tokens_is_rejected_in_the_fragment() {
    let realm = Realm::start();
    let code_flow = realm.authorization_url("third-party", "1000001-0-test", "openid");
    for (response_type, end) in [
        ("token", "#error=unauthorized_client&"),
        ("code+id_token", "#error=unauthorized_client&"),
        ("rubbish", "&error=unsupported_response_type&"),
    ] {
        let url = code_flow.replace("response_type=code", &format!("response_type={response_type}"));
        let response = realm.send("GET", &target(&url), &[], "");
        let location = response.header("location").expect("the browser is redirected");
        assert!(location.starts_with(&format!("{REDIRECT_URI}{end}")), "{location}");
    }
}

#[test]
fn a_logout_at_a_different_address_than_the_login_is_rejected_and_ends_nothing() {
    let realm = Realm::start();
    let tokens = realm.tokens("third-party", "a browser");
    let form = encode(&[
        ("client_id", "1000001-0-test:third-party"),
        ("client_secret", "test-secret-with-+-and-:"),
        ("refresh_token", tokens["refresh_token"].as_str().expect("there is a refresh token")),
    ]);
    let head = format!("POST {} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n", path("third-party", "logout"), realm.port);
    let request = format!("{head}Content-Length: {}\r\n\r\n{form}", form.len());
    let End::Closed(response) = realm.exchange(&request, PATIENCE) else { panic!("there is a response") };
    assert!(response.starts_with("HTTP/1.1 400 ") && response.contains("Invalid token issuer. Expected 'http://localhost:"), "{response}");
    assert_eq!(realm.refresh("third-party", &tokens).status, 200);
}

#[test]
fn access_tokens_are_signed_with_the_second_key_of_the_set() {
    let realm = Realm::start();
    let tokens = realm.tokens("third-party", "one");
    let keys = realm.send("GET", &path("third-party", "certs"), &[], "").json();
    assert_eq!([&keys["keys"][0]["use"], &keys["keys"][1]["use"]], ["enc", "sig"]);

    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let member = |name: &str| decode(keys["keys"][1][name].as_str().expect("a member of the key"));
    let key = RsaPublicKeyComponents { n: member("n"), e: member("e") };
    let (input, signature) = tokens["access_token"].as_str().and_then(|token| token.rsplit_once('.')).expect("a JWT");
    key.verify(&RSA_PKCS1_2048_8192_SHA256, input.as_bytes(), &decode(signature)).expect("the signature is good");
}

#[test]
fn each_key_always_has_the_same_certificate() {
    let realm = Realm::start();
    let keys = || realm.send("GET", &path("third-party", "certs"), &[], "").json()["keys"].clone();
    let first = keys();
    for key in first.as_array().expect("a list") {
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let certificate = STANDARD.decode(text(&key["x5c"][0])).expect("base64");
        let modulus = URL_SAFE_NO_PAD.decode(text(&key["n"])).expect("base64url");
        assert!(certificate.windows(modulus.len()).any(|window| window == modulus));
        assert_eq!(text(&key["x5t#S256"]), URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate)));
        assert_eq!(text(&key["x5t"]), URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate)));
    }
    assert_eq!(keys(), first);
}

#[test]
fn the_balance_requires_a_token_with_the_scope() {
    let realm = Realm::start();
    let show = |token: &str| realm.send("GET", "/v2/balance", &[("Authorization", &format!("Bearer {token}"))], "");
    let tokens = realm.tokens("third-party", "one");
    let response = show(tokens["access_token"].as_str().expect("a token"));
    assert_eq!((response.status, response.body.as_str()), (200, r#"{"amount":123456,"currency":"EUR"}"#));
    assert_eq!(show("rubbish").status, 401);

    let url = realm.authorization_url("third-party", "1000001-0-test", "account:read");
    let login = realm.order("login", &json!({"authorization_url": url, "username": "anna", "password": "anna-pw"}));
    let other = realm.redeem("third-party", &parameter(&callback(&login), "code")).json();
    assert_eq!(show(other["access_token"].as_str().expect("a token")).status, 403);
}

#[test]
fn consent_is_denied_only_by_a_user_who_is_asked_and_is_remembered() {
    let realm = Realm::start();
    let log_in = |client: &str, consent: bool| {
        let url = realm.authorization_url("third-party", client, "balance:read");
        let order = json!({"authorization_url": url, "username": "anna", "password": "anna-pw", "consent": consent});
        realm.send("POST", "/_realm/login", &[("Content-Type", "application/json")], &order.to_string())
    };
    assert_eq!(parameter(&callback(&log_in("3000003-0-consent", false).json()), "error"), "access_denied");
    assert_ne!(parameter(&callback(&log_in("3000003-0-consent", true).json()), "code"), "");
    // The second one is not asked again.
    for client in ["1000001-0-test", "3000003-0-consent"] {
        let refused = log_in(client, false);
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body.contains("anna was not asked") && refused.body.contains(CONSENTING), "{}", refused.body);
    }
}

#[test]
fn the_login_page_escapes_what_it_echoes_and_belongs_to_one_browser() {
    let realm = Realm::start();
    let url = realm.authorization_url("third-party", "1000001-0-test", "openid") + "&login_hint=%22%3E%3Cscript%3E";
    let page = realm.send("GET", &target(&url), &[], "");
    assert!(page.body.contains("value=\"&quot;&gt;&lt;script&gt;\""));
    assert!(!page.body.contains("<script"));

    let action = page.body.split_once("action=\"").and_then(|(_, rest)| rest.split_once('"')).expect("a form").0;
    let action = target(&action.replace("&amp;", "&"));
    let cookie = page.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie");
    let submit = |cookie: &str, password: &str| {
        let form = encode(&[("username", "anna"), ("password", password), ("credentialId", "")]);
        realm.send("POST", &action, &[("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")], &form)
    };
    assert_eq!(submit("AUTH_SESSION_ID=another", "anna-pw").status, 400);
    let again = submit(cookie, "wrong");
    assert_eq!((again.status, again.body.contains("Invalid username or password.")), (200, true));
    assert_eq!(submit(cookie, "anna-pw").status, 302);
}

#[test]
fn an_untrusted_redirect_uri_is_reported_on_a_page_and_nowhere_else() {
    let realm = Realm::start();
    let good = realm.authorization_url("third-party", "1000001-0-test", "openid");
    let encoded = encode(&[("redirect_uri", REDIRECT_URI)]);
    for bad in ["https://evil.example/", "http://127.0.0.1@evil.example/", "http://127.0.0.1.evil.example/"] {
        let response = realm.send("GET", &target(&good.replace(&encoded, &encode(&[("redirect_uri", bad)]))), &[], "");
        assert_eq!((response.status, response.header("location")), (400, None), "{bad}");
    }
}

#[test]
fn requests_are_recorded_verbatim_even_if_a_fault_discards_them() {
    let realm = Realm::start();
    realm.order("faults", &json!({"on": "token", "kind": "close_before"}));
    let body = "grant_type=refresh_token&x=%2b+%7E&&=";
    let head = format!("POST {} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", path("third-party", "token"), body.len());
    assert_eq!(realm.exchange(&(head + body), PATIENCE), End::Closed(String::new()));

    let requests = realm.send("GET", "/_realm/requests?on=token", &[], "").json();
    assert_eq!(requests.as_array().map(Vec::len), Some(1));
    assert_eq!(requests[0]["body"], body);
    assert_eq!(realm.send("GET", "/_realm/counters", &[], "").json()["token_requests"], 1);
}

#[test]
fn requests_have_the_names_that_faults_have_and_an_unknown_name_is_an_error() {
    let realm = Realm::start();
    let tokens = realm.tokens("third-party", "one");
    realm.order("reset", &json!({}));
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
    for path in ["/v2/balance", "/v2/authorization/userinfo", &path("third-party", "userinfo")] {
        realm.send("GET", path, &[("Authorization", &bearer)], "");
    }
    for (on, count) in [("any", 3), ("api", 2), ("balance", 1), ("userinfo", 1), ("token", 0)] {
        let named = realm.send("GET", &format!("/_realm/requests?on={on}"), &[], "").json();
        assert_eq!(named.as_array().map(Vec::len), Some(count), "{on}");
        assert_eq!(realm.order("requests", &json!({"on": on})), named);
    }
    let names = "there are any, api, auth, balance, certs, discovery, introspect, login, logout, revoke, token, userinfo";
    for (query, problem) in [("on=tokens", format!("no such target: tokens; {names}")), ("path=token", "unknown field `path`".to_owned())] {
        let refused = realm.send("GET", &format!("/_realm/requests?{query}"), &[], "");
        assert!(refused.status == 400 && refused.body.contains(&problem), "{}", refused.body);
    }
    let fault = json!({"on": "tokens", "kind": "silent"});
    let refused = realm.send("POST", "/_realm/faults", &[("Content-Type", "application/json")], &fault.to_string());
    assert!(refused.body.contains(&format!("{names}, connection")), "{}", refused.body);
}

#[test]
fn faults_before_processing_leave_the_token_unspent_and_those_after_spend_it() {
    let realm = Realm::start();
    for (kind, spent) in [("close_before", false), ("reset_before", false), ("close_after", true), ("reset_after", true)] {
        let tokens = realm.tokens("sipgate-apps", kind);
        realm.order("faults", &json!({"on": "token", "kind": kind}));
        let form = encode(&[
            ("client_id", "1000001-0-test:sipgate-apps"),
            ("client_secret", "test-secret-with-+-and-:"),
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens["refresh_token"].as_str().expect("a token")),
        ]);
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            path("sipgate-apps", "token"),
            realm.port,
            form.len()
        );
        let expected = if kind.starts_with("reset") { End::Reset } else { End::Closed(String::new()) };
        assert_eq!(realm.exchange(&(head + &form), PATIENCE), expected, "{kind}");
        let status = realm.refresh("sipgate-apps", &tokens).status;
        assert_eq!(status, if spent { 400 } else { 200 }, "{kind}");
    }
}

#[test]
fn connection_faults_break_the_connection_as_requested() {
    let realm = Realm::start();
    let broken = |kind: &str, patience: Duration| {
        realm.order("faults", &json!({"on": "connection", "kind": kind}));
        realm.exchange(BALANCE, patience)
    };
    // What the client sees depends on whether its request is still in transit when the connection
    // closes; it never sees a response.
    for kind in ["close", "close_after_client_hello", "reset"] {
        let end = broken(kind, PATIENCE);
        assert!(end == End::Closed(String::new()) || end == End::Reset, "{kind}");
    }
    assert_eq!(broken("silent", Duration::from_millis(200)), End::Open(String::new()));
}

#[test]
fn response_faults_break_the_response_as_requested() {
    let realm = Realm::start();
    let broken = |fault: Value, patience: Duration| {
        realm.order("faults", &fault);
        realm.exchange(BALANCE, patience)
    };
    assert_eq!(broken(json!({"on": "balance", "kind": "silent"}), Duration::from_millis(200)), End::Open(String::new()));

    let End::Open(start) = broken(json!({"on": "balance", "kind": "drip", "ms": 100}), Duration::from_millis(20)) else {
        panic!("a dripping response is not complete at once");
    };
    assert!("HTTP/1.1 401".starts_with(&start), "{start}");

    let scripted = json!({"on": "balance", "kind": "answer", "status": 503, "headers": {"Retry-After": "7"}, "json": {"a": 1}});
    let End::Closed(response) = broken(scripted, PATIENCE) else { panic!("a scripted response is complete") };
    assert!(
        response.starts_with("HTTP/1.1 503 ") && response.contains("retry-after: 7\r\n") && response.ends_with("{\"a\":1}"),
        "{response}"
    );

    let End::Closed(response) = broken(json!({"on": "any", "kind": "oversize", "bytes": 3_000_000}), PATIENCE) else {
        panic!("an oversized response is complete");
    };
    let body = response.split_once("\r\n\r\n").expect("a response has a head").1;
    assert_eq!(body.len(), 3_000_000);
    assert!(serde_json::from_str::<Value>(body).is_ok());

    let End::Closed(response) = broken(json!({"on": "api", "kind": "huge_header", "bytes": 200_000}), PATIENCE) else {
        panic!("a response with a huge header is complete");
    };
    assert!(response.lines().any(|line| line.len() > 200_000));

    let redirect = json!({"on": "balance", "kind": "redirect", "status": 307, "location": "https://example.com/"});
    let End::Closed(response) = broken(redirect, PATIENCE) else { panic!("a redirect is complete") };
    assert!(response.starts_with("HTTP/1.1 307 ") && response.contains("location: https://example.com/\r\n"), "{response}");
}

#[test]
fn a_truncated_response_promises_all_and_sends_half() {
    let realm = Realm::start();
    realm.order("faults", &json!({"on": "discovery", "kind": "truncate"}));
    let request = "GET /auth/realms/third-party/.well-known/openid-configuration HTTP/1.1\r\nHost: h\r\n\r\n";
    let End::Closed(response) = realm.exchange(request, PATIENCE) else { panic!("it closes") };
    let (head, body) = response.split_once("\r\n\r\n").expect("a response has a head");
    let promised: usize =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|n| n.parse().ok()).expect("a length");
    assert_eq!(body.len(), promised / 2);
}

#[test]
fn misspelt_control_requests_are_rejected() {
    let realm = Realm::start();
    let json = [("Content-Type", "application/json")];
    let status = |what: &str, order: Value| realm.send("POST", &format!("/_realm/{what}"), &json, &order.to_string()).status;
    assert_eq!(status("settings", json!({"access_token_life": 5})), 400);
    assert_eq!(status("settings", json!({"realm": "third-party", "client": "nobody", "enabled": false})), 400);
    assert_eq!(status("faults", json!({"on": "token", "kind": "explode"})), 400);
    assert_eq!(status("faults", json!({"on": "token", "kind": "close_after_client_hello"})), 400);
}

/// A login in a separate browser; `before_the_exchange` runs once the code has been issued.
fn exchange_with_consent(realm: &Realm, before_the_exchange: impl Fn()) -> Response {
    let url = realm.authorization_url("third-party", "3000003-0-consent", "balance:read");
    let login = realm.order("login", &json!({"authorization_url": url, "username": "anna", "password": "anna-pw"}));
    before_the_exchange();
    let code = parameter(&callback(&login), "code");
    with_consent(
        realm,
        &[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT_URI), ("code_verifier", CODE_VERIFIER)],
    )
}

fn refresh_with_consent(realm: &Realm, tokens: &Value) -> Response {
    let token = tokens["refresh_token"].as_str().expect("there is a refresh token");
    with_consent(realm, &[("grant_type", "refresh_token"), ("refresh_token", token)])
}

fn with_consent(realm: &Realm, parameters: &[(&str, &str)]) -> Response {
    let mut form = vec![("client_id", CONSENTING), ("client_secret", "consent-secret")];
    form.extend(parameters);
    realm.send("POST", &path("third-party", "token"), &[("Content-Type", "application/x-www-form-urlencoded")], &encode(&form))
}

fn target(url: &str) -> String {
    let url = Url::parse(url).expect("a URL");
    url[url::Position::BeforePath..].to_owned()
}
