//! A store or a server that hangs, and callers that need not wait for it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use schedules::{
    BoxError, CallOptions, Machine, Stage, Store, StoreEntry, StoreKey, SwapOutcome, TokenSource, TokenStore, Way, explore, now, pass,
};

use crate::register::{HANGING, Register, Trouble};
use crate::support::at_once;

/// More accounts than a store has concurrent operations.
const MANY: usize = 40;

#[test]
fn a_store_that_hangs_delays_no_caller_that_has_a_token() {
    explore(Machine::Fast, 200, || {
        let register = Register::default();
        let stage = Stage::with(Store::new(register.clone()));
        let source = stage.fresh();
        let token = source.access_token().unwrap();
        register.fail(Trouble::Hangs, 0..100);
        pass(Duration::from_secs(2));
        let asked = now();
        let callers = source.clone();
        for outcome in at_once(4, move |_| callers.access_token()) {
            assert_eq!(outcome.unwrap(), token);
        }
        assert!(now() - asked < HANGING, "somebody waited for the store");
        register.repair();
        pass(HANGING);
        assert_eq!(source.access_token().unwrap(), token);
    });
}

#[test]
fn a_server_that_hangs_delays_no_caller_that_has_a_token() {
    explore(Machine::Fast, 200, || {
        let stage = Stage::new();
        let source = stage.fresh();
        let token = source.access_token().unwrap();
        stage.server.next_ways([Way::Silent]);
        // Past its soft limit.
        pass(Duration::from_secs(250));
        let asked = now();
        let callers = source.clone();
        for outcome in at_once(4, move |_| callers.access_token()) {
            assert_eq!(outcome.unwrap(), token);
        }
        assert!(now() - asked < Duration::from_secs(30), "somebody waited for the server");
    });
}

#[test]
fn more_accounts_than_concurrent_operations_all_get_their_tokens() {
    explore(Machine::Fast, 30, || {
        let stage = Stage::with(Store::new(Register::default()));
        let client = stage.client();
        let sources: Vec<TokenSource> = (0..MANY).map(|number| client.token_source(format!("user-{number}")).unwrap()).collect();
        let waiting: Vec<_> = sources.iter().map(|source| source.start_status(&CallOptions::new())).collect();
        for task in waiting {
            task.wait().unwrap();
        }
    });
}

#[test]
fn a_store_can_get_a_token_of_another_login_that_it_holds() {
    explore(Machine::Fast, 30, || {
        let nested = Nested::default();
        let stage = Stage::with(Store::new(nested.clone()));
        let client = stage.client();
        let other = client.token_source("the store's own").unwrap();
        other.status().unwrap();
        nested.0.other.set(other).ok().unwrap();
        let sources: Vec<TokenSource> = (0..MANY).map(|number| client.token_source(format!("user-{number}")).unwrap()).collect();
        let waiting: Vec<_> = sources.iter().map(|source| source.start_status(&CallOptions::new())).collect();
        for task in waiting {
            task.wait().unwrap();
        }
    });
}

/// A store that requests the status of another login that it holds before it loads anything.
#[derive(Clone, Default)]
struct Nested(Arc<Inside>);

#[derive(Default)]
struct Inside {
    register: Register,
    other: OnceLock<TokenSource>,
    /// The key of that login, which is loaded before any other.
    own: OnceLock<StoreKey>,
}

impl TokenStore for Nested {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        let own = self.0.own.get_or_init(|| key.clone());
        if own != key
            && let Some(other) = self.0.other.get()
        {
            other.status()?;
        }
        self.0.register.load(key)
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        self.0.register.swap(key, expected, entry)
    }
}
