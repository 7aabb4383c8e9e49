//! An API that responds with 401.

use schedules::{Machine, Stage, explore};

use crate::support::{at_once, token};

#[test]
fn many_refusals_of_the_same_token_cause_one_request() {
    explore(Machine::Fast, 400, || {
        let stage = Stage::new();
        let source = stage.fresh();
        let second = at_once(3, move |_| {
            let refused = source.access_token().unwrap();
            source.invalidate(&refused);
            token(&source)
        });
        for token in second {
            assert_eq!(token.unwrap(), "access-0-2");
        }
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().reused), (1, 0));
    });
}

#[test]
fn many_refusals_of_the_same_token_in_two_processes_cause_one_request() {
    explore(Machine::Fast, 400, || {
        let stage = Stage::new();
        let sources = [stage.fresh(), stage.client().token_source("user-42").unwrap()];
        let refused = sources.clone().map(|source| source.access_token().unwrap());
        let outcomes = at_once(4, move |number| {
            sources[number % 2].invalidate(&refused[number % 2]);
            token(&sources[number % 2])
        });
        for token in outcomes {
            assert_eq!(token.unwrap(), "access-0-2");
        }
        assert_eq!((stage.server.seen().refreshes, stage.server.seen().reused), (1, 0));
    });
}

#[test]
fn a_caller_during_refusals_of_others_gets_a_token_of_the_login() {
    explore(Machine::Fast, 400, || {
        let stage = Stage::new();
        let source = stage.fresh();
        let refused = source.access_token().unwrap();
        let outcomes = at_once(4, move |number| match number {
            0 | 1 => {
                source.invalidate(&refused);
                token(&source)
            }
            2 => source.refresh().map(|token| token.reveal().to_owned()).map_err(|error| error.code()),
            _ => token(&source),
        });
        for outcome in &outcomes[..3] {
            assert!(matches!(outcome.as_deref(), Ok("access-0-2" | "access-0-3")), "{outcomes:?}");
        }
        assert!(matches!(outcomes[3].as_deref(), Ok("access-0-1" | "access-0-2" | "access-0-3")), "{outcomes:?}");
        assert!(stage.server.seen().refreshes <= 2);
        assert_eq!((stage.server.seen().reused, stage.server.seen().most_at_once), (0, 1));
    });
}
