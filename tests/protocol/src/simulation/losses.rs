//! Finds logins that are lost, and why. A loss that is not unavoidable is a failure.

use sipgate_oauth2_protocol::refresh::record::Record;

use super::login::{Login, UnavoidableLoss};
use super::records::refresh_of;
use super::world::{Request, RequestState, World};

impl World<'_> {
    /// The user has a new login.
    pub(super) fn logged_in(&mut self, account: usize, grant_id: &str, token: usize) {
        if self.users[account].login.as_ref().is_some_and(|login| login.grant_id == grant_id) {
            return;
        }
        let (now, session) = (self.now, self.server.token(token).session);
        // It may have ended before it was stored.
        let user = &mut self.users[account];
        if user.ended.contains_key(grant_id) || !self.server.is_alive(session) {
            return;
        }
        if let Some(before) = user.login.take() {
            self.tally.login_time += now - before.since;
        }
        user.login = Some(Login { grant_id: grant_id.to_owned(), session, since: now, stored: false });
    }

    /// The login was logged out.
    pub(super) fn logged_out(&mut self, account: usize) {
        let user = &mut self.users[account];
        if let Some(login) = user.login.take() {
            self.tally.login_time += self.now - login.since;
            user.ended.insert(login.grant_id, self.now);
        }
    }

    /// The store has accepted this login.
    pub(super) fn note_stored_login(&mut self, account: usize, grant_id: &str) {
        if let Some(login) = &mut self.users[account].login
            && login.grant_id == grant_id
        {
            login.stored = true;
        }
    }

    pub(super) fn kill_session(&mut self, account: usize, session: usize, cause: UnavoidableLoss) {
        self.server.end(session);
        if self.users[account].login.as_ref().is_some_and(|login| login.session == session) {
            self.lost(account, cause);
        }
    }

    /// The server saw a refresh token twice, and ended the session.
    pub(super) fn replayed(&mut self, token: usize, request: usize) {
        let account = self.requests[request].account;
        let session = self.server.token(token).session;
        let cause = self.cause(token, Some(request));
        let is_current = self.users[account].login.as_ref().is_some_and(|login| login.session == session);
        match cause {
            Ok(cause) if is_current => self.lost(account, cause),
            Ok(_) => {}
            Err(why) => self.fail(account, format!("request {request} spends token {token} again: {why}")),
        }
    }

    /// I15: a logout ends a session at the server. A different login in that session must have been
    /// made after the logout's last load.
    pub(super) fn revoked(&mut self, request: usize, token: usize, grant_id: &str) {
        let Request { account, verified_at, .. } = self.requests[request];
        let session = self.server.token(token).session;
        let other = self.users[account].login.as_ref().filter(|login| login.session == session && login.grant_id != grant_id);
        if let Some(login) = other {
            if login.stored && login.since < verified_at && !self.store.lost_since(account, login.since) {
                self.fail(account, format!("I15: a logout ends the session of {}, which was stored when it loaded", login.grant_id));
                return;
            }
            self.lost(account, UnavoidableLoss::RacedLogout);
        }
        self.server.end(session);
    }

    fn lost(&mut self, account: usize, cause: UnavoidableLoss) {
        self.trace.note(Some(account), self.now, || format!("the login is lost: {}", cause.name()));
        if let Some(login) = self.users[account].login.take() {
            self.tally.login_time += self.now - login.since;
            *self.tally.losses.entry(cause.name()).or_default() += 1;
        }
    }

    /// Once nothing is in flight, checks that the login can still be used (I4, I5, I8).
    pub(super) fn check_reachable(&mut self, account: usize) {
        let user = &self.users[account];
        if user.in_flight > 0 || user.running_operations > 0 {
            return;
        }
        let Some(login) = user.login.clone() else { return };
        let stored = self.store.load(account).map(|stored| stored.record.clone());
        let reachable = |record: &Record| {
            record.grant_id == login.grant_id
                && record.is_active()
                && refresh_of(record).is_some_and(|token| self.server.accepts(token, self.now))
        };
        if stored.as_deref().is_some_and(reachable) {
            return;
        }
        let remembered =
            self.processes.iter().filter_map(|process| process.account_states[account].local.record_to_restore(stored.as_deref()));
        if remembered.into_iter().any(|record| reachable(&record)) {
            return;
        }
        match self.why_unreachable(account, &login, stored.as_deref()) {
            Ok(cause) => self.lost(account, cause),
            Err(why) => self.fail(account, format!("the login {} cannot be used any more: {why}", login.grant_id)),
        }
    }

    fn why_unreachable(&self, account: usize, login: &Login, stored: Option<&Record>) -> Result<UnavoidableLoss, String> {
        let store_lost = self.store.lost_since(account, login.since);
        let Some(record) = stored.filter(|record| record.grant_id == login.grant_id) else {
            // A newer login replaced it, and ended before the user knew of it.
            let successor = stored.filter(|record| record.previous_grant_id.as_ref() == Some(&login.grant_id)).and_then(refresh_of);
            let was_ended = successor.is_some_and(|token| !self.server.is_alive(self.server.token(token).session));
            return match (login.stored, store_lost) {
                (_, true) => Ok(UnavoidableLoss::WriteLost),
                (true, false) if was_ended => Ok(UnavoidableLoss::EndedByServer),
                (false, false) => Ok(UnavoidableLoss::KilledUnsaved),
                (true, false) => Err("the store does not have it".into()),
            };
        };
        if record.is_logged_out() {
            return if store_lost { Ok(UnavoidableLoss::WriteLost) } else { Err("it was logged out".into()) };
        }
        let Some(token) = refresh_of(record) else { return Err("it has no refresh token".into()) };
        if self.server.accepts(token, self.now) {
            let refused = self.server.notes(token).refused;
            return if refused {
                Ok(UnavoidableLoss::UserDisabled)
            } else {
                Err("I6: it is marked as rejected, but the server never refused it".into())
            };
        }
        self.cause(token, None)
    }

    /// Why only a spent refresh token is left, or why the request `again` sent it once more.
    fn cause(&self, token: usize, again: Option<usize>) -> Result<UnavoidableLoss, String> {
        let Some(spent_by) = self.server.notes(token).spent_by else { return Err("it was never spent".into()) };
        let again = again.map(|again| &self.requests[again]);
        match again.map(|again| again.state) {
            Some(RequestState::GivenUp) => return Ok(UnavoidableLoss::ProcessedLate),
            Some(RequestState::Orphaned) => return Ok(UnavoidableLoss::KilledAndProcessedLate),
            _ => {}
        }
        let Some(first) = self.requests.get(spent_by) else { return Err("no request spent it".into()) };
        // The store lost one of the two claims, or the tokens obtained under it.
        let verified_at = again.map_or(first.verified_at, |again| again.verified_at.min(first.verified_at));
        if self.store.lost_since(first.account, verified_at) {
            return Ok(UnavoidableLoss::WriteLost);
        }
        if let Some(stored) = self.first_stored_child(token) {
            if again.is_some_and(|again| self.stalled(again, stored)) {
                return Ok(UnavoidableLoss::StoppedBeforeSending);
            }
            return Err("the tokens obtained with it were stored".into());
        }
        match first.state {
            RequestState::GivenUp => Ok(UnavoidableLoss::ResponseLost),
            RequestState::Orphaned => Ok(if self.processes[first.process].account_states[first.account].unsaved.is_empty() {
                UnavoidableLoss::Killed
            } else {
                UnavoidableLoss::KilledUnsaved
            }),
            RequestState::InFlight | RequestState::Storing => self.why_overtaken(first),
            RequestState::Finished => Err("I4: its owner had the response".into()),
        }
    }

    fn first_stored_child(&self, token: usize) -> Option<u64> {
        self.server.children(token).filter_map(|child| self.server.notes(child).stored).min()
    }

    /// Whether the sender was stopped between its last load and the first byte, while others spent
    /// the token.
    fn stalled(&self, again: &Request, stored: u64) -> bool {
        again.verified_at <= stored && again.sent > again.verified_at + 2_100
    }

    fn why_overtaken(&self, first: &Request) -> Result<UnavoidableLoss, String> {
        let process = &self.processes[first.process];
        if process.stopped_until >= first.sent || self.machines[process.machine].suspended_until >= first.sent {
            return Ok(UnavoidableLoss::Stopped);
        }
        if first.state == RequestState::Storing && process.slow_until >= first.sent {
            return Ok(UnavoidableLoss::SlowOwner);
        }
        Err("its owner is alive and running".into())
    }
}
