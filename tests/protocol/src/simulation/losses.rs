//! Logins that are lost, and why. What is not lost by nature is a failure.

use super::world::{Fate, Request, World, refresh_of};
use sipgate_oauth2_protocol::refresh::record::Record;

/// The login that a person believes to have.
#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) grant_id: String,
    session: usize,
    /// Since when.
    since: u64,
    /// Whether the store has ever had it.
    stored: bool,
}

/// Why a login was lost although nobody did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    EndedByServer,
    RefusedByServer,
    Killed,
    KilledUnderWay,
    AnswerLost,
    WorkedOffLate,
    StalledBeforeSending,
    StoppedOwner,
    SlowOwner,
    UnsavedKilled,
    StoreLostWrite,
    RacedLogout,
}

impl Cause {
    fn name(self) -> &'static str {
        match self {
            Self::EndedByServer => "session ended by the server",
            Self::RefusedByServer => "refused while the user was disabled",
            Self::Killed => "killed between processing and commit",
            Self::KilledUnderWay => "killed owner's request worked off after the next one",
            Self::AnswerLost => "answer lost",
            Self::WorkedOffLate => "given-up request worked off late",
            Self::StalledBeforeSending => "stopped between the last look and the first byte",
            Self::StoppedOwner => "owner stopped past its lease",
            Self::SlowOwner => "owner's store slow past its lease",
            Self::UnsavedKilled => "commit failing, and killed",
            Self::StoreLostWrite => "store lost a write",
            Self::RacedLogout => "logout raced the login",
        }
    }
}

