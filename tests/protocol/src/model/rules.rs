//! What must hold in every state, and what may end a login by nature.

use super::setup::Setup;
use super::world::{ARRIVING, Answer, Ask, LIFE, MARGIN, Pending, StoreState, World, number, token_of};
use sipgate_oauth2_protocol::refresh::record::{Record, State, Stored};

/// The invariants of the protocol, as far as this world can break them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    /// I1
    SentUnderOwnClaim,
    /// I2
    DurableBeforeHandedOut,
    /// I3
    GenerationsGoUp,
    /// I3
    OnlyAChildReplaces,
    /// I5
    NothingForgotten,
    /// I6
    DeadOnlyWhenRefused,
    /// I7
    OneRequestPerClaim,
    /// I10, and the server's own count
    OneRequestPerGeneration,
    /// I4, I5 and I8: whoever comes next gets a token
    LoginLives,
    /// I9
    NothingOfAnEndedLogin,
    /// The hard limit
    NothingOver,
    /// The soft limit
    GivenAtOnce,
    /// A logout that reports success has ended the session
    LogoutEndsSession,
    /// A logout ends nothing but what it has buried
    OnlyTheBuriedRevoked,
}

impl Rule {
    pub(super) const ALL: [Self; 14] = [
        Self::SentUnderOwnClaim,
        Self::DurableBeforeHandedOut,
        Self::GenerationsGoUp,
        Self::OnlyAChildReplaces,
        Self::NothingForgotten,
        Self::DeadOnlyWhenRefused,
        Self::OneRequestPerClaim,
        Self::OneRequestPerGeneration,
        Self::LoginLives,
        Self::NothingOfAnEndedLogin,
        Self::NothingOver,
        Self::GivenAtOnce,
        Self::LogoutEndsSession,
        Self::OnlyTheBuriedRevoked,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SentUnderOwnClaim => "I1: a refresh token is sent only under a claim of ours that is still there",
            Self::DurableBeforeHandedOut => "I2: no token is handed out, and no login reported, before it is stored",
            Self::GenerationsGoUp => "I3: the generation never goes down, and goes up with the tokens",
            Self::OnlyAChildReplaces => "I3: a token set is replaced only by its child or by a login",
            Self::NothingForgotten => "I5: credentials are never lost but by a finished logout",
            Self::DeadOnlyWhenRefused => "I6: dead is only what the server refused",
            Self::OneRequestPerClaim => "I7: at most one request is in flight per claim",
            Self::OneRequestPerGeneration => "I10: without a fault, each refresh token is sent once",
            Self::LoginLives => "I4, I5, I8: whoever comes next gets a token",
            Self::NothingOfAnEndedLogin => "I9: no token of a login that has ended",
            Self::NothingOver => "no token past its end is handed out",
            Self::GivenAtOnce => "nobody waits for a refresh who may have the token that is there",
            Self::LogoutEndsSession => "a finished logout has ended the session",
            Self::OnlyTheBuriedRevoked => "a logout ends what is still its tombstone's, and nobody's refresh under way",
        }
    }
}

/// Why a server that rotates strictly may end a login, whatever the client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Nature {
    /// Killed between the request and the commit.
    Killed,
    /// The answer was lost.
    AnswerLost,
    /// The request was given up while the server was still at it.
    GivenUp,
    /// Stopped for longer than the lease, between the request and the commit.
    Stopped,
    /// The store lost a write, and somebody came who does not know of it.
    WriteLost,
    /// Somebody logged in with the same browser while the server was asked to end its session.
    RacedLogout,
    /// Several faults at once.
    TwoFaults,
}

impl Nature {
    pub(super) const ALL: [Self; 7] =
        [Self::Killed, Self::AnswerLost, Self::GivenUp, Self::Stopped, Self::WriteLost, Self::RacedLogout, Self::TwoFaults];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Killed => "killed before the commit",
            Self::AnswerLost => "answer lost",
            Self::GivenUp => "worked off late",
            Self::Stopped => "stopped past the lease",
            Self::WriteLost => "write lost",
            Self::RacedLogout => "logout raced the login",
            Self::TwoFaults => "two faults",
        }
    }
}

impl World {
    pub(super) fn breaks(&mut self, rule: Rule) {
        self.broken.get_or_insert(rule);
    }

    /// From here on a strict server may end the login.
    pub(super) fn excuse(&mut self, nature: Nature) {
        if self.server.is_strict() {
            self.nature.get_or_insert(nature);
        }
    }

    /// A refresh leaves.
    pub(super) fn check_sending(&mut self, record: &Record, owner: &str) {
        let there = self.stored().map(|there| &*there.record);
        let is_ours = there.is_some_and(|there| there.claimed_by(owner) && there.refresh_token == record.refresh_token);
        if !is_ours {
            self.breaks(Rule::SentUnderOwnClaim);
        }
    }

    /// A revocation leaves.
    pub(super) fn check_revoking(&mut self, token: u8) {
        let tomb = self.stored().map(|there| &*there.record).filter(|there| there.is_logged_out() && token_of(there) == Some(token));
        let claim = tomb.and_then(|tomb| tomb.claim.as_ref());
        let mut running = self.processes.iter().flat_map(|process| process.flights.iter().flatten());
        let is_claimed = running
            .any(|running| claim.is_some_and(|claim| claim.owner == running.owner) && matches!(running.pending, Pending::Request { .. }));
        // Nobody's request lasts longer than a lease, but for whom was stopped.
        if tomb.is_none() || (is_claimed && self.nature.is_none()) {
            self.breaks(Rule::OnlyTheBuriedRevoked);
        }
    }

