//! Logout by a browser, and logout tokens, seen from outside.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::support::token::Token;
use crate::support::{CLIENT, Realm, SECRET, encode, path};

const REALM: &str = "third-party";
const BYE: &str = "http://127.0.0.1:9/bye";

#[test]
fn a_logout_with_a_hint_ends_the_session_and_returns_the_state() {
    let realm = Realm::start();
    let tokens = realm.tokens(REALM, "one");
    let query = [("id_token_hint", hint(&tokens)), ("post_logout_redirect_uri", BYE), ("state", "a b")];
    let response = realm.send("GET", &target(&query), &[], "");
    assert_eq!((response.status, response.header("location")), (302, Some("http://127.0.0.1:9/bye?state=a+b")));
    assert_eq!(realm.refresh(REALM, &tokens).refusal(), "400 invalid_grant Session not active");
    // The hint of an ended session is enough to come back.
    assert_eq!(realm.send("GET", &target(&query), &[], "").status, 302);
}

#[test]
fn a_hint_signed_with_the_clients_secret_or_an_old_key_is_a_hint() {
    let realm = Realm::start();
    for algorithm in ["HS256", "ES256"] {
        realm.set_attribute("id.token.signed.response.alg", algorithm);
        let tokens = realm.tokens(REALM, algorithm);
        realm.order("rotate_keys", &json!({}));
        assert_eq!(realm.send("GET", &target(&[("id_token_hint", hint(&tokens))]), &[], "").status, 200);
        assert_eq!(realm.refresh(REALM, &tokens).status, 400, "{algorithm}");
    }
}

#[test]
fn a_logout_that_is_not_allowed_ends_nothing() {
    let realm = Realm::start();
    let tokens = realm.tokens(REALM, "one");
    let (hint, access_token) = (hint(&tokens), tokens["access_token"].as_str().expect("a token"));
    for (query, problem) in [
        (vec![("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")], "Invalid redirect uri"),
        (vec![("id_token_hint", hint), ("client_id", "2000002-0-public:third-party")], "Invalid parameter: id_token_hint"),
        (vec![("id_token_hint", access_token)], "Invalid parameter: id_token_hint"),
        (vec![("id_token_hint", "rubbish")], "Invalid parameter: id_token_hint"),
        (vec![("post_logout_redirect_uri", BYE)], "Missing parameters: id_token_hint"),
    ] {
        let response = realm.send("GET", &target(&query), &[], "");
        assert!(response.status == 400 && response.body.contains(problem), "{problem}: {}", response.body);
    }
    realm.set_attribute("post.logout.redirect.uris", "http://127.0.0.1:9/only##http://127.0.0.1:9/more/*");
    for (uri, status) in [("http://127.0.0.1:9/more/x", 302), ("http://127.0.0.1:9/only", 302), (BYE, 400)] {
        let query = [("client_id", CLIENT), ("post_logout_redirect_uri", uri)];
        assert_eq!(realm.send("GET", &target(&query), &[], "").status, status, "{uri}");
    }
    assert_eq!(realm.refresh(REALM, &tokens).status, 200);
}

#[test]
fn a_browser_is_asked_unless_the_hint_names_its_session() {
    let realm = Realm::start();
    let (one, two) = (realm.tokens(REALM, "one"), realm.tokens(REALM, "two"));
    let asked = |browser: &str, query: &[(&str, &str)]| {
        let url = format!("http://127.0.0.1:{}{}", realm.port, target(query));
        realm.order("logout", &json!({"logout_url": url, "browser": browser}))["callback"].clone()
    };
    // The hint is of another session than that of the browser: the user confirms, and that one
    // ends.
    let query = [("id_token_hint", hint(&two)), ("post_logout_redirect_uri", BYE), ("state", "s")];
    assert_eq!(asked("one", &query), "http://127.0.0.1:9/bye?state=s");
    assert_eq!(realm.refresh(REALM, &one).status, 200);
    assert_eq!(realm.refresh(REALM, &two).status, 400);
    assert_eq!(asked("one", &[]), Value::Null);
    assert_eq!(realm.refresh(REALM, &one).status, 400);
}

