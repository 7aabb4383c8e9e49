//! The clocks, passed as a value so that tests can set the time.

use std::time::{SystemTime, UNIX_EPOCH};

use protocol::time::Moment;

/// A source of the time. Private to the crate: users always get the system clock.
pub(crate) trait Clock: Send + Sync {
    /// The current time on both clocks.
    fn moment(&self) -> Moment;

    /// Seconds since 1970-01-01T00:00:00Z.
    fn unix_seconds(&self) -> i64 {
        self.moment().wall.div_euclid(1000)
    }

    /// The monotonic clock alone.
    fn mono(&self) -> u64 {
        self.moment().mono
    }

    /// The time on both clocks in a fifth of the time, up to 10 ms late. This monotonic clock may
    /// have another start, and may stop while the machine is suspended: only both clocks together
    /// tell that no time has passed.
    fn coarse(&self) -> Moment {
        self.moment()
    }
}

pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn moment(&self) -> Moment {
        let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |before| -before),
        };
        Moment { wall, mono: self.mono() }
    }

    fn mono(&self) -> u64 {
        monotonic()
    }

    #[cfg(target_os = "linux")]
    fn coarse(&self) -> Moment {
        use rustix::time::ClockId::{MonotonicCoarse, RealtimeCoarse};

        let read = |clock| {
            let time = rustix::time::clock_gettime(clock);
            time.tv_sec * 1000 + time.tv_nsec / 1_000_000
        };
        Moment { wall: read(RealtimeCoarse), mono: u64::try_from(read(MonotonicCoarse)).unwrap_or(0) }
    }
}

/// Counts the time in which the machine is suspended, because tokens expire in that time, too.
#[cfg(target_os = "linux")]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;

/// As above. The clock of the standard library stops meanwhile on Apple's systems.
#[cfg(target_vendor = "apple")]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn monotonic() -> u64 {
    let time = rustix::time::clock_gettime(CLOCK);
    u64::try_from(time.tv_sec).unwrap_or(0) * 1000 + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn monotonic() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;

    static START: OnceLock<Instant> = OnceLock::new();
    u64::try_from(START.get_or_init(Instant::now).elapsed().as_millis()).unwrap_or(u64::MAX)
}
