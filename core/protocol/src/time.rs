//! Time on two clocks: no decision trusts one of them alone.

use std::time::Duration;

/// A duration in whole milliseconds.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// An instant, in milliseconds: of the wall clock, which other machines share and people set, and of this machine's monotonic clock,
/// which never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Moment {
    /// Since 1970.
    pub wall: i64,
    /// Since some start.
    pub mono: u64,
}

/// How old something is: what it was when this process met it, and the monotonic time since; or what the wall clock says, if that is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Age {
    met: Moment,
    then: u64,
}

impl Age {
    /// Of something that began at `began` on some machine's wall clock. `None` when that lies in the future by more than `tolerance`: a clock was set,
    /// and the age cannot be told.
    pub fn met(now: Moment, began: i64, tolerance: u64) -> Option<Self> {
        let age = now.wall.saturating_sub(began);
        let future = u64::try_from(age.saturating_neg()).unwrap_or(0);
        (future <= tolerance).then(|| Self { met: now, then: u64::try_from(age).unwrap_or(0) })
    }

    /// Of something that began now.
    pub fn new(now: Moment) -> Self {
        Self { met: now, then: 0 }
    }

    pub fn at(&self, now: Moment) -> u64 {
        let wall = u64::try_from(now.wall.saturating_sub(self.met.wall)).unwrap_or(0);
        let mono = now.mono.saturating_sub(self.met.mono);
        self.then.saturating_add(wall.max(mono))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall: i64, mono: u64) -> Moment {
        Moment { wall, mono }
    }

    #[test]
    fn the_larger_of_both_clocks_counts() {
        let age = Age::met(moment(10_000, 0), 7_000, 0).unwrap();
        assert_eq!(age.at(moment(11_000, 500)), 4_000);
        assert_eq!(age.at(moment(10_100, 500)), 3_500);
    }

    #[test]
    fn a_wall_clock_that_went_back_is_ignored() {
        let age = Age::new(moment(10_000_000, 0));
        assert_eq!(age.at(moment(0, 500)), 500);
    }

    #[test]
    fn what_begins_in_the_future_has_no_age_beyond_the_tolerance() {
        assert_eq!(Age::met(moment(1_000, 0), 1_200, 200).unwrap().at(moment(1_000, 0)), 0);
        assert!(Age::met(moment(1_000, 0), 1_201, 200).is_none());
    }
}
