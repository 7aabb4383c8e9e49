//! One login that many threads use, at the local realm with rotation and reuse detection.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use std::thread;
use std::time::Duration;

use serde_json::json;
use sipgate_oauth2::{Client, ErrorCode, Event, LoginState, Store};
use support::Realm;

fn client(realm: &Realm, store: Store) -> Client {
    realm.client_with(store).build().unwrap()
}

fn strict_realm() -> Realm {
    let realm = Realm::start();
    realm.settings(&json!({"rotation": true}));
    realm
}

#[test]
fn a_login_returns_its_token_from_memory_and_to_other_sources() {
    let realm = strict_realm();
    let client = client(&realm, Store::memory());
    let source = realm.log_in(&client, "anna");
    let token = source.access_token().unwrap();
    assert_eq!(source.access_token().unwrap(), token);
    assert_eq!(source.peek(), Some(token.clone()));
    assert_eq!(client.token_source("anna").unwrap().access_token().unwrap(), token);
    assert_eq!(client.token_source("bob").unwrap().access_token().unwrap_err().code(), ErrorCode::LoginRequired);
    assert_eq!(realm.counter("token_requests"), 1);
}

#[test]
fn sixty_four_callers_at_the_moment_of_expiry_cause_one_request() {
    let realm = strict_realm();
    realm.settings(&json!({"access_token_lifespan": 1}));
    let client = client(&realm, Store::memory());
    let source = realm.log_in(&client, "anna");
    let first = source.access_token().unwrap();
    thread::sleep(Duration::from_millis(1100));
    realm.settings(&json!({"access_token_lifespan": 300}));
    let tokens: Vec<_> = thread::scope(|scope| {
        let callers: Vec<_> = (0..64).map(|_| scope.spawn(|| source.access_token().unwrap())).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0] && *token != first));
    assert_eq!((realm.counter("refresh_grants"), realm.counter("invalid_grant")), (1, 0));
}

#[test]
fn a_callback_that_is_loaded_twice_at_once_creates_one_login() {
    let realm = strict_realm();
    let client = client(&realm, Store::memory());
    let request = client.authorization_request("balance:read").unwrap();
    let callback = realm.callback(request.url());
    let tokens: Vec<_> = thread::scope(|scope| {
        let pages: Vec<_> =
            (0..4).map(|_| scope.spawn(|| client.complete_login(&request, &callback, "anna").unwrap().access_token().unwrap())).collect();
        pages.into_iter().map(|page| page.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!((realm.counter("code_grants"), realm.counter("token_requests")), (1, 1));
}

#[test]
fn loading_a_callback_again_in_another_process_returns_its_login() {
    let realm = strict_realm();
    let store = Store::memory();
    let [first, second] = [(); 2].map(|()| client(&realm, store.clone().recheck(Duration::from_secs(60))));
    assert_eq!(second.token_source("anna").unwrap().access_token().unwrap_err().code(), ErrorCode::LoginRequired);
    let request = first.authorization_request("balance:read").unwrap();
    let callback = realm.callback(request.url());
    let token = first.complete_login(&request, &callback, "anna").unwrap().access_token().unwrap();
    assert_eq!(second.complete_login(&request, &callback, "anna").unwrap().access_token().unwrap(), token);
    assert_eq!(realm.counter("token_requests"), 1);
}

#[test]
fn late_refusals_of_one_token_cause_one_refresh() {
    let realm = strict_realm();
    let client = client(&realm, Store::memory());
    let source = realm.log_in(&client, "anna");
    let first = source.access_token().unwrap();
    for _ in 0..20 {
        source.invalidate(&first);
        assert_ne!(source.access_token().unwrap(), first);
    }
    assert_eq!(realm.counter("refresh_grants"), 1);
    let second = source.access_token().unwrap();
    source.invalidate(&second);
    assert_eq!(source.access_token().unwrap(), second, "the token from a refresh after a refusal is not refreshed again at once");
}

#[test]
fn a_logout_ends_the_login_locally_and_at_the_server() {
    let realm = strict_realm();
    let client = client(&realm, Store::memory());
    let source = realm.log_in(&client, "anna");
    source.logout().unwrap();
    assert_eq!(source.access_token().unwrap_err().code(), ErrorCode::LoginRequired);
    assert_eq!(source.status().unwrap().state, LoginState::LoggedOut);
    assert_eq!(realm.counter("sessions_ended"), 1);
    source.logout().unwrap();
    assert!(realm.log_in(&client, "anna").access_token().is_ok());
}

#[test]
fn a_rejected_login_sends_no_request_until_the_application_asks_for_one() {
    let realm = strict_realm();
    let client = client(&realm, Store::memory());
    let source = realm.log_in(&client, "anna");
    realm.settings(&json!({"user": "anna", "enabled": false}));
    assert_eq!(source.refresh().unwrap_err().code(), ErrorCode::LoginRequired);
    assert_eq!(source.access_token().unwrap_err().code(), ErrorCode::LoginRequired);
    assert_eq!(realm.counter("invalid_grant"), 1);
    realm.settings(&json!({"user": "anna", "enabled": true}));
    source.refresh().unwrap();
    assert_eq!(source.status().unwrap().state, LoginState::Active);
}

#[test]
fn saved_tokens_are_a_login() {
    let realm = strict_realm();
    let client = client(&realm, Store::memory());
    let request = client.authorization_request("balance:read").unwrap();
    let tokens = client.exchange_callback(&request, &realm.callback(request.url())).unwrap();
    let source = client.token_source("anna").unwrap();
    source.save(&tokens).unwrap();
    assert_eq!(source.access_token().unwrap(), *tokens.access_token());
    assert_ne!(source.refresh().unwrap(), *tokens.access_token());
}

#[test]
fn an_event_names_the_account_as_its_source_does() {
    let realm = strict_realm();
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let hearing = std::sync::Arc::clone(&heard);
    let builder = realm.client_with(Store::memory()).on_event(move |event| {
        if let Event::LoggedIn { account, .. } = event {
            hearing.lock().unwrap().push(account.clone());
        }
    });
    let source = realm.log_in(&builder.build().unwrap(), "anna");
    sipgate_oauth2::drain(Duration::from_secs(60));
    assert_eq!(*heard.lock().unwrap(), [source.account_hash()]);
}
