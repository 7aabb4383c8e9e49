//! Checks the invariants at every step of a small world.

use sipgate_oauth2_protocol::refresh::record::{Record, State, Stored};

use super::invariants::{Invariant, UnavoidableLoss};
use super::setup::Setup;
use super::world::{LIFETIME, LOGGING_IN, MARGIN, Pending, Purpose, Response, StoreState, World, number, token_of};

impl World {
    pub(super) fn violate(&mut self, invariant: Invariant) {
        self.violated.get_or_insert(invariant);
    }

    /// From here on, a server with strict rotation may end the login.
    pub(super) fn allow_loss(&mut self, unavoidable: UnavoidableLoss) {
        if self.server.is_strict() {
            self.unavoidable.get_or_insert(unavoidable);
        }
    }

    /// A refresh is sent.
    pub(super) fn check_sending(&mut self, record: &Record, owner: &str) {
        let stored = self.stored().map(|stored| &*stored.record);
        let is_claimed_by_sender = stored.is_some_and(|stored| stored.claimed_by(owner) && stored.refresh_token == record.refresh_token);
        if !is_claimed_by_sender {
            self.violate(Invariant::SentUnderOwnClaim);
        }
    }

    /// A revocation is sent.
    pub(super) fn check_revoking(&mut self, token: u8) {
        let tombstone =
            self.stored().map(|stored| &*stored.record).filter(|stored| stored.is_logged_out() && token_of(stored) == Some(token));
        let claim = tombstone.and_then(|tombstone| tombstone.claim.as_ref());
        let mut running = self.processes.iter().flat_map(|process| process.operations.iter().flatten());
        let is_claimed = running
            .any(|running| claim.is_some_and(|claim| claim.owner == running.owner) && matches!(running.pending, Pending::Request { .. }));
        // No request outlives its lease, unless its process was stopped.
        if tombstone.is_none() || (is_claimed && self.unavoidable.is_none()) {
            self.violate(Invariant::OnlyTombstoneRevoked);
        }
    }

    /// A revocation has reached the server. It ends every login in the browser's session: also one
    /// that was made after the logout's last load, or whose tokens are not stored yet.
    pub(super) fn allow_raced_logout(&mut self, token: u8) {
        let same = |other: u8| self.server.share_session(token, other);
        let stored = self.stored().filter(|stored| !stored.record.is_logged_out()).and_then(|stored| token_of(&stored.record));
        let mut arriving = self.processes.iter().filter_map(|process| process.operations[LOGGING_IN].as_ref());
        let on_the_way = arriving.any(|running| {
            let is_reported = match running.pending {
                Pending::Request { response: Some(Response::Tokens(token)), .. } => Some(token),
                _ => running.obtained,
            };
            is_reported.is_some_and(same)
        });
        if self.server.can_revoke(token) && (on_the_way || stored.is_some_and(same)) {
            self.unavoidable.get_or_insert(UnavoidableLoss::RacedLogout);
        }
    }

    /// A login is reported as successful.
    pub(super) fn check_login_reported(&mut self, token: u8) {
        if self.durable & (1 << token) == 0 {
            self.violate(Invariant::DurableBeforeHandedOut);
        }
    }

    /// A caller gets this record's access token.
    pub(super) fn check_hand_out(&mut self, setup: &Setup, process: usize, record: &Record, unsaved: bool) {
        let Some(tokens) = &record.tokens else { return self.violate(Invariant::NoExpiredToken) };
        let token = number(tokens.access_token().reveal());
        if self.durable & (1 << token) == 0 && !unsaved {
            self.violate(Invariant::DurableBeforeHandedOut);
        }
        // A clock that is behind makes a loaded token look younger than it is.
        let misled = process == 1 && setup.skew < 0;
        if self.is_expired(setup, token) && !misled {
            self.violate(Invariant::NoExpiredToken);
        }
        let was_refused = self.refused.iter().any(|(refused, at)| *refused == token && *at < self.time);
        if self.is_known_to_be_bad(record) || (was_refused && self.store.state != StoreState::Down) {
            self.violate(Invariant::NoRefusedIdToken);
        }
        let ended = self.ended.iter().any(|(grant, time)| *grant == record.grant_id && *time < self.time);
        if ended && self.store.state != StoreState::Down {
            self.violate(Invariant::NoTokenOfEndedLogin);
        }
    }

    /// Whether the record has an access token beside a bad ID token, which was judged.
    fn is_known_to_be_bad(&self, record: &Record) -> bool {
        let token = record.tokens.as_ref().map(|tokens| number(tokens.access_token().reveal()));
        record.unjudged.is_none() && token.is_some_and(|token| self.server.notes(token).bad)
    }

    /// I13: a caller begins to wait for a refresh.
    pub(super) fn check_waiting(&mut self, setup: &Setup, process: usize) {
        let is_known = setup.skew == 0 && setup.budget.refusals == 0;
        let record = self.processes[process].local.record().filter(|record| is_known && record.is_active());
        // The age that a process can know: since the request was sent.
        let age = record.filter(|record| record.tokens.is_some()).map(|record| self.now(setup, process).wall - record.sent_at);
        if age.is_some_and(|age| age < i64::from(LIFETIME - MARGIN) * 1000) {
            self.violate(Invariant::NoNeedlessWait);
        }
    }

