//! Logouts during other operations.

use std::time::Duration;

use schedules::{ErrorCode, Machine, Stage, explore, pass};

use crate::support::{at_once, token};

#[test]
fn a_logout_during_a_refresh_ends_the_login_locally_and_at_the_server() {
    explore(Machine::Fast, 1000, || {
        let stage = Stage::new();
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        let callers = sources.clone();
        let outcomes = at_once(3, move |number| match number {
            0 => callers[0].logout().map(|_| String::new()).map_err(|error| error.code()),
            number => token(&callers[number - 1]),
        });
        assert_eq!(outcomes[0].as_deref(), Ok(""));
        for outcome in &outcomes[1..] {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2") | Err(ErrorCode::LoginRequired)), "{outcomes:?}");
        }
        assert!(!stage.server.lives(0));
        pass(Duration::from_secs(2));
        for source in sources {
            assert_eq!(token(&source).unwrap_err(), ErrorCode::LoginRequired);
        }
        assert_eq!(stage.server.seen().reused, 0);
    });
}

#[test]
fn after_a_concurrent_login_and_logout_the_store_and_the_server_agree() {
    explore(Machine::Fast, 400, || {
        let stage = Stage::new();
        let source = stage.fresh();
        let other = stage.client();
        let request = other.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&request);
        let caller = source.clone();
        let outcomes = at_once(2, move |number| match number {
            0 => caller.logout().map(|_| ()).map_err(|error| error.code()),
            _ => other.complete_login(&request, &callback, "user-42").map(|_| ()).map_err(|error| error.code()),
        });
        assert_eq!(outcomes, [Ok(()), Ok(())]);
        pass(Duration::from_secs(2));
        match token(&source) {
            Ok(token) => assert!(token == "access-1-1" && stage.server.lives(1), "{token}"),
            Err(code) => assert!(code == ErrorCode::LoginRequired && !stage.server.lives(1), "{code:?}"),
        }
        assert_eq!(stage.server.seen().reused, 0);
    });
}

#[test]
fn two_concurrent_logouts_are_one() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let sources = [stage.fresh(), stage.client().token_source("user-42").unwrap()];
        let callers = sources.clone();
        for outcome in at_once(3, move |number| callers[number % 2].logout()) {
            outcome.unwrap();
        }
        assert!(!stage.server.lives(0));
        for source in sources {
            assert_eq!(token(&source).unwrap_err(), ErrorCode::LoginRequired);
        }
    });
}
