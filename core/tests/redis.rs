//! The store in a real Redis or Valkey, whose URL is in `SIPGATE_TEST_REDIS`, with the durability
//! in `SIPGATE_TEST_REDIS_DURABILITY`.

#![cfg(feature = "redis")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use sipgate_oauth2::binding::token_store;
use sipgate_oauth2::conformance;
use sipgate_oauth2::{Store, StoreEntry, StoreKey, StoreOptions, SwapOutcome, TokenStore};

/// The store of the URL with the prefix, or `None` if there is no URL.
fn store(prefix: &str) -> Option<Store> {
    let url = database::url("SIPGATE_TEST_REDIS")?;
    let mut options = StoreOptions::new().prefix(prefix);
    if let Ok(durability) = std::env::var("SIPGATE_TEST_REDIS_DURABILITY") {
        options = options.durability(durability.parse().unwrap());
    }
    Some(Store::open_with(&url, &options).unwrap())
}

/// A prefix of this run.
fn prefix(name: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    format!("sipgate-oauth2-test:{name}:{}:{now}:", std::process::id())
}

fn key(first: u8) -> StoreKey {
    StoreKey::parse(&format!("{first:02x}").repeat(32)).unwrap()
}

fn entry(version: &str) -> StoreEntry {
    StoreEntry { version: version.to_owned(), data: version.into(), expires_at: Some(2_000_000_000_000) }
}

fn write(store: &dyn TokenStore, key: &StoreKey, expected: Option<&str>, version: &str) -> SwapOutcome {
    store.swap(key, expected, &entry(version)).unwrap()
}

#[test]
fn it_keeps_the_promises_of_a_store() {
    let Some(store) = store(&prefix("promises")) else { return };
    assert_eq!(conformance::check(token_store(&store)), Ok(()));
}

#[test]
fn another_process_sees_what_was_stored_and_excludes_this_one() {
    let prefix = prefix("two");
    let (Some(one), Some(other)) = (store(&prefix), store(&prefix)) else { return };
    let (one, other) = (token_store(&one), token_store(&other));
    assert_eq!(write(one, &key(1), None, "a"), SwapOutcome::Stored);
    assert_eq!(other.load(&key(1)).unwrap(), Some(entry("a")));
    assert_eq!(write(other, &key(1), None, "b"), SwapOutcome::Conflict);
    assert_eq!(write(other, &key(1), Some("a"), "b"), SwapOutcome::Stored);
    assert_eq!(write(one, &key(1), Some("a"), "c"), SwapOutcome::Conflict);
    assert_eq!(one.load(&key(1)).unwrap(), Some(entry("b")));
}

#[test]
fn keys_are_listed_in_order_page_by_page() {
    let Some(store) = store(&prefix("keys")) else { return };
    let store = token_store(&store);
    assert_eq!(store.keys(None, 10).unwrap(), []);
    let numbers: Vec<u8> = (0..=250).step_by(5).collect();
    for number in numbers.iter().rev() {
        write(store, &key(*number), None, "a");
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = store.keys(after.as_ref(), 7).unwrap();
        assert!(page.len() <= 7);
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        seen.extend(page);
    }
    assert_eq!(seen, numbers.iter().map(|number| key(*number)).collect::<Vec<_>>());
}

#[test]
fn a_good_server_has_nothing_to_say() {
    let Some(store) = store(&prefix("check")) else { return };
    assert_eq!(store.check().unwrap(), [""; 0]);
    assert_eq!(token_store(&store).keys(None, 10).unwrap(), []);
}

#[test]
fn many_threads_share_a_few_connections() {
    let Some(store) = store(&prefix("threads")) else { return };
    let store = token_store(&store);
    let stored: HashSet<u8> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..32_u8)
            .map(|number| {
                scope.spawn(move || {
                    write(store, &key(number), None, "a");
                    store.load(&key(number)).unwrap().map(|_| number)
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(stored.len(), 32);
}
