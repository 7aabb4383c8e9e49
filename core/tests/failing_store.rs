//! Stores that fail, forget and go back in time, against the local realm with rotation and reuse detection on: no login is lost to them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;
use sipgate_oauth2::{BoxError, Client, ErrorCode, LoginState, Store, StoreEntry, StoreKey, SwapOutcome, TokenSource, TokenStore};
use support::Realm;

/// A store like an application's own, without locks, whose ways to fail are in the test's hands.
#[derive(Clone, Default)]
struct Fragile(Arc<Inner>);

#[derive(Default)]
struct Inner {
    entries: Mutex<HashMap<StoreKey, StoreEntry>>,
    loads_fail: AtomicBool,
    swaps_fail: AtomicBool,
    /// Swaps that fail panic.
    panics: AtomicBool,
    /// The next swap is done and says that it failed.
    swap_lies: AtomicBool,
    /// Swaps fail from the next one on that comes while a request is at the server.
    fails_after_claim: AtomicBool,
}

impl TokenStore for Fragile {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        if self.0.loads_fail.load(Ordering::Relaxed) {
            return Err("the database is away".into());
        }
        Ok(self.0.entries.lock().unwrap().get(key).cloned())
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        if self.0.swaps_fail.load(Ordering::Relaxed) {
            assert!(!self.0.panics.load(Ordering::Relaxed), "planted");
            return Err("the disk is full".into());
        }
        let mut entries = self.0.entries.lock().unwrap();
        if entries.get(key).map(|entry| entry.version.as_str()) != expected {
            return Ok(SwapOutcome::Conflict);
        }
        entries.insert(key.clone(), entry.clone());
        if self.0.fails_after_claim.swap(false, Ordering::Relaxed) {
            self.0.swaps_fail.store(true, Ordering::Relaxed);
        }
        if self.0.swap_lies.swap(false, Ordering::Relaxed) {
            return Err("the answer got lost".into());
        }
        Ok(SwapOutcome::Stored)
    }
}

impl Fragile {
    fn set(&self, which: fn(&Inner) -> &AtomicBool, value: bool) {
        which(&self.0).store(value, Ordering::Relaxed);
    }

    fn copy(&self) -> HashMap<StoreKey, StoreEntry> {
        self.0.entries.lock().unwrap().clone()
    }

    fn restore(&self, copy: &HashMap<StoreKey, StoreEntry>) {
        self.0.entries.lock().unwrap().clone_from(copy);
    }
}

fn client(realm: &Realm, store: &Fragile) -> Client {
    realm.client_with(Store::new(store.clone()).recheck(Duration::ZERO)).build().unwrap()
}

fn logged_in() -> (Realm, Fragile, TokenSource) {
    let realm = Realm::start();
    realm.settings(&json!({"rotation": true}));
    let store = Fragile::default();
    let client = client(&realm, &store);
    let pending = client.authorization_request("balance:read").unwrap();
    let source = client.complete_login(&pending, &realm.callback(pending.url()), "anna").unwrap();
    (realm, store, source)
}

#[test]
fn a_store_that_cannot_be_written_stops_a_refresh_before_anything_is_sent() {
    let (realm, store, source) = logged_in();
    let token = source.access_token().unwrap();
    store.set(|store| &store.swaps_fail, true);
    let error = source.refresh().unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("disk is full"));
    assert_eq!(source.access_token().unwrap(), token);
    assert_eq!(realm.counter("refresh_grants"), 0);
    store.set(|store| &store.swaps_fail, false);
    assert_ne!(source.refresh().unwrap(), token);
}

#[test]
fn a_store_that_cannot_be_read_does_not_keep_a_good_token_back() {
    let (_realm, store, source) = logged_in();
    let token = source.access_token().unwrap();
    store.set(|store| &store.loads_fail, true);
    assert_eq!(source.access_token().unwrap(), token);
    assert_eq!(source.refresh().unwrap_err().code(), ErrorCode::StoreUnavailable);
    assert_eq!(source.status().unwrap_err().code(), ErrorCode::StoreUnavailable);
}

#[test]
fn tokens_that_cannot_be_stored_are_handed_out_and_stored_as_soon_as_that_works() {
    a_commit_fails(false);
}

#[test]
fn of_a_store_that_panics_too() {
    a_commit_fails(true);
}

