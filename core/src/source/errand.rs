//! What a caller wants of a source, from the asking to the outcome: judged again each time something has come in.

use std::sync::Arc;
use std::time::Duration;

use super::lanes::{Landed, Lane, Waiter, WaitsFor};
use super::token_source::TokenSource;
use crate::call::Call;
use crate::error::{Error, ErrorCode, Result};
use crate::oauth::grant::GivenUp;
use crate::refresh::known::{Demand, Done, Judgement};
use crate::refresh::step::Goal;
use crate::running::{Outcome, Running};
use crate::secret::AccessToken;

/// More flights than this within one call help nobody: something renews and loses in turn.
const MOST_FLIGHTS: u32 = 16;

/// A caller's way to an access token.
pub(super) struct Errand {
    source: TokenSource,
    demand: Demand,
    timeout: Duration,
    done: Done,
    flights: u32,
    outcome: Outcome<AccessToken>,
}

impl Errand {
    /// An access token for this call.
    pub(super) fn start(source: &TokenSource, call: &Call) -> Running<AccessToken> {
        let left_with = source.clone();
        let demand = source.demand(call);
        let (running, errand) = Self::new(source, call, move |why| left_with.given_up(why, demand));
        errand.proceed();
        running
    }

    /// A renewed one.
    pub(super) fn start_forced(source: &TokenSource, call: &Call) -> Running<AccessToken> {
        let lane = source.lane();
        let (running, errand) = Self::new(source, call, move |why| Err(stopped_waiting(why, lane.waits_for())));
        errand.force();
        running
    }

    fn new(
        source: &TokenSource,
        call: &Call,
        given_up: impl Fn(GivenUp) -> Result<AccessToken> + Send + Sync + 'static,
    ) -> (Running<AccessToken>, Self) {
        let (running, outcome) = Running::new(move |why, _| given_up(why));
        let demand = source.demand(call);
        (running, Self { source: source.clone(), demand, timeout: call.timeout, done: Done::Nothing, flights: 0, outcome })
    }

    fn proceed(mut self) {
        if self.outcome.is_settled() {
            return;
        }
        let now = self.source.now();
        match self.source.lane().read(|known| known.judge(self.demand, self.done, now)) {
            Judgement::Give => self.give(),
            // Nobody waits for what is not needed yet.
            Judgement::GiveAndRefresh => {
                let source = self.source.clone();
                let goal = Goal::Renew(self.demand);
                self.give();
                source.lane().begin(goal, source.pilot(Call::DEFAULT_TIMEOUT));
            }
            Judgement::Refuse(error) => self.outcome.put(Err(error)),
            Judgement::Look => {
                let while_in_time = self.source.usable(self.demand).is_some();
                self.fly(Goal::Look, while_in_time);
            }
            Judgement::Refresh if self.flights == MOST_FLIGHTS => self.outcome.put(Err(restless())),
            Judgement::Refresh => {
                self.flights += 1;
                let goal = Goal::Renew(self.demand);
                self.fly(goal, false);
            }
        }
    }

    fn give(self) {
        match self.source.held() {
            Some(token) => self.outcome.put(Ok(token)),
            // A logout came in between.
            None => self.proceed(),
        }
    }

    fn fly(self, goal: Goal, while_in_time: bool) {
        let looking = matches!(goal, Goal::Look);
        let source = self.source.clone();
        let timeout = self.timeout;
        let told = Box::new(move |landed| self.landed(landed, looking));
        source.lane().join(goal, source.pilot(timeout), Waiter { while_in_time, told });
    }

    fn landed(mut self, landed: Landed, looking: bool) {
        match landed {
            Landed::Ended { outcome: Ok(renewed), .. } => {
                let done = if looking {
                    Done::Looked
                } else if renewed {
                    Done::Renewed
                } else {
                    Done::Flown
                };
                self.done = self.done.max(done);
                self.proceed();
            }
            // Whatever is down: a token that may still be handed out is.
            Landed::Ended { outcome: Err(error), .. } => {
                let token = self.source.usable(self.demand);
                self.outcome.put(token.ok_or(error));
            }
            Landed::Late => match self.source.usable(self.demand) {
                Some(token) => self.outcome.put(Ok(token)),
                None => self.fly(Goal::Look, false),
            },
        }
    }

    fn force(self) {
        let source = self.source.clone();
        let timeout = self.timeout;
        let told = Box::new(move |landed| self.forced(landed));
        source.lane().join(Goal::Force, source.pilot(timeout), Waiter { while_in_time: false, told });
    }

    fn forced(mut self, landed: Landed) {
        match landed {
            // It found that nothing need be done, which is not what was asked here.
            Landed::Ended { forced: false, outcome: Ok(false) } if self.flights < MOST_FLIGHTS => {
                self.flights += 1;
                self.force();
            }
            Landed::Ended { outcome: Ok(_), .. } => {
                self.done = Done::Renewed;
                self.proceed();
            }
            Landed::Ended { outcome: Err(error), .. } => self.outcome.put(Err(error)),
            Landed::Late => self.force(),
        }
    }
}

fn restless() -> Error {
    Error::new(ErrorCode::Busy, "the login is renewed by others faster than it can be used; try again")
}

/// What a caller is told who stops waiting while nothing can be handed out.
pub(super) fn stopped_waiting(why: GivenUp, waits_for: WaitsFor) -> Error {
    match why {
        GivenUp::Cancelled => {
            Error::new(ErrorCode::Cancelled, "cancelled; what is under way for this login goes on, and the next call finds what it brings")
        }
        GivenUp::TimedOut => Error::new(
            ErrorCode::Timeout,
            format!(
                "the call's timeout ran out: {}; what is under way for this login goes on, and the next call finds what it brings",
                waits_for.as_str()
            ),
        ),
    }
}

/// For those that wait for something else than a token.
pub(super) fn given_up<T: Send + 'static>(lane: Arc<Lane>) -> (Running<T>, Outcome<T>) {
    Running::new(move |why, _| Result::Err(stopped_waiting(why, lane.waits_for())))
}
