//! Tasks and sources that are dropped while an operation is in progress.

use std::time::Duration;

use schedules::{CallOptions, Machine, Stage, drain, explore, pass};

use crate::support::{at_once, token};

#[test]
fn a_refresh_whose_tasks_were_all_dropped_is_completed() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let source = stage.expired();
        let sources = std::sync::Mutex::new(vec![source.clone(), source.clone(), source]);
        at_once(3, move |_| {
            let source = sources.lock().unwrap().pop().unwrap();
            drop(source.start_access_token(Duration::ZERO, &CallOptions::new()));
            source.ensure_saved().unwrap();
        });
        pass(Duration::from_secs(5));
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().requests), (1, 1));
        assert_eq!(token(&stage.client().token_source("user-42").unwrap()).unwrap(), "access-0-2");
        assert_eq!(stage.server.seen().requests, 1);
    });
}

#[test]
fn if_some_callers_drop_their_tasks_the_others_get_the_token() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let source = stage.expired();
        let outcomes = at_once(4, move |number| {
            let task = source.start_access_token(Duration::ZERO, &CallOptions::new().timeout(Duration::from_secs(600)));
            if number % 2 == 0 {
                drop(task);
                return None;
            }
            Some(task.wait().unwrap().reveal().to_owned())
        });
        for outcome in outcomes.into_iter().flatten() {
            assert_eq!(outcome, "access-0-2");
        }
        assert_eq!(stage.server.seen().requests, 1);
    });
}

#[test]
fn a_login_that_no_caller_waits_for_is_completed() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let request = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&request);
        at_once(2, move |_| drop(client.start_complete_login(&request, &callback, "user-42", &CallOptions::new())));
        pass(Duration::from_secs(5));
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
        assert_eq!(token(&stage.client().token_source("user-42").unwrap()).unwrap(), "access-0-1");
    });
}

#[test]
fn after_drain_what_was_sent_is_stored_and_nothing_more_is_sent() {
    explore(Machine::Slow, 300, || {
        let stage = Stage::new();
        let source = stage.expired();
        at_once(2, move |number| {
            if number == 0 {
                drop(source.start_access_token(Duration::ZERO, &CallOptions::new()));
            } else {
                drop(source.start_refresh(&CallOptions::new()));
            }
        });
        assert!(drain(Duration::from_secs(60)));
        let sent = stage.server.seen().requests;
        let stored = stage.client().token_source("user-42").unwrap().status().unwrap().generation;
        assert!(stored > u64::try_from(sent).unwrap(), "{sent} requests, generation {stored}");
        pass(Duration::from_secs(60));
        assert_eq!(stage.server.seen().requests, sent);
    });
}
