//! Whether requests are sent and how they end, for each fault of the local realm. Deadlines are
//! inputs here; none is measured.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use serde_json::json;
use sipgate_oauth2::{AuthorizationCode, CallOptions, CancelToken, Client, Error, ErrorCode, WaitEnded};
use support::{Heard, Realm, metadata};

const SHORT: Duration = Duration::from_secs(1);

fn code(client: &Client) -> Error {
    client.exchange_code(AuthorizationCode::new("a-code")).unwrap_err()
}

fn refresh(client: &Client) -> Error {
    client.refresh("a-token").unwrap_err()
}

/// How a code exchange and a refresh fail at the same fault, and whether they were sent.
fn outcomes(realm: &Realm, address: &str, fault: &serde_json::Value) -> (ErrorCode, ErrorCode, Vec<bool>) {
    let heard = Heard::default();
    let builder = realm.client(address).request_timeout(SHORT).ca_certificates(realm.address("ca_pem"));
    let client = heard.listen(builder).build().unwrap();
    realm.fault(fault);
    let for_code = code(&client).code();
    let client = client.clone();
    realm.fault(fault);
    let for_refresh = refresh(&client).code();
    (for_code, for_refresh, heard.sent(2))
}

#[test]
fn a_connection_that_breaks_before_the_request_counts_as_not_sent() {
    let realm = Realm::start();
    for kind in ["close_after_client_hello", "close", "reset"] {
        let outcome = outcomes(&realm, realm.address("https"), &json!({"on": "connection", "kind": kind}));
        assert_eq!(outcome, (ErrorCode::Transport, ErrorCode::Transport, vec![false, false]), "{kind}");
    }
    assert!(realm.token_requests().is_empty());
}

#[test]
fn a_connection_that_breaks_after_the_request_counts_as_sent() {
    let realm = Realm::start();
    for address in ["http", "https"] {
        for kind in ["close_before", "close_after", "reset_before", "reset_after", "truncate"] {
            let outcome = outcomes(&realm, realm.address(address), &json!({"on": "token", "kind": kind}));
            assert_eq!(outcome, (ErrorCode::LoginFailed, ErrorCode::OutcomeUnknown, vec![true, true]), "{address} {kind}");
        }
    }
    assert_eq!(realm.token_requests().len(), 20, "no request was sent twice");
}

#[test]
fn a_silent_server_and_a_slow_body_end_at_the_deadline() {
    let realm = Realm::start();
    for address in ["http", "https"] {
        for fault in [json!({"on": "token", "kind": "silent"}), json!({"on": "token", "kind": "drip", "ms": 300})] {
            let outcome = outcomes(&realm, realm.address(address), &fault);
            assert_eq!(outcome, (ErrorCode::LoginFailed, ErrorCode::OutcomeUnknown, vec![true, true]), "{address} {fault}");
        }
    }
}

#[test]
fn a_server_that_is_silent_before_tls_ends_at_the_connect_deadline_and_counts_as_not_sent() {
    let realm = Realm::start();
    let heard = Heard::default();
    let builder = realm.client(realm.address("https")).connect_timeout(SHORT).ca_certificates(realm.address("ca_pem"));
    let client = heard.listen(builder).build().unwrap();
    realm.fault(&json!({"on": "connection", "kind": "silent"}));
    let error = refresh(&client);
    assert_eq!((error.code(), heard.sent(1)), (ErrorCode::Timeout, vec![false]));
}

#[test]
fn bodies_and_heads_over_their_limits_are_not_read_to_the_end() {
    let realm = Realm::start();
    for kind in ["oversize", "huge_header"] {
        let outcome = outcomes(&realm, realm.address("http"), &json!({"on": "token", "kind": kind}));
        assert_eq!(outcome, (ErrorCode::LoginFailed, ErrorCode::OutcomeUnknown, vec![true, true]), "{kind}");
    }
}

#[test]
fn redirects_are_refused_and_not_followed() {
    let realm = Realm::start();
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = format!("http://{}/token", elsewhere.local_addr().unwrap());
    for status in [301, 302, 303, 307, 308] {
        let fault = json!({"on": "token", "kind": "redirect", "status": status, "location": location});
        let outcome = outcomes(&realm, realm.address("http"), &fault);
        assert_eq!(outcome, (ErrorCode::WrongEndpoint, ErrorCode::WrongEndpoint, vec![true, true]), "{status}");
    }
    assert!(elsewhere.accept().is_err(), "the redirect was followed");
}

