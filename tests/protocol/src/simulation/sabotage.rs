//! Makes the planted mistake, around the real decisions.

use std::sync::Arc;

use sipgate_oauth2_protocol::refresh::action::{Action, Observation};
use sipgate_oauth2_protocol::refresh::record::{Record, State, Stored};
use sipgate_oauth2_protocol::refresh::reply::Reply;

use super::planted::Planted;
use super::records::token_of;
use super::world::{Kind, RequestState, World};
use crate::mistakes;

impl World<'_> {
    pub(super) fn sabotage_observation(&mut self, id: u64, observation: Observation) -> Observation {
        let Some(running) = self.operations.get(&id) else { return observation };
        match (self.planted, observation) {
            (Some(Planted::ReplayAfterTimeout), Observation::Replied(Reply::OutcomeUnknown(error))) => {
                Observation::Replied(Reply::ConnectionLost(error))
            }
            (Some(Planted::ShortLease), Observation::Loaded(Some(mut found))) if !found.record.claimed_by(&running.owner) => {
                if let Some(claim) = &mut Arc::make_mut(&mut found.record).claim {
                    claim.lease_milliseconds = 3_000;
                }
                Observation::Loaded(Some(found))
            }
            (Some(Planted::TrustFreeLock), Observation::Loaded(Some(found))) => {
                Observation::Loaded(Some(Stored { owner_has_exited: true, ..found }))
            }
            (Some(Planted::NoReload), Observation::Loaded(found)) => {
                let refused = running.request.is_some_and(|request| self.requests[request].state == RequestState::Finished);
                Observation::Loaded(running.loaded.clone().filter(|_| refused).unwrap_or(found))
            }
            (Some(Planted::ForgetUnconfirmedLogout), Observation::Revoked(_)) => Observation::Revoked(Ok(())),
            (Some(Planted::RevokeWithoutReload), Observation::Loaded(found)) if running.kind == Kind::LogOut => {
                let tombstone = running.loaded.clone().filter(|loaded| loaded.as_ref().is_some_and(|loaded| loaded.record.is_logged_out()));
                Observation::Loaded(tombstone.unwrap_or(found))
            }
            (Some(Planted::SwapWithoutVersion), Observation::Loaded(found)) if running.kind == Kind::Save => {
                Observation::Loaded(running.loaded.clone().unwrap_or(found))
            }
            (Some(Planted::DropBadIdToken), Observation::Replied(Reply::Tokens(received))) => {
                Observation::Replied(if token_of(&received).is_some_and(|token| self.server.notes(token).bad) {
                    mistakes::dropped()
                } else {
                    Reply::Tokens(received)
                })
            }
            (Some(Planted::HandOutBeforeCommit), Observation::Replied(Reply::Tokens(received))) => {
                if let (Ok(tokens), Kind::Refresh, Some(Some(found))) = (&received.tokens, running.kind, &running.loaded) {
                    let early = Record {
                        generation: found.record.generation + 1,
                        tokens: Some(tokens.clone()),
                        sent_at: received.sent.wall,
                        ..(*found.record).clone()
                    };
                    let (process, account, moment) = (running.process, running.account, self.moment(running.process));
                    self.processes[process].account_states[account].local.hold_unsaved(early, moment);
                    self.notify_waiters(id, &Ok(true));
                }
                Observation::Replied(Reply::Tokens(received))
            }
            (_, observation) => observation,
        }
    }

    pub(super) fn sabotage_action(&mut self, id: u64, action: Action) -> Action {
        let Some(running) = self.operations.get(&id) else { return action };
        match (self.planted, action) {
            (Some(Planted::NoReload), Action::Swap { record, .. }) if matches!(record.state, State::Rejected { .. }) => {
                Action::Swap { expected: self.store.load(running.account).map(|stored| stored.version.clone()), record }
            }
            (Some(Planted::JudgeWithoutVersion), Action::Swap { record, .. }) if running.kind == Kind::Judgement => {
                Action::Swap { expected: self.store.load(running.account).map(|stored| stored.version.clone()), record }
            }
            (Some(Planted::SwapWithoutVersion), Action::Swap { record, .. }) if running.kind == Kind::Save => {
                Action::Swap { expected: self.store.load(running.account).map(|stored| stored.version.clone()), record }
            }
            (Some(Planted::DeleteOnInvalidGrant), Action::Swap { expected, record }) if matches!(record.state, State::Rejected { .. }) => {
                let record = Record { state: State::LoggedOut, refresh_token: None, tokens: None, ..(*record).clone() };
                Action::Swap { expected, record: record.into() }
            }
            (_, action) => action,
        }
    }
}
