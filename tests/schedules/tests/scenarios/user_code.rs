//! Event handlers and completions that call the library, which holds no lock while it calls them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use schedules::{CallOptions, CancelToken, Machine, Stage, TokenSource, explore, pass};
use shuttle::thread;

use crate::support::{at_once, patiently, token};

#[test]
fn an_event_handler_may_use_the_source_of_the_event() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let expired = stage.expired();
        let heard = Arc::new(OnceLock::<TokenSource>::new());
        let own = Arc::clone(&heard);
        let client = stage
            .builder()
            .on_event(move |_| {
                if let Some(source) = own.get() {
                    assert_eq!(token(source).as_deref(), Ok("access-0-2"));
                    source.peek();
                    source.status().unwrap();
                }
            })
            .build()
            .unwrap();
        let source = client.token_source("user-42").unwrap();
        heard.set(source.clone()).unwrap();
        let callers = [source, expired];
        for outcome in at_once(3, move |number| patiently(&callers[number % 2])) {
            assert_eq!(outcome.unwrap(), "access-0-2");
        }
        assert_eq!(stage.server.seen().requests, 1);
    });
}

#[test]
fn a_completion_may_call_again() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let source = stage.expired();
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        at_once(3, move |_| {
            let (again, count) = (source.clone(), Arc::clone(&count));
            source.start_access_token(Duration::ZERO, &CallOptions::new()).then(move |outcome| {
                outcome.unwrap();
                again.invalidate(&again.access_token().unwrap());
                assert!(again.refresh().is_ok());
                count.fetch_add(1, Ordering::Relaxed);
            });
        });
        pass(Duration::from_secs(60));
        assert_eq!(done.load(Ordering::Relaxed), 3);
        assert_eq!((stage.server.seen().reused, stage.server.seen().most_at_once), (0, 1));
    });
}

#[test]
fn a_completion_may_wait_for_an_operation_of_another_thread() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let source = stage.fresh();
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let patient = CallOptions::new().timeout(Duration::from_secs(600));
        at_once(2, move |number| {
            if number == 0 {
                let (again, count, call) = (source.clone(), Arc::clone(&count), patient.clone());
                source.start_status(&CallOptions::new()).then(move |_| {
                    again.start_refresh(&call).wait().unwrap();
                    count.fetch_add(1, Ordering::Relaxed);
                });
            } else {
                source.start_refresh(&patient).wait().unwrap();
            }
        });
        pass(Duration::from_secs(60));
        assert_eq!(done.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_completion_that_panics_keeps_no_caller_from_the_token() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let source = stage.expired();
        let outcomes = at_once(3, move |number| {
            if number == 0 {
                let task = source.start_access_token(Duration::ZERO, &CallOptions::new());
                // `resume_unwind` bypasses the panic hook, which would end the execution. The panic
                // is caught here if the task has already finished.
                let _ = catch_unwind(AssertUnwindSafe(|| task.then(|_| resume_unwind(Box::new("planted")))));
                return None;
            }
            Some(patiently(&source))
        });
        for outcome in outcomes.into_iter().flatten() {
            assert_eq!(outcome.unwrap(), "access-0-2");
        }
        assert_eq!(stage.server.seen().requests, 1);
    });
}

#[test]
fn a_token_may_be_cancelled_again_after_its_cancellation() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let source = stage.expired();
        let cancel = CancelToken::new();
        let canceller = cancel.clone();
        let leaver = thread::spawn(move || canceller.cancel());
        at_once(2, move |_| {
            let call = CallOptions::new().cancel_token(&cancel);
            if source.start_access_token(Duration::ZERO, &call).wait().is_err() {
                cancel.cancel();
            }
        });
        leaver.join().unwrap();
        pass(Duration::from_secs(60));
        assert!(stage.server.seen().requests <= 1);
    });
}