impl World<'_> {
    /// The person has a new login.
    pub(super) fn logged_in(&mut self, account: usize, grant_id: &str, token: usize) {
        if self.people[account].login.as_ref().is_some_and(|login| login.grant_id == grant_id) {
            return;
        }
        let (now, session) = (self.now, self.server.token(token).session);
        // It may have ended while it was being stored.
        let person = &mut self.people[account];
        if person.ended.contains_key(grant_id) || !self.server.is_alive(session) {
            return;
        }
        if let Some(before) = person.login.take() {
            self.tally.login_time += now - before.since;
        }
        person.login = Some(Login { grant_id: grant_id.to_owned(), session, since: now, stored: false });
    }

    /// It is over, by somebody's will.
    pub(super) fn logged_out(&mut self, account: usize) {
        let person = &mut self.people[account];
        if let Some(login) = person.login.take() {
            self.tally.login_time += self.now - login.since;
            person.ended.insert(login.grant_id, self.now);
        }
    }

    /// The store has a new record.
    pub(super) fn note_stored_login(&mut self, account: usize, grant_id: &str) {
        if let Some(login) = &mut self.people[account].login
            && login.grant_id == grant_id
        {
            login.stored = true;
        }
    }

    pub(super) fn kill_session(&mut self, account: usize, session: usize, cause: Cause) {
        self.server.kill(session);
        if self.people[account].login.as_ref().is_some_and(|login| login.session == session) {
            self.lost(account, cause);
        }
    }

    /// A refresh token came to the server twice, and the session is over.
    pub(super) fn replayed(&mut self, token: usize, request: usize) {
        let account = self.requests[request].account;
        let session = self.server.token(token).session;
        let cause = self.cause(token, Some(request));
        let is_current = self.people[account].login.as_ref().is_some_and(|login| login.session == session);
        match cause {
            Ok(cause) if is_current => self.lost(account, cause),
            Ok(_) => {}
            Err(why) => self.fail(account, format!("request {request} spends token {token} again: {why}")),
        }
    }

    /// A logout ends a session at the server; another login in it may only be one that came after
    /// the logout's last look.
    pub(super) fn revoked(&mut self, request: usize, token: usize, grant_id: &str) {
        let Request { account, aimed, .. } = self.requests[request];
        let session = self.server.token(token).session;
        let other = self.people[account].login.as_ref().filter(|login| login.session == session && login.grant_id != grant_id);
        if let Some(login) = other {
            if login.stored && login.since < aimed && !self.store.lost_since(account, login.since) {
                self.fail(account, format!("a logout ends the session of {}, which was there when it looked", login.grant_id));
                return;
            }
            self.lost(account, Cause::RacedLogout);
        }
        self.server.kill(session);
    }

    fn lost(&mut self, account: usize, cause: Cause) {
        self.trace.note(Some(account), self.now, || format!("the login is lost: {}", cause.name()));
        if let Some(login) = self.people[account].login.take() {
            self.tally.login_time += self.now - login.since;
            *self.tally.losses.entry(cause.name()).or_default() += 1;
        }
    }

    /// When nothing is under way any more: can the login still be reached?
    pub(super) fn settle(&mut self, account: usize) {
        let person = &self.people[account];
        if person.under_way > 0 || person.flying > 0 {
            return;
        }
        let Some(login) = person.login.clone() else { return };
        let stored = self.store.load(account).map(|stored| stored.record.clone());
        let reachable = |record: &Record| {
            record.grant_id == login.grant_id
                && record.is_active()
                && refresh_of(record).is_some_and(|token| self.server.accepts(token, self.now))
        };
        if stored.as_deref().is_some_and(reachable) {
            return;
        }
        let remembered = self.processes.iter().filter_map(|process| process.lanes[account].known.lost(stored.as_deref()));
        if remembered.into_iter().any(|record| reachable(&record)) {
            return;
        }
        match self.why_unreachable(account, &login, stored.as_deref()) {
            Ok(cause) => self.lost(account, cause),
            Err(why) => self.fail(account, format!("the login {} cannot be reached any more: {why}", login.grant_id)),
        }
    }

    fn why_unreachable(&self, account: usize, login: &Login, stored: Option<&Record>) -> Result<Cause, String> {
        let store_lost = self.store.lost_since(account, login.since);
        let Some(record) = stored.filter(|record| record.grant_id == login.grant_id) else {
            // A newer login took its place, and was over before the person knew.
            let successor = stored.filter(|record| record.previous_grant_id.as_ref() == Some(&login.grant_id)).and_then(refresh_of);
            let was_ended = successor.is_some_and(|token| !self.server.is_alive(self.server.token(token).session));
            return match (login.stored, store_lost) {
                (_, true) => Ok(Cause::StoreLostWrite),
                (true, false) if was_ended => Ok(Cause::EndedByServer),
                (false, false) => Ok(Cause::UnsavedKilled),
                (true, false) => Err("the store does not have it".into()),
            };
        };
        if record.is_logged_out() {
            return if store_lost { Ok(Cause::StoreLostWrite) } else { Err("it was ended".into()) };
        }
        let Some(token) = refresh_of(record) else { return Err("it has no refresh token".into()) };
        if self.server.accepts(token, self.now) {
            let refused = self.server.token(token).refused;
            return if refused { Ok(Cause::RefusedByServer) } else { Err("it counts as dead, and the server never refused it".into()) };
        }
        self.cause(token, None)
    }

    /// Why a spent refresh token is all that there is, or came to the server again with `again`.
    fn cause(&self, token: usize, again: Option<usize>) -> Result<Cause, String> {
        let Some(spent) = self.server.token(token).spent else { return Err("it was never spent".into()) };
        let again = again.map(|again| &self.requests[again]);
        match again.map(|again| again.fate) {
            Some(Fate::GivenUp) => return Ok(Cause::WorkedOffLate),
            Some(Fate::Orphaned) => return Ok(Cause::KilledUnderWay),
            _ => {}
        }
        let Some(first) = self.requests.get(spent.request) else { return Err("nobody spent it".into()) };
        // It lost the claim of one of them, or what was bought under it.
        let aimed = again.map_or(first.aimed, |again| again.aimed.min(first.aimed));
        if self.store.lost_since(first.account, aimed) {
            return Ok(Cause::StoreLostWrite);
        }
        if let Some(stored) = self.first_stored_child(token) {
            if again.is_some_and(|again| self.stalled(again, stored)) {
                return Ok(Cause::StalledBeforeSending);
            }
            return Err("what it bought was stored".into());
        }
        match first.fate {
            Fate::GivenUp => Ok(Cause::AnswerLost),
            Fate::Orphaned => {
                Ok(if self.processes[first.process].lanes[first.account].unsaved.is_empty() { Cause::Killed } else { Cause::UnsavedKilled })
            }
            Fate::InFlight | Fate::Answered => self.why_overtaken(first),
            Fate::Attempted => Err("its owner had the answer".into()),
        }
    }

    fn first_stored_child(&self, token: usize) -> Option<u64> {
        self.server.children(token).filter_map(|child| self.server.token(child).stored).min()
    }

    /// The sender, or its request, stood still between its last look at the store and the first
    /// byte, while the token was spent by others.
    fn stalled(&self, again: &Request, stored: u64) -> bool {
        again.aimed <= stored && again.sent > again.aimed + 2_100
    }

    fn why_overtaken(&self, first: &Request) -> Result<Cause, String> {
        let process = &self.processes[first.process];
        if process.stopped_until >= first.sent || self.machines[process.machine].asleep_until >= first.sent {
            return Ok(Cause::StoppedOwner);
        }
        if first.fate == Fate::Answered && process.slow_until >= first.sent {
            return Ok(Cause::SlowOwner);
        }
        Err("its owner is alive and at work".into())
    }
}
