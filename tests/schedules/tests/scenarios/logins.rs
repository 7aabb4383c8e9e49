//! Logins during other operations.

use std::time::Duration;

use schedules::{CallOptions, ErrorCode, Machine, Stage, Way, explore};

use crate::support::{at_once, token};

#[test]
fn a_callback_that_is_loaded_twice_makes_one_exchange_and_both_get_the_login() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let request = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&request);
        for outcome in at_once(2, move |_| token(&client.complete_login(&request, &callback, "user-42").unwrap())) {
            assert_eq!(outcome.unwrap(), "access-0-1");
        }
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
    });
}

#[test]
fn a_callback_that_is_loaded_twice_in_two_processes_makes_one_exchange_and_all_get_the_login() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let clients = [stage.client(), stage.client()];
        for client in &clients {
            assert_eq!(token(&client.token_source("user-42").unwrap()).unwrap_err(), ErrorCode::LoginRequired);
        }
        let request = clients[0].authorization_request("balance:read").unwrap();
        let callback = stage.callback(&request);
        for outcome in at_once(3, move |number| token(&clients[number % 2].complete_login(&request, &callback, "user-42").unwrap())) {
            assert_eq!(outcome.unwrap(), "access-0-1");
        }
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
    });
}

#[test]
fn an_authorization_request_accepts_one_of_two_codes() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let request = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&request);
        let outcomes = at_once(2, move |number| {
            let callback = format!("{callback}-{number}");
            client.complete_login(&request, &callback, "user-42").map(|_| ()).map_err(|error| error.code())
        });
        assert!(outcomes.contains(&Ok(())) && outcomes.contains(&Err(ErrorCode::LoginAlreadyUsed)), "{outcomes:?}");
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
    });
}

#[test]
fn a_failed_login_is_reported_for_every_load_of_its_callback_and_its_code_is_sent_once() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let request = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&request);
        stage.server.next_ways([Way::ResponseLost]);
        for outcome in at_once(2, move |_| client.complete_login(&request, &callback, "user-42").map(|_| ())) {
            assert_eq!(outcome.unwrap_err().code(), ErrorCode::LoginFailed);
        }
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
    });
}

#[test]
fn a_code_that_was_not_sent_can_be_used_when_the_callback_is_loaded_again() {
    explore(Machine::Fast, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let request = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&request);
        stage.server.next_ways([Way::Blocked]);
        let (again, loaded) = ((client.clone(), request.clone(), callback.clone()), (client, request, callback));
        let outcomes = at_once(2, move |_| {
            let (client, request, callback) = &loaded;
            client.complete_login(request, callback, "user-42").map(|_| ()).map_err(|error| error.code())
        });
        assert!(outcomes.contains(&Err(ErrorCode::Transport)), "{outcomes:?}");
        let (client, request, callback) = again;
        assert_eq!(token(&client.complete_login(&request, &callback, "user-42").unwrap()).unwrap(), "access-0-1");
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 2));
    });
}

#[test]
fn a_login_survives_any_concurrent_refresh() {
    explore(Machine::Fast, 400, || {
        let stage = Stage::new();
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        let client = stage.client();
        let request = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&request);
        let callers = sources.clone();
        let outcomes = at_once(3, move |number| match number {
            0 => token(&client.complete_login(&request, &callback, "user-42").unwrap()),
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
fn saved_tokens_survive_any_concurrent_refresh() {
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
fn a_login_is_completed_even_if_its_caller_does_not_wait() {
    explore(Machine::Slow, 300, || {
        let stage = Stage::new();
        let client = stage.client();
        let request = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&request);
        let (loader, loaded, back) = (client.clone(), request.clone(), callback.clone());
        at_once(2, move |_| {
            let call = CallOptions::new().timeout(Duration::from_millis(20));
            if let Err(error) = loader.start_complete_login(&loaded, &back, "user-42", &call).wait() {
                assert_eq!(error.code(), ErrorCode::Timeout);
            }
        });
        assert_eq!(token(&client.complete_login(&request, &callback, "user-42").unwrap()).unwrap(), "access-0-1");
        assert_eq!((stage.server.seen().exchanges, stage.server.seen().requests), (1, 1));
    });
}