#[test]
fn cancelling_ends_a_wait_but_not_a_request_that_was_sent() {
    let realm = Realm::start();
    let heard = Heard::default();
    let client = heard.listen(realm.client(realm.address("http")).request_timeout(SHORT)).build().unwrap();
    realm.fault(&json!({"on": "token", "kind": "silent"}));
    let cancel = CancelToken::new();
    let canceller = cancel.clone();
    let watcher = thread::spawn(move || {
        while realm.token_requests().is_empty() {
            thread::yield_now();
        }
        canceller.cancel();
        realm
    });
    let error =
        client.start_refresh("a-token", &CallOptions::new().timeout(Duration::from_secs(3000)).cancel_token(&cancel)).wait().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
    assert_eq!(heard.sent(1), [true], "the request continued until its own deadline");
    watcher.join().unwrap();
}

#[test]
fn a_call_that_is_already_cancelled_sends_nothing_and_the_authorization_request_stays_usable() {
    let realm = Realm::start();
    let client = realm.client(realm.address("http")).build().unwrap();
    let cancel = CancelToken::new();
    cancel.cancel();
    let request = client.authorization_request("balance:read").unwrap();
    let callback = format!("state={}&code=a-code", request.state());
    let call = CallOptions::new().cancel_token(&cancel);
    assert_eq!(client.start_exchange_callback(&request, &callback, &call).wait().unwrap_err().code(), ErrorCode::Cancelled);
    assert!(realm.token_requests().is_empty());
    assert_eq!(client.exchange_callback(&request, &callback).unwrap_err().oauth_error(), Some("invalid_grant"));
}

#[test]
fn a_request_that_is_abandoned_during_the_handshake_is_never_sent_and_its_thread_ends() {
    let realm = Realm::start();
    let heard = Heard::default();
    let builder =
        realm.client(realm.address("https")).connect_timeout(Duration::from_secs(3000)).request_timeout(Duration::from_secs(3000));
    let client = heard.listen(builder.ca_certificates(realm.address("ca_pem"))).build().unwrap();
    realm.fault(&json!({"on": "connection", "kind": "silent"}));
    let running = client.start_refresh("a-token", &CallOptions::new());
    assert!(running.wait_for(Duration::from_millis(300)).is_none());
    running.abandon(WaitEnded::Cancelled);
    assert_eq!(running.wait().unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(heard.sent(1), [false]);
    assert!(realm.token_requests().is_empty());
}

#[test]
fn an_authorization_request_stays_usable_only_if_nothing_was_sent() {
    let realm = Realm::start();
    let client = realm.client(realm.address("https")).ca_certificates(realm.address("ca_pem")).build().unwrap();
    let request = client.authorization_request("balance:read").unwrap();
    let callback = format!("state={}&code=a-code", request.state());
    realm.fault(&json!({"on": "connection", "kind": "close_after_client_hello"}));
    assert_eq!(client.exchange_callback(&request, &callback).unwrap_err().code(), ErrorCode::Transport);
    realm.fault(&json!({"on": "token", "kind": "close_before"}));
    assert_eq!(client.exchange_callback(&request, &callback).unwrap_err().code(), ErrorCode::LoginFailed);
    assert_eq!(client.exchange_callback(&request, &callback).unwrap_err().code(), ErrorCode::LoginAlreadyUsed);
    assert_eq!(realm.token_requests().len(), 1);
}

#[test]
fn abandoning_late_does_not_release_an_authorization_request_that_is_in_use_again() {
    let realm = Realm::start();
    let builder = realm.client(realm.address("https")).ca_certificates(realm.address("ca_pem")).request_timeout(SHORT);
    let client = builder.build().unwrap();
    let request = client.authorization_request("balance:read").unwrap();
    let callback = format!("state={}&code=a-code", request.state());
    realm.fault(&json!({"on": "connection", "kind": "close_after_client_hello"}));
    let first = client.start_exchange_callback(&request, &callback, &CallOptions::new());
    let handle = first.handle();
    assert_eq!(first.wait().unwrap_err().code(), ErrorCode::Transport);
    realm.fault(&json!({"on": "token", "kind": "silent"}));
    let second = client.start_exchange_callback(&request, &callback, &CallOptions::new());
    handle.abandon(WaitEnded::Cancelled);
    assert_eq!(client.exchange_callback(&request, &callback).unwrap_err().code(), ErrorCode::LoginAlreadyUsed);
    assert_eq!(second.wait().unwrap_err().code(), ErrorCode::LoginFailed);
}

#[test]
fn certificates_are_checked_against_every_certificate_of_the_bundle_and_the_name() {
    let realm = Realm::start();
    let with = |address: &str, pem: &str| {
        let heard = Heard::default();
        let client = heard.listen(realm.client(address).ca_certificates(pem)).build().unwrap();
        (refresh(&client).code(), heard.sent(1)[0])
    };
    let (ours, unrelated) = (realm.address("ca_pem"), realm.address("ca_pem_unrelated"));
    assert_eq!(with(realm.address("https"), &format!("{unrelated}\n{ours}")), (ErrorCode::LoginRequired, true));
    assert_eq!(with(realm.address("https"), unrelated), (ErrorCode::Certificate, false));
    assert_eq!(with(realm.address("https_wrong_name"), ours), (ErrorCode::Certificate, false));
}

#[test]
fn an_unreachable_server_is_a_transport_error() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in [format!("http://{nobody}/token"), "https://does-not-exist.invalid/token".to_owned()] {
        let heard = Heard::default();
        let metadata = metadata("https://issuer.example", &address);
        let client = heard.listen(Client::builder(metadata, "id").proxy("direct")).build().unwrap();
        assert_eq!((refresh(&client).code(), heard.sent(1)), (ErrorCode::Transport, vec![false]), "{address}");
    }
}

