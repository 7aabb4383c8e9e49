//! Planted faults with which a correct driver must fail: they show that these tests can find bugs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use schedules::{CallOptions, Machine, Stage, Store, TokenSource, explore, pass, presume_all_gone};
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

use crate::register::{Planted, Register};
use crate::support::{at_once, token};

#[test]
fn a_lock_that_is_granted_to_all_is_found() {
    assert!(fails(|| {
        presume_all_gone();
        two_processes(Planted::LocksForAll);
    }));
}

#[test]
fn a_lock_that_is_granted_to_all_does_no_harm_while_the_owner_is_known_to_live() {
    explore(Machine::Slow, 300, || two_processes(Planted::LocksForAll));
}

#[test]
fn a_swap_that_does_not_compare_is_found() {
    assert!(fails(|| two_processes(Planted::SwapsAnything)));
}

#[test]
fn a_read_of_the_previous_entry_is_found() {
    assert!(fails(|| two_processes(Planted::ReadsThePreviousEntry)));
}

#[test]
fn a_thread_that_waits_for_ever_is_found() {
    assert!(fails(|| {
        let (told, bell) = (Arc::new(Mutex::new(false)), Arc::new(Condvar::new()));
        let (teller, ringer) = (Arc::clone(&told), Arc::clone(&bell));
        thread::spawn(move || {
            // This notification is too early.
            ringer.notify_one();
            *teller.lock().unwrap() = true;
        });
        drop(bell.wait_while(told.lock().unwrap(), |told| !*told));
    }));
}

#[test]
fn a_timeout_that_is_too_short_for_a_slow_machine_is_found() {
    assert!(fails(|| {
        let source = Stage::new().expired();
        let waiter = thread::spawn(move || {
            source.start_access_token(Duration::ZERO, &CallOptions::new().timeout(Duration::from_millis(900))).wait().is_ok()
        });
        assert!(waiter.join().unwrap());
    }));
}

fn two_processes(planted: Planted) {
    let stage = Stage::with(Store::new(Register::planted(planted)));
    let sources: [TokenSource; 2] = [stage.expired(), stage.client().token_source("user-42").unwrap()];
    let callers = sources.clone();
    at_once(2, move |number| token(&callers[number]));
    pass(Duration::from_secs(2));
    assert_eq!(stage.server.seen().reused, 0);
    assert!(sources.iter().all(|source| token(source).is_ok()));
}

fn fails(scenario: impl Fn() + Send + Sync + 'static) -> bool {
    catch_unwind(AssertUnwindSafe(|| explore(Machine::Slow, 300, scenario))).is_err()
}