#[test]
fn each_end_of_a_session_but_a_revocation_is_told_to_its_clients() {
    let realm = Realm::start();
    let (url, posted) = back_channel();
    realm.set_attribute("backchannel.logout.url", &url);
    let token = |tokens: &Value| {
        let received: String = posted.try_recv().expect("a logout token was posted");
        let (name, token) = form_urlencoded::parse(received.as_bytes()).into_owned().next().expect("a parameter");
        assert_eq!(name, "logout_token");
        let token = Token::of(&json!(token));
        assert!(token.verifies(&realm.key_of(&token)));
        let id_token = Token::of(&tokens["id_token"]);
        for claim in ["iss", "aud", "sub", "sid"] {
            assert_eq!(token.claims[claim], id_token.claims[claim], "{claim}");
        }
        token
    };
    let tokens = realm.tokens(REALM, "one");
    logout_by(&realm, "logout", "refresh_token", &tokens);
    let first = token(&tokens);
    assert_eq!((&first.header["typ"], &first.claims["typ"]), (&json!("logout+jwt"), &json!("Logout")));
    let members: Vec<_> = first.claims.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["exp", "iat", "jti", "iss", "aud", "sub", "typ", "events", "sid"]);

    let tokens = realm.tokens(REALM, "one");
    realm.order("end_sessions", &json!({"user": "anna"}));
    assert_ne!(token(&tokens).claims["jti"], first.claims["jti"]);

    let tokens = realm.tokens(REALM, "one");
    realm.send("GET", &target(&[("id_token_hint", hint(&tokens))]), &[], "");
    token(&tokens);

    let tokens = realm.tokens(REALM, "one");
    realm.order("withdraw_consent", &json!({"user": "anna", "client": CLIENT}));
    token(&tokens);

    logout_by(&realm, "revoke", "token", &realm.tokens(REALM, "one"));
    assert!(posted.try_recv().is_err());
    let counters = realm.send("GET", "/_realm/counters", &[], "").json();
    assert_eq!([&counters["logout_tokens_accepted"], &counters["logout_tokens_refused"]], [4, 0]);
}

#[test]
fn a_posted_logout_token_can_be_altered_and_a_client_that_is_gone_delays_nobody() {
    let realm = Realm::start();
    let (url, posted) = back_channel();
    realm.set_attribute("backchannel.logout.url", &url);
    realm.set_attribute("backchannel.logout.session.required", "false");
    realm.order("faults", &json!({"on": "logout_token", "alg": "none", "claims": {"nonce": "n"}}));
    logout_by(&realm, "logout", "refresh_token", &realm.tokens(REALM, "one"));
    let received = posted.try_recv().expect("a logout token was posted");
    let token = Token::of(&json!(received.strip_prefix("logout_token=").expect("that parameter")));
    assert_eq!([&token.header["alg"], &token.claims["nonce"], &token.claims["sid"]], [&json!("none"), &json!("n"), &Value::Null]);

    realm.set_attribute("backchannel.logout.url", "http://127.0.0.1:1/gone");
    logout_by(&realm, "logout", "refresh_token", &realm.tokens(REALM, "one"));
    assert_eq!(realm.send("GET", "/_realm/counters", &[], "").json()["logout_tokens_refused"], 1);
}

#[test]
fn a_logout_token_can_be_had_without_a_logout() {
    let realm = Realm::start();
    let tokens = realm.tokens(REALM, "one");
    let id_token = Token::of(&tokens["id_token"]);
    let make = |order: Value| Token::of(&realm.order("logout_token", &order)["logout_token"]);
    let token = make(json!({"client": CLIENT, "sid": id_token.claims["sid"]}));
    assert!(token.verifies(&realm.key_of(&token)));
    for claim in ["iss", "aud", "sub", "sid"] {
        assert_eq!(token.claims[claim], id_token.claims[claim], "{claim}");
    }
    assert_eq!(token.claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
    let token = make(json!({"client": CLIENT, "claims": {"nonce": "n", "events": null}, "alg": "none"}));
    assert_eq!([&token.claims["nonce"], &token.claims["events"], &token.claims["sid"]], [&json!("n"), &Value::Null, &Value::Null]);
    assert_eq!(token.header["alg"], "none");
    assert_eq!(realm.refresh(REALM, &tokens).status, 200);
}

/// An address that accepts logout tokens, and the bodies that it received.
fn back_channel() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/logout?x=1", listener.local_addr().expect("an address"));
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let mut length = 0;
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|_| line.trim() != "") {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).expect("a body");
            sender.send(String::from_utf8(body).expect("text")).expect("the test waits");
            stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").expect("the realm reads");
        }
    });
    (url, receiver)
}

fn logout_by(realm: &Realm, endpoint: &str, parameter: &str, tokens: &Value) {
    let token = tokens["refresh_token"].as_str().expect("a token");
    let form = encode(&[("client_id", CLIENT), ("client_secret", SECRET), (parameter, token)]);
    let response = realm.send("POST", &path(REALM, endpoint), &[("Content-Type", "application/x-www-form-urlencoded")], &form);
    assert!(response.status < 300, "{}", response.body);
}

fn hint(tokens: &Value) -> &str {
    tokens["id_token"].as_str().expect("an ID token")
}

fn target(query: &[(&str, &str)]) -> String {
    format!("{}?{}", path(REALM, "logout"), encode(query))
}
