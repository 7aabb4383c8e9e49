//! Logins, in the middle of anything.

use std::time::Duration;

use schedules::{CallOptions, ErrorCode, Machine, Stage, Way, explore};

use crate::support::{at_once, token};

#[test]
fn a_callback_that_is_loaded_twice_makes_one_exchange_and_both_get_the_login() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let pending = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&pending);
        for outcome in at_once(2, move |_| token(&client.complete_login(&pending, &callback, "user-42").unwrap())) {
            assert_eq!(outcome.unwrap(), "access-0-1");
        }
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
    });
}

#[test]
fn in_two_processes_too() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let clients = [stage.client(), stage.client()];
        for client in &clients {
            assert_eq!(token(&client.token_source("user-42").unwrap()).unwrap_err(), ErrorCode::LoginRequired);
        }
        let pending = clients[0].authorization_request("balance:read").unwrap();
        let callback = stage.callback(&pending);
        for outcome in at_once(3, move |number| token(&clients[number % 2].complete_login(&pending, &callback, "user-42").unwrap())) {
            assert_eq!(outcome.unwrap(), "access-0-1");
        }
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
    });
}

#[test]
fn a_pending_login_takes_one_of_two_codes() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let pending = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&pending);
        let outcomes = at_once(2, move |number| {
            let callback = format!("{callback}-{number}");
            client.complete_login(&pending, &callback, "user-42").map(|_| ()).map_err(|error| error.code())
        });
        assert!(outcomes.contains(&Ok(())) && outcomes.contains(&Err(ErrorCode::LoginAlreadyUsed)), "{outcomes:?}");
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
    });
}

#[test]
fn a_login_that_fails_is_told_to_all_who_loaded_its_callback_and_its_code_is_sent_once() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let pending = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&pending);
        stage.server.next_ways([Way::ResponseLost]);
        for outcome in at_once(2, move |_| client.complete_login(&pending, &callback, "user-42").map(|_| ())) {
            assert_eq!(outcome.unwrap_err().code(), ErrorCode::LoginFailed);
        }
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
    });
}

#[test]
fn a_code_that_did_not_leave_is_there_for_who_loads_the_callback_again() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let pending = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&pending);
        stage.server.next_ways([Way::Blocked]);
        let (again, loaded) = ((client.clone(), pending.clone(), callback.clone()), (client, pending, callback));
        let outcomes = at_once(2, move |_| {
            let (client, pending, callback) = &loaded;
            client.complete_login(pending, callback, "user-42").map(|_| ()).map_err(|error| error.code())
        });
        assert!(outcomes.contains(&Err(ErrorCode::Transport)), "{outcomes:?}");
        let (client, pending, callback) = again;
        assert_eq!(token(&client.complete_login(&pending, &callback, "user-42").unwrap()).unwrap(), "access-0-1");
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 2));
    });
}

#[test]
fn a_login_stands_whatever_refresh_it_came_into() {
    explore(Machine::Fast, 400, || {
        let stage = Stage::new();
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        let client = stage.client();
        let pending = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&pending);
        let callers = sources.clone();
        let outcomes = at_once(3, move |number| match number {
            0 => token(&client.complete_login(&pending, &callback, "user-42").unwrap()),
            number => token(&callers[number - 1]),
        });
        assert_eq!(outcomes[0].as_deref(), Ok("access-1-1"));
        for outcome in &outcomes[1..] {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2" | "access-1-1")), "{outcomes:?}");
        }
        schedules::pass(Duration::from_secs(2));
        for source in sources {
            assert_eq!(token(&source).unwrap(), "access-1-1");
        }
        assert_eq!((stage.server.seen().reused, stage.server.seen().most_at_once), (0, 1));
    });
}

#[test]
fn saved_tokens_stand_whatever_refresh_they_came_into() {
    explore(Machine::Fast, 400, || {
        let stage = Stage::new();
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        let tokens = stage.server.log_in();
        let callers = sources.clone();
        let outcomes = at_once(3, move |number| match number {
            0 => callers[0].save(&tokens).map_err(|error| error.code()).and_then(|()| token(&callers[0])),
            number => token(&callers[number - 1]),
        });
        for outcome in &outcomes {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2" | "access-1-1")), "{outcomes:?}");
        }
        schedules::pass(Duration::from_secs(2));
        for source in sources {
            assert_eq!(token(&source).unwrap(), "access-1-1");
        }
        assert_eq!(stage.server.seen().reused, 0);
    });
}

#[test]
fn who_does_not_wait_for_a_login_has_it_all_the_same() {
    explore(Machine::Slow, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let pending = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&pending);
        let (loader, loaded, back) = (client.clone(), pending.clone(), callback.clone());
        at_once(2, move |_| {
            let call = CallOptions::new().timeout(Duration::from_millis(20));
            if let Err(error) = loader.start_complete_login(&loaded, &back, "user-42", &call).wait() {
                assert_eq!(error.code(), ErrorCode::Timeout);
            }
        });
        assert_eq!(token(&client.complete_login(&pending, &callback, "user-42").unwrap()).unwrap(), "access-0-1");
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
    });
}
