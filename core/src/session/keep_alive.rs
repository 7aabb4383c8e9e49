//! Keeps logins alive that nobody uses.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Result};
use protocol::time::milliseconds;
use protocol::wait_ended::WaitEnded;

use super::store::Store;
use super::sweep::{KeepAliveReport, Sweep};
use crate::context::Context;
use crate::sys::sync::Mutex;
use crate::task::call_options::CallOptions;
use crate::task::task::Task;

/// Long enough for a few thousand refreshes, and shorter than the interval of a cron job.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Which logins [`Client::keep_alive`](crate::Client::keep_alive) refreshes.
///
/// ```
/// use std::time::Duration;
/// use sipgate_oauth2::KeepAlive;
///
/// let settings = KeepAlive::new().idle(Duration::from_secs(3 * 24 * 3600));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct KeepAlive {
    idle: Duration,
}

impl KeepAlive {
    /// Those that were last refreshed more than seven days ago.
    pub fn new() -> Self {
        Self { idle: Duration::from_secs(7 * 24 * 3600) }
    }

    /// Those that were last refreshed longer ago than this. At most half of the time after which
    /// the server ends an unused login, so that an outage ends none.
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        Self::new()
    }
}

pub(crate) fn start(context: &Arc<Context>, store: &Store, settings: &KeepAlive, options: &CallOptions) -> Result<Task<KeepAliveReport>> {
    let options = options.clone().or_timeout(TIMEOUT);
    let report = Arc::<Mutex<KeepAliveReport>>::default();
    let so_far = Arc::clone(&report);
    let (task, completer) = Task::new(&options, move |why, _| wait_ended(why, &so_far));
    // A refresh that has begun may still end.
    let time = milliseconds(options.timeout - options.timeout / 10);
    Sweep::new(context, store, milliseconds(settings.idle), time, report, completer)?.start();
    Ok(task)
}

fn wait_ended(why: WaitEnded, report: &Mutex<KeepAliveReport>) -> Result<KeepAliveReport> {
    let report = report.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match why {
        WaitEnded::Cancelled => Err(Error::new(ErrorCode::Cancelled, "cancelled; the next call goes on")),
        _ if report == KeepAliveReport::default() => {
            Err(Error::new(ErrorCode::Timeout, "the call's timeout elapsed: the store has not responded; the next call goes on"))
        }
        _ => Ok(report),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_whose_timeout_elapses_reports_what_was_done_so_far() {
        let report = Mutex::new(KeepAliveReport::default());
        assert_eq!(wait_ended(WaitEnded::TimedOut, &report).unwrap_err().code(), ErrorCode::Timeout);
        report.lock().unwrap().seen = 1;
        assert_eq!(wait_ended(WaitEnded::TimedOut, &report).unwrap().seen, 1);
        assert_eq!(wait_ended(WaitEnded::Cancelled, &report).unwrap_err().code(), ErrorCode::Cancelled);
    }
}
