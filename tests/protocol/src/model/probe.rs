//! Checks the main promise: if every process were killed now, the next process would still get a
//! token.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sipgate_oauth2_protocol::error::{Error, ErrorCode};
use sipgate_oauth2_protocol::refresh::action::{Action, Goal, Observation, OperationContext};
use sipgate_oauth2_protocol::refresh::local_state::{Attempted, Decision, LocalState, TokenRequirements};
use sipgate_oauth2_protocol::refresh::operation::Operation;
use sipgate_oauth2_protocol::refresh::record::{REQUEST_MILLISECONDS, Stored};
use sipgate_oauth2_protocol::refresh::reply::{Received, ReceivedIdToken, Reply};
use sipgate_oauth2_protocol::time::Moment;

use super::invariants::UnavoidableLoss;
use super::setup::{Exclusion, Setup};
use super::world::{BEAT, LEAP, World, account, digest, refresh_token, token_of, tokens};

/// More actions than a refresh takes without interference.
const ENOUGH: usize = 60;

/// Remembers the results by the states of store and server, and counts losses.
#[derive(Default)]
pub(super) struct Probe {
    responses: Mutex<HashMap<u64, bool>>,
    lost: [AtomicU64; UnavoidableLoss::ALL.len()],
}

impl Probe {
    /// Whether a new process gets a token, or there is no login.
    pub(super) fn succeeds(&self, setup: &Setup, world: &World) -> bool {
        let stored = world.stored();
        if stored.is_some_and(|stored| stored.record.is_logged_out()) {
            return true;
        }
        // The next login is told: nothing keeps a session that the server has ended.
        if stored.and_then(|stored| token_of(&stored.record)).is_some_and(|token| world.server.has_ended_by_itself(token)) {
            return true;
        }
        let observation = digest((world.store.entry.as_ref().map(|entry| entry.digest), &world.server, world.time));
        if let Some(response) = self.responses.lock().expect("no thread panics").get(&observation) {
            return *response;
        }
        let response = stored.is_some() && refreshes(setup, world);
        self.responses.lock().expect("no thread panics").insert(observation, response);
        response
    }

    /// Counts a state in which the login is lost unavoidably.
    pub(super) fn count(&self, setup: &Setup, world: &World) {
        let Some(unavoidable) = world.unavoidable else { return };
        if world.is_quiescent() && !self.succeeds(setup, world) {
            self.lost[unavoidable as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The number of states in which the login is lost, by cause.
    pub(super) fn lost(&self) -> impl Iterator<Item = (UnavoidableLoss, u64)> {
        UnavoidableLoss::ALL.into_iter().map(|unavoidable| (unavoidable, self.lost[unavoidable as usize].load(Ordering::Relaxed)))
    }
}

/// Whether a new process, alone and much later, can refresh the tokens.
fn refreshes(setup: &Setup, world: &World) -> bool {
    let mut world = world.clone();
    world.time += 3 * LEAP;
    let mut local = LocalState::default();
    let now = |world: &World| -> Moment { world.now(setup, 0) };
    let requirements = TokenRequirements { min_validity: 0, recheck: 1000, early_refresh: None, credentials: 0, due: None };
    let context = OperationContext {
        account: account(),
        owner: "new".into(),
        process: 999,
        started: None,
        instance: "new".into(),
        jitter: 0,
        patience: 1_000_000,
        credentials: 0,
        request_timeout: REQUEST_MILLISECONDS,
    };
    let mut operation = Operation::new(Goal::Refresh(requirements), context, now(&world));
    let mut waits = [LEAP].into_iter().chain(std::iter::repeat(BEAT));
    let mut observation = Observation::Begun;
    for step in 0..ENOUGH {
        observation = match operation.decide(&mut local, observation, now(&world)) {
            Action::Load => Observation::Loaded(world.stored().map(|stored| Stored { owner_has_exited: true, ..stored.clone() })),
            Action::AcquirePermit => Observation::PermitAcquired { waited: false },
            Action::TryLock if setup.exclusion == Exclusion::Lease => Observation::NoLocks,
            Action::TryLock => Observation::Locked,
            Action::Swap { record, .. } => {
                let version = format!("new.{step}");
                world.store.entry = Some(Stored::new(version.clone(), record).into());
                Observation::Stored(version)
            }
            Action::Refresh(record) => {
                let sent = now(&world);
                let response = token_of(&record).and_then(|token| world.server.refresh(token, world.time));
                Observation::Replied(match response {
                    Some(token) => Reply::Tokens(Box::new(Received {
                        tokens: Ok(tokens(token, sent.wall)),
                        refresh_token: Some(refresh_token(token)),
                        sent,
                        id_token: ReceivedIdToken::Absent,
                    })),
                    None => Reply::Rejected(Error::new(ErrorCode::LoginRequired, "invalid_grant")),
                })
            }
            Action::Wait(_) => {
                world.time += waits.next().unwrap_or(BEAT);
                Observation::Waited
            }
            Action::Finish(Ok(true)) => {
                return matches!(local.decision(requirements, Attempted::Refresh, now(&world)), Decision::Use);
            }
            _ => return false,
        };
    }
    false
}
