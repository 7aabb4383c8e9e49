//! Callers that request a token when it expires.

use std::time::Duration;

use schedules::{CallOptions, Machine, Stage, Store, explore};

use crate::register::Register;
use crate::support::{at_once, patiently, token};

#[test]
fn callers_at_the_moment_of_expiry_make_one_request_and_all_get_the_new_token() {
    explore(Machine::Fast, 500, || {
        let stage = Stage::new();
        let source = stage.expired();
        for token in at_once(4, move |_| patiently(&source)) {
            assert_eq!(token.unwrap(), "access-0-2");
        }
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().reused), (1, 0));
    });
}

#[test]
fn callers_in_two_processes_make_one_request_and_all_get_the_new_token() {
    explore(Machine::Fast, 500, || two_processes(&Stage::new()));
}

#[test]
fn callers_in_two_processes_without_locks_make_one_request_and_all_get_the_new_token() {
    explore(Machine::Fast, 300, || two_processes(&Stage::with(Store::new(Register::default()))));
}

#[test]
fn on_a_slow_machine_callers_only_get_retryable_errors_and_no_token_is_sent_twice() {
    explore(Machine::Slow, 500, || {
        let stage = Stage::new();
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        let call = CallOptions::new().timeout(Duration::from_secs(2));
        let caller = sources.clone();
        for outcome in at_once(4, move |number| caller[number % 2].start_access_token(Duration::ZERO, &call).wait()) {
            match outcome {
                Ok(token) => assert_eq!(token.reveal(), "access-0-2"),
                Err(error) => assert!(error.retryable(), "{error}"),
            }
        }
        assert_eq!(token(&sources[0]).unwrap(), "access-0-2");
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().reused), (1, 0));
    });
}

fn two_processes(stage: &Stage) {
    let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
    for token in at_once(4, move |number| patiently(&sources[number % 2])) {
        assert_eq!(token.unwrap(), "access-0-2");
    }
    assert_eq!((stage.server.seen().refreshes, stage.server.seen().reused), (1, 0));
}