#[test]
fn each_request_has_its_own_connection() {
    let realm = Realm::start();
    for address in ["http", "https"] {
        let client = realm.client(realm.address(address)).ca_certificates(realm.address("ca_pem")).build().unwrap();
        let token = realm.refresh_token(address);
        for _ in 0..3 {
            client.refresh(token.as_str()).unwrap();
        }
    }
    let connections: HashSet<_> = realm.token_requests().iter().map(|request| request["connection"].to_string()).collect();
    assert_eq!(connections.len(), 8, "{connections:?}");
}

#[test]
fn the_tunnel_of_a_proxy_is_used_and_its_connect_does_not_count_as_sent() {
    let realm = Realm::start();
    let port = realm.address("https").rsplit_once(':').unwrap().1.to_owned();
    let through = |response: &'static str| {
        let (proxy, asked) = proxy(&format!("127.0.0.1:{port}"), response);
        let heard = Heard::default();
        let metadata = metadata("https://login.example", "https://login.example/token");
        let builder = Client::builder(metadata, "id").ca_certificates(realm.address("ca_pem")).proxy(proxy);
        let code = refresh(&heard.listen(builder).build().unwrap()).code();
        (code, heard.sent(1)[0], asked.join().unwrap())
    };
    let asked = "CONNECT login.example:443 HTTP/1.1".to_owned();
    // The tunnel ends at the realm, whose certificate is not for login.example. So TLS goes through
    // the tunnel, and nothing is sent.
    assert_eq!(through("HTTP/1.1 200 OK\r\n\r\n"), (ErrorCode::Certificate, false, asked.clone()));
    assert_eq!(through("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), (ErrorCode::WrongEndpoint, false, asked.clone()));
    assert_eq!(through("HTTP/1.1 502 Bad Gateway\r\n\r\n"), (ErrorCode::Transport, false, asked));
}

/// A proxy for one connection: sends this response to its CONNECT, then forwards bytes in both
/// directions. Returns the request line.
fn proxy(target: &str, response: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let target = target.to_owned();
    let thread = thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| !line.trim().is_empty()) {
            let mut line = String::new();
            assert!(reader.read_line(&mut line).unwrap() > 0, "the client hung up");
            lines.push(line);
        }
        (&client).write_all(response.as_bytes()).unwrap();
        if response.contains("200") {
            let server = TcpStream::connect(target).unwrap();
            let (from_server, to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            let back = thread::spawn(move || copy(from_server, to_client));
            copy(client, server);
            back.join().unwrap();
        }
        lines[0].trim().to_owned()
    });
    (address, thread)
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}
