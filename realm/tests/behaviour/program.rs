//! The program: its options, the command that it runs, when it ends, and its clock.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::token::Token;
use crate::support::{Realm, parameter};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sipgate-oauth2-realm");
const REALM: &str = "third-party";
const DAY: u64 = 86_400;

fn balance(realm: &Realm, tokens: &Value) -> u16 {
    let token = tokens["access_token"].as_str().expect("an access token");
    realm.send("GET", "/v2/balance", &[("Authorization", &format!("Bearer {token}"))], "").status
}

#[test]
fn once_the_clock_has_moved_an_access_token_is_refused_and_its_refresh_token_gets_another() {
    let realm = Realm::start();
    let tokens = realm.tokens(REALM, "one");
    assert_eq!(balance(&realm, &tokens), 200);
    assert_eq!(realm.order("advance", &json!({"seconds": 300})), json!({"ahead": 300}));
    assert_eq!(balance(&realm, &tokens), 401);
    assert_eq!(balance(&realm, &realm.refresh(REALM, &tokens).json()), 200);
}

#[test]
fn a_login_ends_thirty_days_after_its_last_use() {
    let realm = Realm::start();
    let tokens = realm.tokens(REALM, "one");
    realm.order("advance", &json!({"seconds": 29 * DAY}));
    let newer = realm.refresh(REALM, &tokens).json();
    realm.order("advance", &json!({"seconds": 29 * DAY}));
    assert_eq!(realm.refresh(REALM, &newer).status, 200);
    realm.order("advance", &json!({"seconds": 30 * DAY}));
    assert_eq!(realm.refresh(REALM, &newer).refusal(), "400 invalid_grant Token is not active");
}

#[test]
fn id_tokens_have_the_time_of_the_client_that_judges_them() {
    let realm = Realm::start();
    let before = Token::of(&realm.tokens(REALM, "one")["id_token"]).claims;
    realm.order("advance", &json!({"seconds": 20 * DAY}));
    let after = Token::of(&realm.tokens(REALM, "one")["id_token"]).claims;
    let time = |claims: &Value, name: &str| claims[name].as_u64().expect("a time");
    for name in ["iat", "exp"] {
        assert!(time(&after, name).abs_diff(time(&before, name)) < DAY, "{name}: {before} {after}");
    }
    // The browser was logged in already, and a client may compare the two.
    assert_eq!(time(&before, "auth_time"), time(&after, "auth_time"));
}

#[test]
fn a_reset_brings_the_clock_back() {
    let realm = Realm::start();
    realm.order("advance", &json!({"seconds": 30 * DAY}));
    realm.order("reset", &json!({}));
    assert_eq!(realm.order("advance", &json!({"seconds": 0})), json!({"ahead": 0}));
}

#[test]
fn the_clock_moves_only_forward_and_by_at_most_a_century() {
    let realm = Realm::start();
    for (order, part) in [(json!({"seconds": -1}), "u64"), (json!({"days": 1}), "days"), (json!({"seconds": 4_000_000_000_u64}), "seconds")]
    {
        let refused = realm.send("POST", "/_realm/advance", &[("Content-Type", "application/json")], &order.to_string());
        assert_eq!(refused.status, 400);
        assert!(refused.body.contains(part), "{}", refused.body);
    }
}

#[test]
fn only_a_redirect_uri_that_was_given_at_the_start_is_registered_beside_those_of_loopback() {
    let known = "http://testserver/callback";
    let realm = Realm::start_with(&["--redirect-uri", known]);
    for (uri, status) in [(known, 200), ("http://testserver/other", 400), ("http://localhost:1/any", 200)] {
        let mut url = url::Url::parse(&realm.authorization_url(REALM, "1000001-0-test", "openid")).expect("a URL");
        let query: Vec<_> = url
            .query_pairs()
            .into_owned()
            .map(|(name, value)| (name.clone(), if name == "redirect_uri" { uri.to_owned() } else { value }))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(query);
        let order = json!({"authorization_url": url.as_str(), "username": "anna", "password": "anna-pw"});
        let response = realm.send("POST", "/_realm/login", &[("Content-Type", "application/json")], &order.to_string());
        assert_eq!(response.status, status, "{uri}: {}", response.body);
        if status == 200 {
            let callback = url::Url::parse(response.json()["callback"].as_str().expect("a callback")).expect("a URL");
            assert!(callback.as_str().starts_with(uri) && !parameter(&callback, "code").is_empty());
        }
    }
}

