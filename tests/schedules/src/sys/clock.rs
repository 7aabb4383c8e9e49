//! Replaces the core's module: both clocks show this execution's time.

use protocol::time::Moment;

use crate::world::World;

/// The wall clock at the beginning of every execution.
const START: u64 = 1_700_000_000_000;

pub(crate) trait Clock: Send + Sync {
    fn moment(&self) -> Moment;

    fn unix_seconds(&self) -> i64 {
        self.moment().wall.div_euclid(1000)
    }

    fn mono(&self) -> u64 {
        self.moment().mono
    }

    fn coarse(&self) -> Moment {
        self.moment()
    }
}

pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn moment(&self) -> Moment {
        let passed = u64::try_from(World::here().time.now().as_millis()).expect("an execution is short");
        Moment { wall: i64::try_from(START + passed).expect("an execution is short"), mono: START + passed }
    }
}
