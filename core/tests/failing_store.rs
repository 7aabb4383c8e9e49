//! Stores that fail, lose entries or are restored from backups lose no login, at the local realm
//! with rotation and reuse detection.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;
use sipgate_oauth2::{
    BoxError, Client, ErrorCode, KeepAlive, LoginState, Store, StoreEntry, StoreKey, SwapOutcome, TokenSource, TokenStore,
};
use support::Realm;

/// A custom store without locks, which fails as the test tells it to.
#[derive(Clone, Default)]
struct Fragile(Arc<Inner>);

#[derive(Default)]
struct Inner {
    entries: Mutex<HashMap<StoreKey, StoreEntry>>,
    loads_fail: AtomicBool,
    swaps_fail: AtomicBool,
    /// Swaps that fail do so with a panic.
    panics: AtomicBool,
    /// Swaps are always a conflict, and are counted.
    swaps_conflict: AtomicBool,
    conflicts: AtomicUsize,
    /// The next swap is carried out, but returns an error.
    swap_lies: AtomicBool,
    /// So is every swap.
    swaps_lie: AtomicBool,
    /// Swaps fail from the first one on that is made after a request was sent.
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
        if self.0.swaps_conflict.load(Ordering::Relaxed) {
            self.0.conflicts.fetch_add(1, Ordering::Relaxed);
            return Ok(SwapOutcome::Conflict);
        }
        let mut entries = self.0.entries.lock().unwrap();
        if entries.get(key).map(|entry| entry.version.as_str()) != expected {
            return Ok(SwapOutcome::Conflict);
        }
        entries.insert(key.clone(), entry.clone());
        if self.0.fails_after_claim.swap(false, Ordering::Relaxed) {
            self.0.swaps_fail.store(true, Ordering::Relaxed);
        }
        if self.0.swap_lies.swap(false, Ordering::Relaxed) || self.0.swaps_lie.load(Ordering::Relaxed) {
            return Err("the result was lost".into());
        }
        Ok(SwapOutcome::Stored)
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        let mut keys: Vec<_> = self.copy().into_keys().filter(|key| Some(key) > after).collect();
        keys.sort();
        keys.truncate(limit);
        Ok(keys)
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
    let request = client.authorization_request("balance:read").unwrap();
    let source = client.complete_login(&request, &realm.callback(request.url()), "anna").unwrap();
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
fn a_store_that_rejects_every_write_is_told_so_and_not_asked_for_ever() {
    let (realm, store, source) = logged_in();
    store.set(|store| &store.swaps_conflict, true);
    let client = client(&realm, &store);
    let request = client.authorization_request("balance:read").unwrap();
    let login = client.complete_login(&request, &realm.callback(request.url()), "bob").unwrap_err();
    let refresh = source.refresh().unwrap_err();
    let sweep = client.keep_alive(&KeepAlive::new()).unwrap_err();
    for error in [login, refresh, sweep] {
        assert_eq!(error.code(), ErrorCode::StoreUnavailable);
        assert!(error.to_string().contains("keeps rejecting a write"), "{error}");
    }
    let conflicts = store.0.conflicts.load(Ordering::Relaxed);
    assert!(conflicts <= 3 * 20 + 3, "{conflicts}");
    assert_eq!(realm.counter("refresh_grants"), 0);
    store.set(|store| &store.swaps_conflict, false);
    source.refresh().unwrap();
}

#[test]
fn if_a_store_cannot_be_read_a_valid_token_is_still_returned() {
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
fn tokens_that_a_store_cannot_store_because_it_panics_are_handed_out_and_stored_as_soon_as_that_works() {
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
fn a_write_whose_result_is_lost_is_found_by_a_reload() {
    let (realm, store, source) = logged_in();
    let first = source.access_token().unwrap();
    store.set(|store| &store.swap_lies, true);
    let second = source.refresh().unwrap();
    assert_ne!(second, first);
    assert!(source.ensure_saved().is_ok());
    assert_eq!((realm.counter("refresh_grants"), realm.counter("invalid_grant")), (1, 0));
}

#[test]
fn a_store_restored_from_an_older_copy_is_updated_with_the_newer_tokens() {
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
fn a_logout_that_the_store_lost_is_written_again() {
    let (_realm, store, source) = logged_in();
    let before = store.copy();
    source.logout().unwrap();
    store.restore(&before);
    assert_eq!(source.access_token().unwrap_err().code(), ErrorCode::LoginRequired);
    assert_eq!(source.status().unwrap().state, LoginState::LoggedOut);
}

#[test]
fn a_login_that_was_deleted_from_the_store_has_ended() {
    let (_realm, store, source) = logged_in();
    store.restore(&HashMap::new());
    assert_eq!(source.access_token().unwrap_err().code(), ErrorCode::LoginRequired);
    assert_eq!(source.status().unwrap().state, LoginState::Absent);
}

#[test]
fn a_login_that_could_not_be_stored_is_not_started() {
    let realm = Realm::start();
    let store = Fragile::default();
    let client = client(&realm, &store);
    let request = client.authorization_request("balance:read").unwrap();
    let callback = realm.callback(request.url());
    store.set(|store| &store.swaps_fail, true);
    assert_eq!(client.complete_login(&request, &callback, "anna").unwrap_err().code(), ErrorCode::StoreUnavailable);
    assert_eq!(realm.counter("token_requests"), 0);
    store.set(|store| &store.swaps_fail, false);
    client.complete_login(&request, &callback, "anna").unwrap().access_token().unwrap();
}

#[test]
fn a_callback_whose_single_use_is_stored_although_the_store_says_that_it_failed_logs_in() {
    let realm = Realm::start();
    let store = Fragile::default();
    let client = client(&realm, &store);
    for account in ["anna", "bert"] {
        let request = client.authorization_request("balance:read").unwrap();
        let callback = realm.callback(request.url());
        store.set(|store| &store.swap_lies, true);
        client.complete_login(&request, &callback, account).unwrap().access_token().unwrap();
    }
    let request = client.authorization_request("balance:read").unwrap();
    let callback = realm.callback(request.url());
    store.set(|store| &store.swap_lies, true);
    client.exchange_callback(&request, &callback).unwrap();
    assert_eq!(realm.counter("invalid_grant"), 0);
}

#[test]
fn a_code_whose_single_use_may_not_last_is_not_sent() {
    let realm = Realm::start();
    let store = Fragile::default();
    let client = client(&realm, &store);
    let request = client.authorization_request("balance:read").unwrap();
    let callback = realm.callback(request.url());
    store.set(|store| &store.swaps_lie, true);
    let error = client.exchange_callback(&request, &callback).unwrap_err();
    assert_eq!((error.code(), realm.counter("token_requests")), (ErrorCode::StoreUnavailable, 0));
}

#[test]
fn corrupt_entries_and_those_of_a_newer_version_are_distinguished_and_not_overwritten() {
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
fn callers_of_two_stores_over_the_same_entries_use_a_refresh_token_once() {
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
