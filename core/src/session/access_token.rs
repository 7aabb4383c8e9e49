//! One caller's request for an access token: what to do is decided again each time a reload or
//! refresh has finished.

use std::sync::Arc;
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Result};
use protocol::refresh::action::Goal;
use protocol::refresh::local_state::{Attempted, Decision, TokenRequirements};
use protocol::secret::AccessToken;
use protocol::wait_ended::WaitEnded;

use super::session::Session;
use super::single_flight::{AccountState, Completion, Waiter, WaitsFor};
use crate::task::call_options::CallOptions;
use crate::task::task::{Completer, Task};

/// A call gives up after this many refreshes: other processes keep replacing the tokens.
const MAX_REFRESHES: u32 = 16;

/// See the module.
pub(super) struct AccessTokenRequest {
    session: Arc<Session>,
    requirements: TokenRequirements,
    timeout: Duration,
    attempted: Attempted,
    refreshes: u32,
    completer: Completer<AccessToken>,
}

impl AccessTokenRequest {
    pub(super) fn start(session: &Arc<Session>, min_validity: Duration, options: &CallOptions) -> Task<AccessToken> {
        let requirements = session.requirements(min_validity);
        let waited = Arc::clone(session);
        let (task, request) = Self::new(session, requirements, options, move |why| match (why, waited.usable(requirements)) {
            (WaitEnded::TimedOut, Some(token)) => Ok(token),
            _ => Err(wait_ended(why, waited.state().waits_for())),
        });
        request.proceed();
        task
    }

    /// A token from a refresh that begins now.
    pub(super) fn start_forced(session: &Arc<Session>, options: &CallOptions) -> Task<AccessToken> {
        let account_state = session.state();
        let requirements = session.requirements(Duration::ZERO);
        let (task, request) = Self::new(session, requirements, options, move |why| Err(wait_ended(why, account_state.waits_for())));
        request.force();
        task
    }

    fn new(
        session: &Arc<Session>,
        requirements: TokenRequirements,
        options: &CallOptions,
        wait_ended: impl Fn(WaitEnded) -> Result<AccessToken> + Send + Sync + 'static,
    ) -> (Task<AccessToken>, Self) {
        let (task, completer) = Task::new(options, move |why, _| wait_ended(why));
        let session = Arc::clone(session);
        let request = Self { session, requirements, timeout: options.timeout, attempted: Attempted::Nothing, refreshes: 0, completer };
        (task, request)
    }

    fn proceed(mut self) {
        if self.completer.is_complete() {
            return;
        }
        let now = self.session.now();
        match self.session.state().read(|local| local.decision(self.requirements, self.attempted, now)) {
            Decision::Use => self.use_current(),
            // Nobody waits for what is not needed yet.
            Decision::UseAndRefresh => {
                let session = Arc::clone(&self.session);
                let goal = Goal::Refresh(self.requirements);
                self.use_current();
                let driver = session.driver(CallOptions::DEFAULT_TIMEOUT);
                session.state().begin(goal, |goal, report| driver.run(goal, report));
            }
            Decision::Fail(error) => self.completer.complete(Err(error)),
            Decision::Reload => {
                let while_in_time = self.session.usable(self.requirements).is_some();
                self.join(Goal::Reload, while_in_time);
            }
            Decision::Refresh if self.refreshes == MAX_REFRESHES => self.completer.complete(Err(too_many_refreshes())),
            Decision::Refresh => {
                self.refreshes += 1;
                let goal = Goal::Refresh(self.requirements);
                self.join(goal, false);
            }
        }
    }

    fn use_current(self) {
        match self.session.current() {
            Some(token) => self.completer.complete(Ok(token)),
            // A logout was first.
            None => self.proceed(),
        }
    }

    fn join(self, goal: Goal, while_in_time: bool) {
        let reloads = matches!(goal, Goal::Reload);
        let driver = self.session.driver(self.timeout);
        let account_state = self.session.state();
        let report = Box::new(move |completion| self.joined(completion, reloads));
        account_state.join(goal, Waiter { while_in_time, report }, |goal, report| driver.run(goal, report));
    }

    fn joined(mut self, completion: Completion, reloads: bool) {
        match completion {
            Completion::Finished { outcome: Ok(refreshed), .. } => {
                let attempted = if reloads {
                    Attempted::Reload
                } else if refreshed {
                    Attempted::Refresh
                } else {
                    Attempted::Operation
                };
                self.attempted = self.attempted.max(attempted);
                self.proceed();
            }
            // Whatever failed: a token that may still be used is.
            Completion::Finished { outcome: Err(error), .. } => {
                let token = self.session.usable(self.requirements);
                self.completer.complete(token.ok_or(error));
            }
            Completion::Delayed => match self.session.usable(self.requirements) {
                Some(token) => self.completer.complete(Ok(token)),
                None => self.join(Goal::Reload, false),
            },
        }
    }

    fn force(self) {
        let driver = self.session.driver(self.timeout);
        let account_state = self.session.state();
        let report = Box::new(move |completion| self.forced(completion));
        account_state.join(Goal::ForceRefresh, Waiter { while_in_time: false, report }, |goal, report| driver.run(goal, report));
    }

    fn forced(mut self, completion: Completion) {
        match completion {
            // The refresh that was in progress found that none was needed, which is not what this
            // caller asks for.
            Completion::Finished { forced: false, outcome: Ok(false) } if self.refreshes < MAX_REFRESHES => {
                self.refreshes += 1;
                self.force();
            }
            Completion::Finished { outcome: Ok(_), .. } => {
                self.attempted = Attempted::Refresh;
                self.proceed();
            }
            Completion::Finished { outcome: Err(error), .. } => self.completer.complete(Err(error)),
            Completion::Delayed => self.force(),
        }
    }
}

fn too_many_refreshes() -> Error {
    Error::new(ErrorCode::Busy, "other processes keep refreshing this login; try again")
}

/// What a caller is told that stops waiting while there is no token to use.
pub(super) fn wait_ended(why: WaitEnded, waits_for: WaitsFor) -> Error {
    match why {
        WaitEnded::Cancelled => {
            Error::new(ErrorCode::Cancelled, "cancelled; the operation for this login continues, and the next call finds its outcome")
        }
        _ => Error::new(
            ErrorCode::Timeout,
            format!(
                "the call's timeout elapsed: {}; the operation for this login continues, and the next call finds its outcome",
                waits_for.as_str()
            ),
        ),
    }
}

/// A task for an operation whose outcome is not an access token.
pub(super) fn task<T: Send + 'static>(options: &CallOptions, account_state: Arc<AccountState>) -> (Task<T>, Completer<T>) {
    Task::new(options, move |why, _| Err(wait_ended(why, account_state.waits_for())))
}
