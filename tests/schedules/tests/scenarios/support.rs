//! Threads, and their results.

use std::sync::Arc;
use std::time::Duration;

use schedules::{AccessToken, CallOptions, ErrorCode, Result, TokenSource, now};
use shuttle::thread;

/// Runs `act` on this many threads at once.
pub(crate) fn at_once<T: Send + 'static>(count: usize, act: impl Fn(usize) -> T + Send + Sync + 'static) -> Vec<T> {
    let act = Arc::new(act);
    let threads: Vec<_> = (0..count)
        .map(|number| {
            let act = Arc::clone(&act);
            thread::spawn(move || act(number))
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// The outcome of a call: a token, or an error code.
pub(crate) fn told(outcome: Result<AccessToken>) -> std::result::Result<String, ErrorCode> {
    outcome.map(|token| token.reveal().to_owned()).map_err(|error| error.code())
}

pub(crate) fn token(source: &TokenSource) -> std::result::Result<String, ErrorCode> {
    told(source.access_token())
}

const PATIENCE: Duration = Duration::from_secs(600);

/// The same, for a call whose timeout is longer than any operation, so that something else must end
/// its wait.
pub(crate) fn patiently(source: &TokenSource) -> std::result::Result<String, ErrorCode> {
    let began = now();
    let outcome = told(source.start_access_token(Duration::ZERO, &CallOptions::new().timeout(PATIENCE)).wait());
    assert!(now() - began < PATIENCE, "nothing woke it: {outcome:?}");
    outcome
}
