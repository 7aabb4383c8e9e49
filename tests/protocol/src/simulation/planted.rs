//! Deliberate mistakes around the decisions, which the checks must find.

use super::world::{Fate, Kind, World};
use sipgate_oauth2_protocol::refresh::action::{Action, Observation};
use sipgate_oauth2_protocol::refresh::record::{Record, State, Stored};
use sipgate_oauth2_protocol::refresh::reply::Reply;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    HandOutEarly,
    ReplayAfterTimeout,
    ShortLease,
    BuryBlindly,
    DeleteWhenRefused,
    ForgetUnconfirmed,
    RevokeWithoutLook,
    SaveBlindly,
    /// Whoever gets the lock takes the owner of what was claimed under it for dead.
    FreeLockBelieved,
    /// A claim counts as watched while the store did not answer, and who takes it over does not
    /// wait for what its owner may hold.
    TakeoverAtOnce,
    /// A claim is as old as the store's answer to it.
    AgeTakenLate,
}

impl Planted {
    pub(super) const ALL: [Self; 11] = [
        Self::HandOutEarly,
        Self::ReplayAfterTimeout,
        Self::ShortLease,
        Self::BuryBlindly,
        Self::DeleteWhenRefused,
        Self::ForgetUnconfirmed,
        Self::RevokeWithoutLook,
        Self::SaveBlindly,
        Self::FreeLockBelieved,
        Self::TakeoverAtOnce,
        Self::AgeTakenLate,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HandOutEarly => "hand-out-early",
            Self::ReplayAfterTimeout => "replay-after-timeout",
            Self::ShortLease => "short-lease",
            Self::BuryBlindly => "bury-blindly",
            Self::DeleteWhenRefused => "delete-when-refused",
            Self::ForgetUnconfirmed => "forget-unconfirmed",
            Self::RevokeWithoutLook => "revoke-without-look",
            Self::SaveBlindly => "save-blindly",
            Self::FreeLockBelieved => "free-lock-believed",
            Self::TakeoverAtOnce => "takeover-at-once",
            Self::AgeTakenLate => "age-taken-late",
        }
    }
}

impl World<'_> {
    pub(super) fn spoil_observation(&mut self, id: u64, seen: Observation) -> Observation {
        let Some(pilot) = self.flights.get(&id) else { return seen };
        match (self.planted, seen) {
            (Some(Planted::ReplayAfterTimeout), Observation::Replied(Reply::OutcomeUnknown(error))) => {
                Observation::Replied(Reply::ConnectionLost(error))
            }
            (Some(Planted::ShortLease), Observation::Loaded(Some(mut found))) if !found.record.claimed_by(&pilot.owner) => {
                if let Some(claim) = &mut Arc::make_mut(&mut found.record).claim {
                    claim.lease_milliseconds = 3_000;
                }
                Observation::Loaded(Some(found))
            }
            (Some(Planted::FreeLockBelieved), Observation::Loaded(Some(found))) => {
                Observation::Loaded(Some(Stored { owner_has_exited: true, ..found }))
            }
            (Some(Planted::BuryBlindly), Observation::Loaded(found)) => {
                let refused = pilot.request.is_some_and(|request| self.requests[request].fate == Fate::Attempted);
                Observation::Loaded(pilot.loaded.clone().filter(|_| refused).unwrap_or(found))
            }
            (Some(Planted::ForgetUnconfirmed), Observation::Revoked(_)) => Observation::Revoked(Ok(())),
            (Some(Planted::RevokeWithoutLook), Observation::Loaded(found)) if pilot.kind == Kind::LogOut => {
                let tomb = pilot.loaded.clone().filter(|loaded| loaded.as_ref().is_some_and(|loaded| loaded.record.is_logged_out()));
                Observation::Loaded(tomb.unwrap_or(found))
            }
            (Some(Planted::SaveBlindly), Observation::Loaded(found)) if pilot.kind == Kind::Save => {
                Observation::Loaded(pilot.loaded.clone().unwrap_or(found))
            }
            (Some(Planted::HandOutEarly), Observation::Replied(Reply::Tokens(received))) => {
                if let (Ok(tokens), Kind::Renew, Some(Some(found))) = (&received.tokens, pilot.kind, &pilot.loaded) {
                    let early = Record {
                        generation: found.record.generation + 1,
                        tokens: Some(tokens.clone()),
                        sent_at: received.sent.wall,
                        ..(*found.record).clone()
                    };
                    let (process, account, moment) = (pilot.process, pilot.account, self.moment(pilot.process));
                    self.processes[process].lanes[account].known.hold_unsaved(early, moment);
                    self.wake(id, &Ok(true));
                }
                Observation::Replied(Reply::Tokens(received))
            }
            (_, seen) => seen,
        }
    }

    pub(super) fn spoil_action(&mut self, id: u64, action: Action) -> Action {
        let Some(pilot) = self.flights.get(&id) else { return action };
        match (self.planted, action) {
            (Some(Planted::BuryBlindly), Action::Swap { record, .. }) if matches!(record.state, State::Rejected { .. }) => {
                Action::Swap { expected: self.store.load(pilot.account).map(|stored| stored.version.clone()), record }
            }
            (Some(Planted::SaveBlindly), Action::Swap { record, .. }) if pilot.kind == Kind::Save => {
                Action::Swap { expected: self.store.load(pilot.account).map(|stored| stored.version.clone()), record }
            }
            (Some(Planted::DeleteWhenRefused), Action::Swap { expected, record }) if matches!(record.state, State::Rejected { .. }) => {
                let record = Record { state: State::LoggedOut, refresh_token: None, tokens: None, ..(*record).clone() };
                Action::Swap { expected, record: record.into() }
            }
            (_, action) => action,
        }
    }
}
