//! How often a server that cannot be reached is tried again.

use std::time::{Duration, Instant};

use protocol::error::Error;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The last failure to connect. Until its pause is over, callers get its error at once.
#[derive(Default)]
pub(super) struct Backoff(Option<Failure>);

struct Failure {
    error: Error,
    until: Instant,
    pause: Duration,
}

impl Backoff {
    pub(super) fn failed(&mut self, error: Error, now: Instant) {
        let pause = match &self.0 {
            None => FIRST_PAUSE,
            // One of several attempts that began together.
            Some(last) if now < last.until => last.pause,
            Some(last) => (last.pause * 2).min(LONGEST_PAUSE),
        };
        self.0 = Some(Failure { error, until: now + pause, pause });
    }

    pub(super) fn succeeded(&mut self) {
        self.0 = None;
    }

    /// The remembered error, if it is too early to try again.
    pub(super) fn refusal(&self, now: Instant) -> Option<Error> {
        self.0.as_ref().filter(|last| now < last.until).map(|last| last.error.clone())
    }
}

#[cfg(test)]
mod tests {
    use protocol::error::ErrorCode;

    use super::*;

    fn error() -> Error {
        Error::new(ErrorCode::StoreUnavailable, "down")
    }

    #[test]
    fn the_pauses_grow_to_a_second_and_start_again_after_a_success() {
        let (mut backoff, mut now) = (Backoff::default(), Instant::now());
        assert!(backoff.refusal(now).is_none());
        for pause in [100, 200, 400, 800, 1000, 1000] {
            backoff.failed(error(), now);
            assert!(backoff.refusal(now + Duration::from_millis(pause - 1)).is_some(), "{pause}");
            now += Duration::from_millis(pause);
            assert!(backoff.refusal(now).is_none(), "{pause}");
        }
        backoff.succeeded();
        backoff.failed(error(), now);
        assert!(backoff.refusal(now + FIRST_PAUSE).is_none());
    }

    #[test]
    fn attempts_that_fail_together_count_once() {
        let (mut backoff, now) = (Backoff::default(), Instant::now());
        for _ in 0..4 {
            backoff.failed(error(), now);
        }
        assert!(backoff.refusal(now + FIRST_PAUSE).is_none());
    }
}
