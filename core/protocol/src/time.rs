//! Time on two clocks: no decision trusts only one of them (I12 of `docs/refresh-protocol.md`).

use std::time::Duration;

/// A duration in whole milliseconds.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An instant on both clocks, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Moment {
    /// The wall clock, since 1970. Other machines share it, and people set it.
    pub wall: i64,
    /// This machine's monotonic clock, since some start. It never goes back.
    pub mono: u64,
}

/// How old something is: its age when this process first saw it, plus the time since then by the
/// clock that has moved further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Age {
    first_seen: Moment,
    age_then: u64,
}

impl Age {
    /// The age of something that began at `began` on some machine's wall clock.
    ///
    /// `None` if that is in the future by more than `tolerance`: a clock was set, so the age is
    /// unknown.
    pub(crate) fn first_seen(now: Moment, began: i64, tolerance: u64) -> Option<Self> {
        let age = now.wall.saturating_sub(began);
        let future = u64::try_from(age.saturating_neg()).unwrap_or(0);
        (future <= tolerance).then(|| Self { first_seen: now, age_then: u64::try_from(age).unwrap_or(0) })
    }

    /// The age of something that begins now.
    pub(crate) fn new(now: Moment) -> Self {
        Self { first_seen: now, age_then: 0 }
    }

    /// The age at `now`, in milliseconds.
    pub(crate) fn at(&self, now: Moment) -> u64 {
        let wall = u64::try_from(now.wall.saturating_sub(self.first_seen.wall)).unwrap_or(0);
        let mono = now.mono.saturating_sub(self.first_seen.mono);
        self.age_then.saturating_add(wall.max(mono))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall: i64, mono: u64) -> Moment {
        Moment { wall, mono }
    }

    #[test]
    fn the_clock_that_moved_further_counts() {
        let age = Age::first_seen(moment(10_000, 0), 7_000, 0).unwrap();
        assert_eq!(age.at(moment(11_000, 500)), 4_000);
        assert_eq!(age.at(moment(10_100, 500)), 3_500);
    }

    #[test]
    fn a_wall_clock_that_was_set_back_is_ignored() {
        let age = Age::new(moment(10_000_000, 0));
        assert_eq!(age.at(moment(0, 500)), 500);
    }

    #[test]
    fn a_start_further_in_the_future_than_the_tolerance_has_no_age() {
        assert_eq!(Age::first_seen(moment(1_000, 0), 1_200, 200).unwrap().at(moment(1_000, 0)), 0);
        assert!(Age::first_seen(moment(1_000, 0), 1_201, 200).is_none());
    }
}
