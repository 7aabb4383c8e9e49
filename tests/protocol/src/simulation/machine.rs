//! A machine with two clocks that may be wrong (I12).

use sipgate_oauth2_protocol::time::Moment;

/// The start of the simulation on a correct wall clock, in milliseconds since 1970.
const EPOCH: i64 = 1_700_000_000_000;

/// A clock that is off by no more than this counts as right.
const RIGHT: i64 = 1_000;

#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// How much the monotonic clock runs fast.
    mono_per_million: i64,
    wall_per_million: i64,
    wall_offset: i64,
    /// When the wall clock was last set: it drifts from there.
    set_at: u64,
    /// The total time suspended, in which the monotonic clock does not run.
    suspended: u64,
    pub(super) suspended_until: u64,
    /// When the wall clock was last wrong, or the machine suspended.
    wrong_at: Option<u64>,
}

impl Machine {
    pub(super) fn new(mono_per_million: i64, wall_per_million: i64) -> Self {
        Self { mono_per_million, wall_per_million, wall_offset: 0, set_at: 0, suspended: 0, suspended_until: 0, wrong_at: None }
    }

    pub(super) fn moment(&self, now: u64) -> Moment {
        let awake = now - self.suspended;
        let mono = i64::try_from(awake).unwrap_or(i64::MAX);
        let mono = mono + mono * self.mono_per_million / 1_000_000;
        Moment { wall: EPOCH + signed(now) + self.skew(now), mono: 1_000_000 + u64::try_from(mono).unwrap_or(0) }
    }

    /// How far the wall clock is ahead.
    pub(super) fn skew(&self, now: u64) -> i64 {
        self.wall_offset + signed(now - self.set_at) * self.wall_per_million / 1_000_000
    }

    /// A user or a time server sets the wall clock.
    pub(super) fn set(&mut self, skew: i64, now: u64) {
        if self.is_wrong(now) || skew.abs() > RIGHT {
            self.wrong_at = Some(now);
        }
        self.wall_offset = skew;
        self.set_at = now;
    }

    pub(super) fn suspend(&mut self, now: u64, length: u64) {
        if self.suspended_until <= now {
            self.suspended += length;
            self.suspended_until = now + length;
            self.wrong_at = Some(self.suspended_until);
        }
    }

    fn is_wrong(&self, now: u64) -> bool {
        self.skew(now).abs() > RIGHT
    }

    /// Whether both clocks have been right since `then`.
    pub(super) fn was_right_since(&self, then: u64, now: u64) -> bool {
        !self.is_wrong(now) && self.wrong_at.is_none_or(|at| at < then)
    }
}

fn signed(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX)
}
