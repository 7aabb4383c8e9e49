//! ID tokens that are judged once the keys are there, and sessions that end at the server.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use schedules::{ErrorCode, Machine, Stage, Store, TokenSource, explore, now, pass};

use crate::register::{Planted, Register, Trouble};
use crate::support::{at_once, token, told};

fn stage() -> Stage {
    with(Store::memory())
}

fn with(store: Store) -> Stage {
    let stage = Stage::with(store);
    stage.server.send_id_tokens();
    stage
}

/// Callers come for longer than any fetch of keys is put off.
fn call_for_a_while(source: &TokenSource) {
    for _ in 0..4 {
        pass(Duration::from_secs(10));
        token(source).unwrap();
    }
}

#[test]
fn a_refresh_does_not_wait_for_keys_and_its_id_token_is_judged_when_they_come() {
    explore(Machine::Fast, 200, || {
        let stage = stage();
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        stage.server.fail_keys(2);
        let callers = sources.clone();
        for outcome in at_once(3, move |number| token(&callers[number % 2])) {
            assert_eq!(outcome.unwrap(), "access-0-2");
        }
        sources.iter().for_each(call_for_a_while);
        let issued_at = sources[0].claims().unwrap().get("iat").unwrap().as_i64().unwrap();
        assert!(issued_at >= 1_700_000_400, "the first one, of {issued_at}");
        let seen = stage.server.seen();
        assert_eq!((seen.refreshes, seen.reused), (1, 0));
        assert!((3..8).contains(&seen.keys), "{seen:?}");
    });
}

#[test]
fn once_an_id_token_is_known_to_be_bad_the_access_token_beside_it_is_replaced() {
    explore(Machine::Fast, 200, || {
        let stage = stage();
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        stage.server.fail_keys(1);
        stage.server.spoil_id_token();
        let callers = sources.clone();
        for outcome in at_once(3, move |number| token(&callers[number % 2])) {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2" | "access-0-3")), "{outcome:?}");
        }
        sources.iter().for_each(call_for_a_while);
        for source in sources {
            assert_eq!(token(&source).unwrap(), "access-0-3");
        }
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().reused), (2, 0));
    });
}

#[test]
fn keys_are_fetched_once_for_all_who_wait_for_them() {
    explore(Machine::Fast, 200, || {
        let stage = stage();
        let client = stage.client();
        let tokens = [(); 3].map(|()| stage.server.logout_token());
        for ended in at_once(3, move |number| client.accept_logout_token(&tokens[number])) {
            assert_eq!(ended.unwrap(), [""; 0]);
        }
        assert_eq!(stage.server.seen().keys, 1);
    });
}

#[test]
fn a_login_whose_signature_no_key_verifies_is_refused_however_its_keys_arrive() {
    explore(Machine::Fast, 5_000, || {
        let stage = stage();
        stage.server.sign_with_another_key();
        let client = stage.client();
        let request = client.authorization_request("openid").unwrap();
        let error = client.complete_login(&request, &stage.callback(&request), "user-42").unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (ErrorCode::IdToken, None), "{error}");
    });
}

#[test]
fn the_end_of_a_session_during_a_refresh_ends_its_login() {
    explore(Machine::Fast, 400, || {
        let stage = stage();
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        let (client, logout_token) = (stage.client(), stage.server.logout_token());
        let callers = sources.clone();
        let outcomes = at_once(3, move |number| match number {
            0 => client.accept_logout_token(&logout_token).map(|ended| ended.concat()).map_err(|error| error.code()),
            number => token(&callers[number - 1]),
        });
        assert_eq!(outcomes[0].as_deref(), Ok("user-42"));
        for outcome in &outcomes[1..] {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2") | Err(ErrorCode::LoginRequired)), "{outcomes:?}");
        }
        pass(Duration::from_secs(2));
        for source in &sources {
            assert_eq!(token(source).unwrap_err(), ErrorCode::LoginRequired);
        }
        // The next login waits for nobody.
        let began = now();
        sources[0].save(&stage.server.log_in()).unwrap();
        assert!(now() - began < Duration::from_secs(1));
        assert_eq!(stage.server.seen().reused, 0);
    });
}

#[test]
fn a_logout_token_that_could_not_end_its_login_can_be_sent_again() {
    explore(Machine::Fast, 50, || {
        for trouble in [Trouble::Errs, Trouble::ErrsAfterwards, Trouble::Panics] {
            (0..8).for_each(|first| send_again(trouble, first..first + 2));
        }
    });
}

fn send_again(trouble: Trouble, which: Range<usize>) {
    let register = Register::with_locks();
    let stage = with(Store::new(register.clone()));
    let (source, client) = (stage.fresh(), stage.client());
    let logout_token = stage.server.logout_token();
    register.fail(trouble, which);
    let first = client.accept_logout_token(&logout_token);
    register.repair();
    match first {
        Ok(ended) => assert_eq!(ended, ["user-42"]),
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{error}");
            assert_eq!(client.accept_logout_token(&logout_token).unwrap(), ["user-42"]);
        }
    }
    // The source belongs to another process, which looks into the store once a second.
    pass(Duration::from_secs(2));
    assert_eq!(token(&source).unwrap_err(), ErrorCode::LoginRequired);
}

#[test]
fn a_judgement_does_not_undo_a_refresh() {
    explore(Machine::Slow, 200, || {
        let stage = stage();
        let source = stage.expired();
        let caller = source.clone();
        for outcome in at_once(2, move |number| if number == 0 { token(&caller) } else { told(caller.refresh()) }) {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2" | "access-0-3")), "{outcome:?}");
        }
        pass(Duration::from_secs(30));
        source.refresh().unwrap();
        assert_eq!(stage.server.seen().reused, 0);
    });
}

/// A session ends while the user logs in again.
fn log_in_while_a_session_ends(register: Register) {
    let stage = with(Store::new(register));
    let client = stage.client();
    // The keys are at hand from now on.
    client.accept_logout_token(&stage.server.logout_token()).unwrap();
    let source = stage.fresh();
    pass(Duration::from_secs(2));
    let logout_token = stage.server.logout_token();
    pass(Duration::from_secs(2));
    let tokens = stage.server.log_in();
    at_once(2, move |number| match number {
        0 => client.accept_logout_token(&logout_token).map(|_| ()),
        _ => source.save(&tokens),
    });
    // The process that has saved the login would restore it.
    assert_eq!(token(&stage.client().token_source("user-42").unwrap()).unwrap(), "access-1-1");
}

#[test]
fn the_end_of_a_session_leaves_a_login_that_is_made_meanwhile() {
    explore(Machine::Fast, 400, || log_in_while_a_session_ends(Register::with_locks()));
}

#[test]
fn the_end_of_a_session_that_is_stored_over_a_new_login_is_found() {
    let fails = || explore(Machine::Fast, 400, || log_in_while_a_session_ends(Register::planted(Planted::SwapsAnything)));
    assert!(catch_unwind(AssertUnwindSafe(fails)).is_err());
}
