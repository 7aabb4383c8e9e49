//! A custom store that fails at any operation.

use std::time::Duration;

use schedules::{ErrorCode, Machine, Stage, Store, explore, pass};
use shuttle::rand::{Rng as _, thread_rng};

use crate::register::{Register, Trouble};
use crate::support::{at_once, token};

/// More operations than one refresh needs.
const OPERATIONS: usize = 24;

#[test]
fn a_store_that_returns_errors_loses_no_login() {
    survives(Trouble::Errs);
}

#[test]
fn a_store_that_returns_errors_after_writing_loses_no_login() {
    survives(Trouble::ErrsAfterwards);
}

#[test]
fn a_store_that_panics_loses_no_login() {
    survives(Trouble::Panics);
}

#[test]
fn a_login_on_a_store_that_fails_is_completed_or_refused_and_every_caller_gets_the_outcome() {
    explore(Machine::Fast, 400, || {
        let register = any_register();
        let stage = Stage::with(Store::new(register.clone()));
        let client = stage.client();
        let request = client.authorization_request("balance:read").unwrap();
        let callback = stage.callback(&request);
        fail_somewhere(&register, any_trouble());
        let outcomes = at_once(2, move |_| client.complete_login(&request, &callback, "user-42").map(|_| ()).map_err(|error| error.code()));
        register.repair();
        pass(Duration::from_secs(100));
        let token = token(&stage.client().token_source("user-42").unwrap());
        if outcomes.contains(&Ok(())) {
            assert_eq!(token.as_deref(), Ok("access-0-1"), "{outcomes:?}");
        }
        for outcome in outcomes {
            // If the failure could not be stored, a second load of the callback fails otherwise.
            let told = [ErrorCode::StoreUnavailable, ErrorCode::LoginFailed, ErrorCode::Unsaved, ErrorCode::Timeout];
            assert!(outcome.is_ok() || outcome.is_err_and(|code| told.contains(&code)), "{outcome:?}");
        }
        assert!(stage.server.seen().exchanges <= 1);
        assert_eq!(stage.server.seen().reused, 0);
    });
}

#[test]
fn a_logout_on_a_store_that_fails_can_be_completed() {
    explore(Machine::Fast, 400, || {
        let register = any_register();
        let stage = Stage::with(Store::new(register.clone()));
        let source = stage.expired();
        fail_somewhere(&register, any_trouble());
        let caller = source.clone();
        at_once(2, move |number| if number == 0 { caller.logout().is_ok() } else { caller.access_token().is_ok() });
        register.repair();
        pass(Duration::from_secs(100));
        source.logout().unwrap();
        assert_eq!(token(&source).unwrap_err(), ErrorCode::LoginRequired);
        assert!(!stage.server.lives(0));
        assert_eq!(stage.server.seen().reused, 0);
    });
}

fn survives(trouble: Trouble) {
    explore(Machine::Fast, 400, move || {
        let register = any_register();
        let stage = Stage::with(Store::new(register.clone()));
        let sources = [stage.expired(), stage.client().token_source("user-42").unwrap()];
        fail_somewhere(&register, trouble);
        let callers = sources.clone();
        for outcome in at_once(3, move |number| token(&callers[number % 2])) {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2") | Err(ErrorCode::StoreUnavailable | ErrorCode::Busy)), "{outcome:?}");
        }
        register.repair();
        pass(Duration::from_secs(100));
        for source in &sources {
            // Without locks, a claim that could not be released is watched until its lease ends.
            let outcome = (0..4).map(|_| token(source)).find(|outcome| *outcome != Err(ErrorCode::Busy));
            assert_eq!(outcome.unwrap().unwrap(), "access-0-2");
            source.ensure_saved().unwrap();
        }
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().reused), (1, 0));
    });
}

fn any_register() -> Register {
    if thread_rng().r#gen() { Register::with_locks() } else { Register::default() }
}

fn any_trouble() -> Trouble {
    [Trouble::Errs, Trouble::ErrsAfterwards, Trouble::Panics][thread_rng().gen_range(0..3)]
}

fn fail_somewhere(register: &Register, trouble: Trouble) {
    let from = thread_rng().gen_range(0..OPERATIONS);
    register.fail(trouble, from..from + thread_rng().gen_range(1..OPERATIONS));
}
