//! A user who is forgotten, at the local realm.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use sipgate_oauth2::{Client, ErrorCode, LoginState, LogoutOutcome, Store, TokenSource};
use support::Realm;
use support::drawer::Drawer;

const ACCOUNT: &str = "anna-whom-nobody-forgets";

fn log_in(realm: &Realm, client: &Client, account: &str) -> TokenSource {
    let request = client.authorization_request("openid balance:read").unwrap();
    client.complete_login(&request, &realm.callback(request.url()), account).unwrap()
}

/// The entries with this text, and in how many seconds they may be deleted.
fn entries_with(drawer: &Drawer, text: &str) -> Vec<Option<i64>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let entries = drawer.0.lock().unwrap();
    let found = entries.values().filter(|entry| String::from_utf8_lossy(&entry.data).contains(text));
    found.map(|entry| entry.expires_at.map(|expires_at| expires_at - now)).collect()
}

#[test]
fn nothing_that_is_kept_names_the_user_afterwards() {
    let (realm, drawer) = (Realm::start(), Drawer::default());
    let client = realm.client_with(Store::new(drawer.clone())).build().unwrap();
    let source = log_in(&realm, &client, ACCOUNT);
    let subject = source.claims().unwrap().subject().to_owned();
    let other = log_in(&realm, &client, "another of the same user");
    assert_eq!(entries_with(&drawer, ACCOUNT).iter().filter(|expiry| expiry.is_none()).count(), 2);

    assert_eq!(source.forget().unwrap(), LogoutOutcome::Revoked);
    assert_eq!(entries_with(&drawer, ACCOUNT), []);
    // The other account is still found under its user and its session.
    assert_eq!(entries_with(&drawer, "another of the same user").len(), 3);
    other.forget().unwrap();
    assert!(entries_with(&drawer, &subject).iter().all(Option::is_some));
    assert_eq!(client.accounts().count(), 0);
}

#[test]
fn a_user_who_was_forgotten_is_unknown_until_a_new_login() {
    let realm = Realm::start();
    let client = realm.client_with(Store::memory()).build().unwrap();
    let source = log_in(&realm, &client, ACCOUNT);
    source.forget().unwrap();
    assert_eq!(source.access_token().unwrap_err().code(), ErrorCode::LoginRequired);
    assert_eq!(source.claims().unwrap_err().code(), ErrorCode::LoginRequired);
    let status = source.status().unwrap();
    assert_eq!((status.state, status.last_error.is_none()), (LoginState::Absent, true));
    assert_eq!(source.forget().unwrap(), LogoutOutcome::LocalOnly);
    log_in(&realm, &client, ACCOUNT);
    assert_eq!(source.status().unwrap().state, LoginState::Active);
    assert_eq!(realm.counter("sessions_ended"), 1);
}

#[test]
fn a_server_that_cannot_be_told_delays_the_erasure_and_not_the_logout() {
    let (realm, drawer) = (Realm::start(), Drawer::default());
    let client = realm.client_with(Store::new(drawer.clone())).build().unwrap();
    let source = log_in(&realm, &client, ACCOUNT);
    realm.fault(&json!({"on": "revoke", "kind": "answer", "status": 503, "body": ""}));
    assert_eq!(source.forget().unwrap_err().code(), ErrorCode::ServerUnavailable);
    assert_eq!(source.status().unwrap().state, LoginState::LoggedOut);
    assert_eq!(source.forget().unwrap(), LogoutOutcome::Revoked);
    assert_eq!(source.status().unwrap().state, LoginState::Absent);
}