#[test]
fn a_command_gets_the_librarys_variables_and_its_exit_status_is_that_of_the_program() {
    let program = |script: &str| {
        let mut command = Command::new(PROGRAM);
        command.args(["--redirect-uri", "http://testserver/callback", "--", "sh", "-c", script]).output().expect("it runs")
    };
    let said = program("echo $SIPGATE_CLIENT_ID $SIPGATE_STORE $SIPGATE_REDIRECT_URI $SIPGATE_ISSUER $SIPGATE_REALM_CONTROL; exit 7");
    assert_eq!(said.status.code(), Some(7));
    let said = String::from_utf8(said.stdout).expect("text");
    let words: Vec<_> = said.split_whitespace().collect();
    assert_eq!(words[..3], ["1000001-0-test:third-party", "memory", "http://testserver/callback"]);
    let control = words[4].strip_suffix("/_realm").expect("the address for orders");
    assert_eq!(words[3], format!("{control}/auth/realms/third-party"));
    assert_eq!(program("kill -9 $$").status.code(), Some(137));
    assert_eq!(Command::new(PROGRAM).args(["--", "/no/such/program"]).output().expect("it runs").status.code(), Some(1));
}

#[test]
fn a_command_logs_in_and_gives_orders_without_http() {
    let script = r#"
        url="$SIPGATE_ISSUER/protocol/openid-connect/auth?response_type=code&client_id=$SIPGATE_CLIENT_ID&redirect_uri=$SIPGATE_REDIRECT_URI&state=s&scope=openid"
        "$0" login "$url"
        "$0" order advance '{"seconds": 300}'
        "$0" order counters
        "$0" order requests '{"on": "login"}'
        "$0" order requests '{"on": "tokens"}'
        "$0" order advance '{"second": 1}' || "$0" order rewind
    "#;
    let said = Command::new(PROGRAM).args(["--", "sh", "-c", script, PROGRAM]).output().expect("it runs");
    let (out, problems) = (String::from_utf8(said.stdout).expect("text"), String::from_utf8(said.stderr).expect("text"));
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("http://localhost/callback?state=s&") && lines[0].contains("&code="), "{out}{problems}");
    assert_eq!(lines[1], r#"{"ahead":300}"#);
    assert!(lines[2].contains(r#""logins":1"#), "{out}");
    assert_eq!(lines[3], "[]");
    assert!(problems.contains("no such target: tokens"), "{problems}");
    assert!(problems.contains("unknown field `second`") && problems.contains("no such order: rewind"), "{problems}");
    assert_eq!(said.status.code(), Some(1));
}

#[test]
fn an_order_without_a_realm_says_what_to_do() {
    let said = Command::new(PROGRAM).args(["order", "reset"]).env_remove("SIPGATE_REALM_CONTROL").output().expect("it runs");
    assert!(String::from_utf8_lossy(&said.stderr).contains("SIPGATE_REALM_CONTROL is not set"));
    let nobody = "http://127.0.0.1:1/auth/realms/third-party/protocol/openid-connect/auth";
    let said = Command::new(PROGRAM).args(["login", nobody]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&said.stderr).contains("no realm responds"));
}

#[cfg(unix)]
#[test]
fn a_realm_ends_with_its_parent_even_if_somebody_holds_its_standard_input() {
    // The test has the other end of the pipe, as a child that the parent forked would have.
    let script = "exec 3<&0; \"$0\" <&3 & wait";
    let mut parent =
        Command::new("sh").args(["-c", script, PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh runs");
    let mut output = BufReader::new(parent.stdout.take().expect("standard output is piped"));
    let mut ready = String::new();
    output.read_line(&mut ready).expect("the realm says that it is ready");
    assert!(ready.contains("SIPGATE_ISSUER"), "{ready}");

    parent.kill().expect("it can be killed");
    parent.wait().expect("it has ended");
    // Nobody but the realm has the other end of standard output.
    output.read_to_end(&mut Vec::new()).expect("the realm ends");
    drop(parent.stdin.take());
}

#[cfg(unix)]
#[test]
fn a_command_ends_with_its_realm() {
    let script = "echo started; exec sleep 3600";
    let mut realm = Command::new(PROGRAM).args(["--", "sh", "-c", script]).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut output = BufReader::new(realm.stdout.take().expect("standard output is piped"));
    output.read_line(&mut String::new()).expect("the command starts");
    let terminated = Command::new("kill").arg(realm.id().to_string()).status().expect("kill runs");
    assert!(terminated.success());
    output.read_to_end(&mut Vec::new()).expect("the command ends");
    assert_eq!(realm.wait().expect("it has ended").code(), Some(1));
}
