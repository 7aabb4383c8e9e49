//! Refreshes that fail.

use std::time::Duration;

use schedules::{ErrorCode, Machine, Stage, Way, explore, pass};

use crate::support::{at_once, patiently, token};

#[test]
fn a_request_that_is_not_sent_fails_for_its_waiters_and_the_next_call_works() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let source = stage.expired();
        stage.server.next_ways([Way::Blocked]);
        let caller = source.clone();
        let outcomes = at_once(3, move |_| patiently(&caller));
        assert!(outcomes.contains(&Err(ErrorCode::Transport)), "{outcomes:?}");
        for outcome in &outcomes {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2") | Err(ErrorCode::Transport)), "{outcomes:?}");
        }
        assert_eq!(token(&source).unwrap(), "access-0-2");
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().requests), (1, 2));
    });
}

#[test]
fn an_overloaded_server_fails_the_waiters_and_the_next_call_works() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        stage.server.next_ways([Way::Status(503)]);
        let callers = sources.clone();
        let outcomes = at_once(4, move |number| patiently(&callers[number % 2]));
        for outcome in &outcomes {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2") | Err(ErrorCode::OutcomeUnknown)), "{outcomes:?}");
        }
        assert_eq!(token(&sources[1]).unwrap(), "access-0-2");
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().requests, stage.server.seen().most_at_once), (1, 2, 1));
    });
}

#[test]
fn a_lost_response_is_requested_once_more_and_all_callers_get_the_token() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        stage.server.keep_refresh_tokens();
        let source = stage.expired();
        stage.server.next_ways([Way::ResponseLost]);
        // The second token was lost.
        for outcome in at_once(3, move |_| patiently(&source)) {
            assert_eq!(outcome.unwrap(), "access-0-3");
        }
        assert_eq!((stage.server.seen().requests, stage.server.seen().most_at_once), (2, 1));
    });
}

#[test]
fn a_login_that_the_server_ends_is_reported_to_all_callers_without_another_request() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        // The server rotates strictly, so no client could prevent this.
        stage.server.next_ways([Way::ResponseLost]);
        let callers = sources.clone();
        for outcome in at_once(4, move |number| patiently(&callers[number % 2])) {
            assert_eq!(outcome.unwrap_err(), ErrorCode::LoginRequired);
        }
        assert_eq!(token(&sources[0]).unwrap_err(), ErrorCode::LoginRequired);
        assert_eq!((stage.server.seen().requests, stage.server.seen().most_at_once), (2, 1));
    });
}

#[test]
fn a_missing_response_blocks_no_caller_for_ever() {
    explore(Machine::Slow, 300, || {
        let stage = Stage::new();
        stage.server.keep_refresh_tokens();
        let source = stage.expired();
        stage.server.next_ways([Way::Silent]);
        let caller = source.clone();
        for outcome in at_once(3, move |_| patiently(&caller)) {
            assert!(matches!(outcome.as_deref(), Ok("access-0-3") | Err(ErrorCode::Timeout | ErrorCode::OutcomeUnknown)), "{outcome:?}");
        }
        pass(Duration::from_secs(60));
        assert_eq!(token(&source).unwrap(), "access-0-3");
        assert_eq!((stage.server.seen().requests, stage.server.seen().most_at_once), (2, 1));
    });
}
