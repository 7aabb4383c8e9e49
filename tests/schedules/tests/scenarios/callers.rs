//! Callers that stop waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use schedules::{CallOptions, CancelToken, ErrorCode, Machine, Stage, WaitEnded, Way, explore, pass};
use shuttle::thread;

use crate::support::{at_once, patiently, token, told};

#[test]
fn cancelling_one_caller_affects_neither_the_others_nor_the_request() {
    explore(Machine::Fast, 400, || {
        let stage = Stage::new();
        let source = stage.expired();
        let cancel = CancelToken::new();
        let call = CallOptions::new().cancel_token(&cancel);
        let canceller = thread::spawn(move || cancel.cancel());
        let caller = source.clone();
        let outcomes =
            at_once(
                3,
                move |number| if number == 0 { told(caller.start_access_token(Duration::ZERO, &call).wait()) } else { patiently(&caller) },
            );
        canceller.join().unwrap();
        assert!(matches!(outcomes[0].as_deref(), Ok("access-0-2") | Err(ErrorCode::Cancelled)), "{outcomes:?}");
        assert_eq!(outcomes[1..], [Ok("access-0-2".to_owned()), Ok("access-0-2".to_owned())]);
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().requests), (1, 1));
    });
}

#[test]
fn a_cancellation_takes_effect_at_any_point() {
    explore(Machine::Fast, 400, || {
        let stage = Stage::new();
        let source = stage.expired();
        stage.server.next_ways([Way::Silent]);
        let cancel = CancelToken::new();
        let call = CallOptions::new().timeout(Duration::from_secs(10)).cancel_token(&cancel);
        let canceller = thread::spawn(move || cancel.cancel());
        for outcome in at_once(2, move |_| told(source.start_access_token(Duration::ZERO, &call).wait())) {
            assert_eq!(outcome.unwrap_err(), ErrorCode::Cancelled);
        }
        canceller.join().unwrap();
    });
}

#[test]
fn after_a_timeout_the_next_call_gets_the_result_of_the_request() {
    explore(Machine::Slow, 400, || {
        let stage = Stage::new();
        let source = stage.expired();
        let caller = source.clone();
        let outcomes = at_once(2, move |_| {
            told(caller.start_access_token(Duration::ZERO, &CallOptions::new().timeout(Duration::from_millis(50))).wait())
        });
        for outcome in outcomes {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2") | Err(ErrorCode::Timeout)), "{outcome:?}");
        }
        assert_eq!(token(&source).unwrap(), "access-0-2");
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().requests), (1, 1));
    });
}

#[test]
fn a_completion_is_called_once_in_any_order() {
    explore(Machine::Fast, 400, || {
        let stage = Stage::new();
        let source = stage.expired();
        let (called, brought) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (calls, tokens) = (Arc::clone(&called), Arc::clone(&brought));
        at_once(2, move |_| {
            let task = source.start_access_token(Duration::ZERO, &CallOptions::new());
            let handle = task.handle();
            let (calls, tokens) = (Arc::clone(&calls), Arc::clone(&tokens));
            let leaver = thread::spawn(move || handle.abandon(WaitEnded::Cancelled));
            task.then(move |outcome| {
                calls.fetch_add(1, Ordering::Relaxed);
                match told(outcome).as_deref() {
                    Ok("access-0-2") => _ = tokens.fetch_add(1, Ordering::Relaxed),
                    other => assert_eq!(other, Err(&ErrorCode::Cancelled)),
                }
            });
            leaver.join().unwrap();
        });
        pass(Duration::from_secs(60));
        assert_eq!(called.load(Ordering::Relaxed), 2);
        assert!(brought.load(Ordering::Relaxed) <= 2);
        assert_eq!(stage.server.seen().refreshes, stage.server.seen().requests);
    });
}