    /// A revocation has reached the server. It ends every login of the browser: also one that came
    /// after the logout's last look, or whose tokens were got before and are not stored yet.
    pub(super) fn excuse_race(&mut self, token: u8) {
        let same = |other: u8| self.server.share_session(token, other);
        let there = self.stored().filter(|there| !there.record.is_logged_out()).and_then(|there| token_of(&there.record));
        let mut arriving = self.processes.iter().filter_map(|process| process.flights[ARRIVING].as_ref());
        let on_the_way = arriving.any(|running| {
            let answered = match running.pending {
                Pending::Request { answer: Some(Answer::Tokens(token)), .. } => Some(token),
                _ => running.brought,
            };
            answered.is_some_and(same)
        });
        if self.server.can_revoke(token) && (on_the_way || there.is_some_and(same)) {
            self.nature.get_or_insert(Nature::RacedLogout);
        }
    }

    /// A login's end is told as a success.
    pub(super) fn check_arrival(&mut self, token: u8) {
        if self.durable & (1 << token) == 0 {
            self.breaks(Rule::DurableBeforeHandedOut);
        }
    }

    /// A caller gets the access token of this record.
    pub(super) fn check_handing_out(&mut self, setup: &Setup, process: usize, record: &Record, unsaved: bool) {
        let Some(tokens) = &record.tokens else { return self.breaks(Rule::NothingOver) };
        let token = number(tokens.access_token().reveal());
        if self.durable & (1 << token) == 0 && !unsaved {
            self.breaks(Rule::DurableBeforeHandedOut);
        }
        // By a clock that is behind, what was met in the store is younger than it is.
        let misled = process == 1 && setup.skew < 0;
        if self.is_over(setup, token) && !misled {
            self.breaks(Rule::NothingOver);
        }
        let ended = self.ended.iter().any(|(grant, time)| *grant == record.grant_id && *time < self.time);
        if ended && self.store.state != StoreState::Down {
            self.breaks(Rule::NothingOfAnEndedLogin);
        }
    }

    /// A caller waits for a refresh.
    pub(super) fn check_waiting(&mut self, setup: &Setup, process: usize) {
        let is_known = setup.skew == 0 && setup.left.refusals == 0;
        let record = self.processes[process].known.record().filter(|record| is_known && record.is_active());
        // As far as anybody can know: from when they were asked for.
        let age = record.filter(|record| record.tokens.is_some()).map(|record| self.now(setup, process).wall - record.sent_at);
        if age.is_some_and(|age| age < i64::from(LIFE - MARGIN) * 1000) {
            self.breaks(Rule::GivenAtOnce);
        }
    }

    /// Somebody's refresh token arrived at the server for the second time, or was refused.
    pub(super) fn check_server(&mut self) {
        if self.server.reuses > 0 && !self.disturbed {
            self.breaks(Rule::OneRequestPerGeneration);
        }
        if self.server.reuses > 0 && self.nature.is_none() {
            self.breaks(Rule::LoginLives);
        }
    }

    /// No two requests go under one claim: what was given up may not be sent again by the same
    /// owner.
    pub(super) fn check_claim(&mut self, owner: &str, token: u8) {
        if self.orphans.iter().any(|(orphan, of)| *orphan == Ask::Refresh(token) && of == owner) {
            self.breaks(Rule::OneRequestPerClaim);
        }
    }

    /// What a write has made of the store.
    pub(super) fn check_store(&mut self, before: Option<&Stored>) {
        let after = self.stored().cloned();
        let Some(before) = before else { return self.note_store(None) };
        let Some(after) = after else {
            self.note_store(Some(&before.record));
            return self.breaks(Rule::NothingForgotten);
        };
        let (old, new) = (&*before.record, &*after.record);
        // A tombstone's token may be the newer one that somebody brought to be ended.
        let must_rise = !new.is_logged_out() && token_of(new) != token_of(old);
        if new.generation < old.generation || (must_rise && new.generation == old.generation) {
            self.breaks(Rule::GenerationsGoUp);
        }
        match (token_of(old), token_of(new)) {
            (Some(old_token), Some(new_token)) if old.grant_id == new.grant_id => {
                let follows = old_token == new_token || self.server.token(new_token).parent == Some(old_token);
                if !follows && !self.disturbed {
                    self.breaks(Rule::OnlyAChildReplaces);
                }
                // Even then nothing goes back to what it came of.
                if old_token != new_token && self.server.descends(old_token, new_token) {
                    self.breaks(Rule::OnlyAChildReplaces);
                }
            }
            (Some(old_token), None) => {
                if !new.is_logged_out() {
                    self.breaks(Rule::NothingForgotten);
                } else if self.server.is_alive(old_token) && self.nature.is_none() {
                    self.breaks(Rule::LogoutEndsSession);
                }
            }
            _ => {}
        }
        if let (State::Rejected { .. }, false) = (&new.state, matches!(old.state, State::Rejected { .. })) {
            let refused = token_of(new).is_some_and(|token| self.server.token(token).refused);
            if !refused || !old.same_revision(new) {
                self.breaks(Rule::DeadOnlyWhenRefused);
            }
        }
        self.note_store(Some(old));
    }

    /// Keeps the books of what was stored, and of what has ended.
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

    /// What time's passing means for what is under way.
    pub(super) fn excuse_waiting(&mut self, setup: &Setup) {
        if self.processes.iter().any(|process| process.stopped && process.is_logging_in()) {
            self.excuse(Nature::Stopped);
        }
        if setup.exclusion.is_lock() {
            return;
        }
        if self.processes.iter().any(|process| process.stopped && process.is_exposed()) {
            self.excuse(Nature::Stopped);
        }
    }
}