    /// The server may have seen a refresh token for the second time.
    pub(super) fn check_server(&mut self) {
        if self.server.reuses > 0 && !self.had_fault {
            self.violate(Invariant::OneRequestPerGeneration);
        }
        if self.server.reuses > 0 && self.unavoidable.is_none() {
            self.violate(Invariant::NextProcessSucceeds);
        }
    }

    /// No owner sends the same token again while its abandoned request may still be processed.
    pub(super) fn check_claim(&mut self, owner: &str, token: u8) {
        if self.abandoned.iter().any(|(abandoned_request, of)| *abandoned_request == Purpose::Refresh(token) && of == owner) {
            self.violate(Invariant::OneRequestPerClaim);
        }
    }

    /// The store was written.
    pub(super) fn check_store(&mut self, before: Option<&Stored>) {
        let after = self.stored().cloned();
        let Some(before) = before else { return self.note_store(None) };
        let Some(after) = after else {
            self.note_store(Some(&before.record));
            return self.violate(Invariant::CredentialsKept);
        };
        let (old, new) = (&*before.record, &*after.record);
        // A tombstone may get a newer token of the same generation, which is to be revoked.
        let must_rise = !new.is_logged_out() && token_of(new) != token_of(old);
        if new.generation < old.generation || (must_rise && new.generation == old.generation) {
            self.violate(Invariant::GenerationsGoUp);
        }
        match (token_of(old), token_of(new)) {
            (Some(old_token), Some(new_token)) if old.grant_id == new.grant_id => {
                let follows = old_token == new_token || self.server.parent(new_token) == Some(old_token);
                if !follows && !self.had_fault {
                    self.violate(Invariant::OnlySuccessorsReplace);
                }
            }
            (Some(old_token), None) => {
                if !new.is_logged_out() {
                    self.violate(Invariant::CredentialsKept);
                } else if !old.is_logged_out() {
                    if !self.server.has_ended_by_itself(old_token) {
                        self.violate(Invariant::OnlyEndedSessions);
                    }
                } else if self.server.is_alive(old_token) && self.unavoidable.is_none() {
                    self.violate(Invariant::LogoutEndsSession);
                }
            }
            _ => {}
        }
        if let (State::Rejected { .. }, false) = (&new.state, matches!(old.state, State::Rejected { .. })) {
            let refused = token_of(new).is_some_and(|token| self.server.notes(token).refused);
            if !refused || !old.same_revision(new) {
                self.violate(Invariant::RejectedOnlyByServer);
            }
        }
        if old.grant_id != new.grant_id && new.identity.is_none() && old.identity.is_some() {
            self.violate(Invariant::OnlyJudgedLogins);
        }
        // Even after a fault, no token is replaced by its predecessor.
        if let (Some(old_token), Some(new_token)) = (token_of(old), token_of(new))
            && old_token != new_token
            && self.server.descends(old_token, new_token)
        {
            self.violate(Invariant::OnlySuccessorsReplace);
        }
        let access_token = |record: &Record| record.tokens.as_ref().map(|tokens| number(tokens.access_token().reveal()));
        let stored = access_token(new).filter(|token| self.refused.iter().any(|(refused, _)| refused == token));
        // After a lost write, a process restores a newer record that was judged meanwhile.
        let has_lost = self.unavoidable == Some(UnavoidableLoss::WriteLost);
        if (stored.is_some() && !has_lost) || self.is_known_to_be_bad(new) {
            self.violate(Invariant::NoRefusedIdToken);
        }
        if let (Some(token), None, true) = (access_token(old), access_token(new), new.is_active()) {
            self.refused.push((token, self.time));
            self.refused.sort();
        }
        self.note_store(Some(old));
    }

    /// Notes which tokens were stored, and which grants have ended.
    pub(super) fn note_store(&mut self, old: Option<&Record>) {
        let Some(new) = self.stored().map(|stored| stored.record.clone()) else { return };
        if let Some(tokens) = &new.tokens {
            self.durable |= 1 << number(tokens.access_token().reveal());
        }
        let mut end = |grant: &str| {
            if !self.ended.iter().any(|(ended, _)| ended == grant) {
                self.ended.push((grant.to_owned(), self.time));
                self.ended.sort();
            }
        };
        if new.is_logged_out() {
            end(&new.grant_id);
        }
        if let Some(old) = old.filter(|old| old.grant_id != new.grant_id) {
            end(&old.grant_id);
        }
        if !new.is_logged_out() {
            self.ended.retain(|(grant, _)| *grant != new.grant_id);
        }
    }

    /// Time is about to pass: an owner that is stopped may lose its lease.
    pub(super) fn allow_stopped_owner(&mut self, setup: &Setup) {
        if self.processes.iter().any(|process| process.stopped && process.is_logging_in()) {
            self.allow_loss(UnavoidableLoss::Stopped);
        }
        if setup.exclusion.is_lock() {
            return;
        }
        if self.processes.iter().any(|process| process.stopped && process.could_lose_login()) {
            self.allow_loss(UnavoidableLoss::Stopped);
        }
    }
}
