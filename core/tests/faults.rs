//! Every fault of the local realm, for exchange and refresh, plain and TLS, new clients and those
//! with a TLS session to resume. The test checks the error code, whether the request was sent, that
//! the client works afterwards, and that no thread and no descriptor is leaked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sipgate_oauth2::{AuthorizationCode, Client, ErrorCode};
use support::{Heard, Realm};

const DEADLINE: Duration = Duration::from_secs(2);

/// A fault, how a code exchange and a refresh end at it, and whether the request was sent.
struct Expectation {
    fault: Value,
    code: Option<ErrorCode>,
    refresh: Option<ErrorCode>,
    sent: bool,
}

fn on_request(fault: Value, code: impl Into<Option<ErrorCode>>, refresh: impl Into<Option<ErrorCode>>) -> Expectation {
    Expectation { fault, code: code.into(), refresh: refresh.into(), sent: true }
}

fn on_connection(kind: &str, code: ErrorCode) -> Expectation {
    Expectation { fault: json!({"on": "connection", "kind": kind}), code: Some(code), refresh: Some(code), sent: false }
}

fn expectations() -> Vec<Expectation> {
    use ErrorCode::{LoginFailed, OutcomeUnknown, ServerUnavailable, Timeout, Transport, WrongEndpoint};
    let token = |kind: &str| json!({"on": "token", "kind": kind});
    let response = |status: u16| json!({"on": "token", "kind": "answer", "status": status, "body": "<html>maintenance</html>"});
    let mut all = vec![
        on_connection("close", Transport),
        on_connection("reset", Transport),
        on_connection("close_after_client_hello", Transport),
        on_connection("silent", Timeout),
        // The code is made up, so the realm's own response is a refusal. The refresh token is real.
        on_request(json!({"on": "token", "kind": "delay", "ms": 200}), LoginFailed, None),
        on_request(
            json!({"on": "token", "kind": "redirect", "status": 307, "location": "http://127.0.0.1:1/"}),
            WrongEndpoint,
            WrongEndpoint,
        ),
        on_request(response(200), LoginFailed, OutcomeUnknown),
        on_request(response(404), WrongEndpoint, WrongEndpoint),
        on_request(response(429), ServerUnavailable, ServerUnavailable),
        on_request(response(502), LoginFailed, OutcomeUnknown),
    ];
    for kind in ["silent", "drip", "close_before", "close_after", "reset_before", "reset_after", "truncate", "oversize", "huge_header"] {
        all.push(on_request(token(kind), LoginFailed, OutcomeUnknown));
    }
    all
}

#[test]
fn every_fault_ends_as_documented_and_leaks_nothing() {
    let (idle, _) = held();
    let realm = Realm::start();
    let tokens = [("http", realm.refresh_token("http")), ("https", realm.refresh_token("https"))];
    let logins = realm.token_requests().len();
    wait_until_idle(idle, usize::MAX);
    let (threads, descriptors) = held();
    let mut tried = 0;
    let mut sent = logins;
    for (address, token) in &tokens {
        for resumed in [false, true] {
            for expectation in expectations() {
                // Without TLS, the client sends the request before it can notice the fault.
                if expectation.fault["on"] == "connection" && *address == "http" {
                    continue;
                }
                for is_code in [true, false] {
                    meet(&realm, address, resumed, &expectation, is_code, token);
                    sent += usize::from(resumed) + usize::from(expectation.sent) + 1;
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(realm.token_requests().len(), sent, "a request was sent twice, or not at all");
    wait_until_idle(threads, descriptors);
    assert!(tried > 100, "{tried}");
}

fn meet(realm: &Realm, address: &str, resumed: bool, expectation: &Expectation, is_code: bool, token: &str) {
    let context = format!("{address}, resumed: {resumed}, code: {is_code}, {}", expectation.fault);
    let heard = Heard::default();
    let builder = realm.client(realm.address(address)).request_timeout(DEADLINE).connect_timeout(DEADLINE);
    let client = heard.listen(builder.ca_certificates(realm.address("ca_pem"))).build().unwrap();
    if resumed {
        client.refresh(token).unwrap();
    }
    realm.fault(&expectation.fault);
    let outcome = if is_code { client.exchange_code(AuthorizationCode::new("made-up")) } else { client.refresh(token) };
    let expected = if is_code { expectation.code } else { expectation.refresh };
    assert_eq!(outcome.as_ref().err().map(sipgate_oauth2::Error::code), expected, "{context}: {outcome:?}");
    assert_eq!(heard.sent(1 + usize::from(resumed)).last(), Some(&expectation.sent), "{context}");
    works(&client, token, &context);
}

fn works(client: &Client, token: &str, context: &str) {
    client.refresh(token).unwrap_or_else(|error| panic!("the client does not work after {context}: {error:?}"));
}

/// The numbers of threads and descriptors of this process.
fn held() -> (usize, usize) {
    let count = |folder| std::fs::read_dir(folder).map_or(0, Iterator::count);
    (count("/proc/self/task"), count("/proc/self/fd"))
}

/// Waits until idle threads have ended. The limit can tell a leak from a slow machine.
fn wait_until_idle(threads: usize, descriptors: usize) {
    let started = Instant::now();
    loop {
        let now = held();
        if now.0 <= threads && now.1 <= descriptors {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "left behind: {now:?}, before: {:?}", (threads, descriptors));
        std::thread::sleep(Duration::from_millis(100));
    }
}
