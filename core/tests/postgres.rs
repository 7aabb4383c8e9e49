//! The store in a real PostgreSQL, whose URL is in `SIPGATE_TEST_POSTGRES`. Its role may create
//! tables.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod database;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sipgate_oauth2::binding::token_store;
use sipgate_oauth2::{BoxError, Error, ErrorCode, Remedy, Store, StoreEntry, StoreKey, StoreOptions, SwapOutcome, TokenStore, conformance};

/// A store of the server, if there is one.
fn open(options: &StoreOptions) -> Option<Store> {
    Some(Store::open_with(&database::url("SIPGATE_TEST_POSTGRES")?, options).unwrap())
}

fn options(table: &str) -> StoreOptions {
    StoreOptions::new().table(table)
}

/// A key that no other test has, with this start.
fn key(start: u8) -> StoreKey {
    static DRAWN: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    StoreKey::parse(&format!("{start:02x}{:030x}{now:032x}", DRAWN.fetch_add(1, Ordering::Relaxed))).unwrap()
}

fn entry(version: &str) -> StoreEntry {
    StoreEntry { version: version.to_owned(), data: b"a login".to_vec(), expires_at: None }
}

/// Two machines in turn.
struct InTurn([Store; 2], AtomicUsize);

impl InTurn {
    fn next(&self) -> &dyn TokenStore {
        token_store(&self.0[self.1.fetch_add(1, Ordering::Relaxed) % 2])
    }
}

impl TokenStore for InTurn {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        self.next().load(key)
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        self.next().swap(key, expected, entry)
    }
}

#[test]
fn it_keeps_the_promises_of_a_store_and_has_nothing_to_complain_about() {
    let Some(store) = open(&options("conformance")) else { return };
    assert_eq!(conformance::check(token_store(&store)), Ok(()));
    assert_eq!(store.check().unwrap(), [""; 0]);
}

#[test]
fn two_machines_keep_the_promises_together() {
    let (Some(one), Some(another)) = (open(&options("two_machines")), open(&options("two_machines").connections(1))) else { return };
    assert_eq!(conformance::check(&InTurn([one, another], AtomicUsize::new(0))), Ok(()));
}

#[test]
fn stores_that_start_together_create_the_table_once() {
    let table = format!("created_{}", key(0).as_str().get(52..).unwrap());
    let options = options(&table).timeout(Duration::from_secs(5));
    let stores: Vec<_> = (0..4).filter_map(|_| open(&options)).collect();
    let key = key(1);
    let stored: usize = thread::scope(|scope| {
        let swaps: Vec<_> = stores.iter().map(|store| scope.spawn(|| token_store(store).swap(&key, None, &entry("a")).unwrap())).collect();
        swaps.into_iter().map(|swap| usize::from(swap.join().unwrap() == SwapOutcome::Stored)).sum()
    });
    assert_eq!(stored, stores.len().min(1));
    for store in &stores {
        assert_eq!(token_store(store).load(&key).unwrap(), Some(entry("a")));
    }
}

#[test]
fn keys_are_listed_page_by_page_in_their_order() {
    let Some(store) = open(&options("keys")) else { return };
    let store = token_store(&store);
    let mine = [key(3), key(2), key(0xff), key(0)];
    for key in &mine {
        assert_eq!(store.swap(key, None, &entry("a")).unwrap(), SwapOutcome::Stored);
    }
    let mut listed = Vec::new();
    loop {
        let page = store.keys(listed.last(), 3).unwrap();
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert!(listed.is_sorted() && mine.iter().all(|key| listed.contains(key)));
    assert!(!listed.iter().any(|key| key.as_str() == "0".repeat(64)), "the marker is no login");
}

#[test]
fn an_entry_that_has_expired_is_absent_and_makes_room() {
    let Some(store) = open(&options("expiry")) else { return };
    let (store, key) = (token_store(&store), key(1));
    let expired = StoreEntry { expires_at: Some(1), ..entry("a") };
    assert_eq!(store.swap(&key, None, &expired).unwrap(), SwapOutcome::Stored);
    assert_eq!(store.load(&key).unwrap(), None);
    assert_eq!(store.swap(&key, Some("a"), &entry("b")).unwrap(), SwapOutcome::Conflict);
    assert_eq!(store.swap(&key, None, &entry("b")).unwrap(), SwapOutcome::Stored);
    assert_eq!(store.load(&key).unwrap(), Some(entry("b")));
}

#[test]
fn a_table_that_is_not_to_be_created_is_an_error_with_the_script() {
    let Some(store) = open(&options("never_created").create_table(false)) else { return };
    let error = *token_store(&store).load(&key(1)).unwrap_err().downcast::<Error>().unwrap();
    assert_eq!((error.code(), error.remedy()), (ErrorCode::StoreUnavailable, Remedy::FixConfiguration));
    assert!(error.to_string().contains("CREATE TABLE IF NOT EXISTS \"never_created\""), "{error}");
    let findings = store.check().unwrap();
    assert!(findings.len() == 1 && findings[0].contains("there is no table"), "{findings:?}");
}

#[test]
fn many_threads_share_few_connections() {
    let Some(store) = open(&options("threads").connections(2)) else { return };
    let (store, key) = (token_store(&store), key(1));
    store.swap(&key, None, &entry("0")).unwrap();
    let stored = AtomicUsize::new(0);
    thread::scope(|scope| {
        for number in 0..16 {
            let (stored, key) = (&stored, &key);
            scope.spawn(move || {
                for round in 0..20 {
                    let current = store.load(key).unwrap().unwrap();
                    let next = StoreEntry { data: vec![7; 3000], ..entry(&format!("{number}-{round}")) };
                    if store.swap(key, Some(&current.version), &next).unwrap() == SwapOutcome::Stored {
                        stored.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(stored.into_inner() >= 20);
}