fn a_commit_fails(panics: bool) {
    let (realm, store, source) = logged_in();
    store.set(|store| &store.panics, panics);
    let first = source.access_token().unwrap();
    store.set(|store| &store.fails_after_claim, true);
    let second = source.refresh().unwrap();
    assert_ne!(second, first);
    assert_eq!(source.ensure_saved().unwrap_err().code(), ErrorCode::Unsaved);
    store.set(|store| &store.swaps_fail, false);
    while source.ensure_saved().is_err() {
        thread::sleep(Duration::from_millis(20));
    }
    let elsewhere = client(&realm, &store).token_source("anna").unwrap();
    assert_eq!(elsewhere.access_token().unwrap(), second);
    assert_ne!(elsewhere.refresh().unwrap(), second);
    assert_eq!((realm.counter("refresh_grants"), realm.counter("invalid_grant")), (2, 0));
}

#[test]
fn a_write_whose_answer_got_lost_is_found_by_looking() {
    let (realm, store, source) = logged_in();
    let first = source.access_token().unwrap();
    store.set(|store| &store.swap_lies, true);
    let second = source.refresh().unwrap();
    assert_ne!(second, first);
    assert!(source.ensure_saved().is_ok());
    assert_eq!((realm.counter("refresh_grants"), realm.counter("invalid_grant")), (1, 0));
}

#[test]
fn a_store_restored_from_an_older_copy_gets_the_newer_tokens_back() {
    let (realm, store, source) = logged_in();
    let older = store.copy();
    let newer = source.refresh().unwrap();
    store.restore(&older);
    assert_eq!(source.access_token().unwrap(), newer);
    let elsewhere = client(&realm, &store).token_source("anna").unwrap();
    assert_eq!(elsewhere.access_token().unwrap(), newer);
    elsewhere.refresh().unwrap();
    assert_eq!(realm.counter("invalid_grant"), 0);
}

#[test]
fn a_logout_that_the_store_forgot_is_written_again() {
    let (_realm, store, source) = logged_in();
    let before = store.copy();
    source.logout().unwrap();
    store.restore(&before);
    assert_eq!(source.access_token().unwrap_err().code(), ErrorCode::LoginRequired);
    assert_eq!(source.status().unwrap().state, LoginState::LoggedOut);
}

#[test]
fn a_login_that_was_deleted_from_the_store_is_over() {
    let (_realm, store, source) = logged_in();
    store.restore(&HashMap::new());
    assert_eq!(source.access_token().unwrap_err().code(), ErrorCode::LoginRequired);
    assert_eq!(source.status().unwrap().state, LoginState::Absent);
}

#[test]
fn a_login_is_not_begun_where_it_could_not_be_stored() {
    let realm = Realm::start();
    let store = Fragile::default();
    let client = client(&realm, &store);
    let pending = client.authorization_request("balance:read").unwrap();
    let callback = realm.callback(pending.url());
    store.set(|store| &store.swaps_fail, true);
    assert_eq!(client.complete_login(&pending, &callback, "anna").unwrap_err().code(), ErrorCode::StoreUnavailable);
    assert_eq!(realm.counter("token_requests"), 0);
    store.set(|store| &store.swaps_fail, false);
    client.complete_login(&pending, &callback, "anna").unwrap().access_token().unwrap();
}

#[test]
fn what_is_no_login_and_what_a_newer_version_wrote_is_told_apart_and_left_alone() {
    let (_realm, store, source) = logged_in();
    let healthy = store.copy();
    for (data, code) in [(&b"rubbish"[..], ErrorCode::StoreCorrupt), (br#"{"format":2}"#, ErrorCode::StoreFormat)] {
        let mut broken = healthy.clone();
        broken.values_mut().for_each(|entry| data.clone_into(&mut entry.data));
        store.restore(&broken);
        assert_eq!(source.refresh().unwrap_err().code(), code);
        assert!(store.copy() == broken, "nothing was written");
    }
    store.restore(&healthy);
    source.refresh().unwrap();
}

#[test]
fn callers_of_two_stores_over_one_register_spend_a_refresh_token_once() {
    let (realm, store, first) = logged_in();
    let second = client(&realm, &store).token_source("anna").unwrap();
    let before = first.access_token().unwrap();
    assert_eq!(second.access_token().unwrap(), before);
    first.invalidate(&before);
    second.invalidate(&before);
    let tokens: Vec<_> = thread::scope(|scope| {
        let callers: Vec<_> = (0..16)
            .map(|number| if number % 2 == 0 { &first } else { &second })
            .map(|source| scope.spawn(|| source.access_token().unwrap()))
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0] && *token != before));
    assert_eq!((realm.counter("refresh_grants"), realm.counter("invalid_grant")), (1, 0));
}
