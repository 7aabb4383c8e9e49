//! The end of a program during a refresh. `drain` waits for all operations of the process, so this
//! test has its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use std::thread;
use std::time::Duration;

use serde_json::json;
use sipgate_oauth2::{CallOptions, Store, drain};
use support::Realm;

#[test]
fn drain_waits_until_the_response_is_stored_and_no_longer_than_its_timeout() {
    let realm = Realm::start();
    realm.settings(&json!({"rotation": true}));
    let client = realm.client_with(Store::memory()).build().unwrap();
    let source = realm.log_in(&client, "anna");
    assert!(drain(Duration::from_secs(60)));

    realm.fault(&json!({"on": "token", "kind": "late", "ms": 3000}));
    drop(source.start_refresh(&CallOptions::new()));
    while realm.token_requests().len() < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(!drain(Duration::from_millis(10)));
    assert!(drain(Duration::from_secs(60)));

    let status = source.status().unwrap();
    assert_eq!((status.generation, status.unsaved), (2, false));
    assert_eq!(realm.counter("refresh_grants"), 1);
}
