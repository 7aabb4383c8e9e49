//! ID tokens: judged with keys that may not be to be had, at once or later; and sessions that end.

use sipgate_oauth2_protocol::error::{Error, ErrorCode};
use sipgate_oauth2_protocol::openid::identity::{EndedSession, Identity};
use sipgate_oauth2_protocol::refresh::action::{Goal, Judgement, Observation};
use sipgate_oauth2_protocol::refresh::record::Record;
use sipgate_oauth2_protocol::refresh::reply::{Received, ReceivedIdToken, Reply};
use sipgate_oauth2_protocol::time::Moment;

use super::planted::Planted;
use super::records::{access_of, token_of, unjudged_of};
use super::world::{Delivery, Event, Held, Kind, Purpose, World};
use crate::mistakes;

/// How many times a login asks for keys while its caller waits, and how often.
const TRIES: u32 = 30;
const PAUSE: u64 = 1_000;

impl World<'_> {
    /// What the ID tokens of a login say.
    pub(super) fn identity(&self, token: usize) -> Identity {
        let first = self.server.token(self.server.first(token));
        Identity {
            subject: subject(first.notes.account),
            session: Some(session_id(first.session)),
            nonce: None,
            authorized_party: None,
            auth_time: None,
            issued_at: i64::try_from(first.notes.issued).unwrap_or(0),
        }
    }

    /// The reply, once the sender has judged its ID token with the keys at hand.
    pub(super) fn judged(&mut self, request: usize, observation: Observation) -> Observation {
        let Observation::Replied(Reply::Tokens(received)) = observation else { return observation };
        let is_login = self.requests[request].purpose == Purpose::Exchange;
        let Some(token) = token_of(&received).filter(|_| self.settings.id_tokens && received.tokens.is_ok()) else {
            return Observation::Replied(Reply::Tokens(received));
        };
        let has_keys = self.processes[self.requests[request].process].has_keys;
        let is_stored_at_once = is_login && self.planted == Some(Planted::StoreUnjudgedLogin);
        let received = if !has_keys && !is_stored_at_once {
            if is_login {
                self.hold(request, token, received.sent);
            }
            Received { id_token: ReceivedIdToken::Unjudged(format!("i{token}").into()), ..*received }
        } else if self.server.notes(token).bad && self.planted != Some(Planted::IgnoreBadIdToken) {
            let code = if is_login { ErrorCode::IdToken } else { ErrorCode::Quarantined };
            Received { tokens: Err(Error::new(code, "a bad ID token")), ..*received }
        } else if has_keys {
            Received { id_token: ReceivedIdToken::Accepted(self.identity(token)), ..*received }
        } else {
            *received
        };
        Observation::Replied(Reply::Tokens(Box::new(received)))
    }

    /// A login that cannot be judged is kept elsewhere, and judged for as long as its caller waits.
    /// Some users load the page again.
    fn hold(&mut self, request: usize, token: usize, sent: Moment) {
        let Some(running) = self.operations.get(&self.requests[request].operation) else { return };
        let (account, Some(grant_id)) = (running.account, running.grant_id.clone()) else { return };
        self.tally.notable("login without keys");
        let held = Held { token, grant_id, sent };
        self.after(PAUSE, Event::Complete { account, held: held.clone(), tries: 0 });
        if self.random.half() {
            let later = self.random.below(2 * PAUSE);
            self.after(later, Event::Complete { account, held, tries: 0 });
        }
    }

    pub(super) fn complete_login(&mut self, account: usize, held: Held, tries: u32) {
        let process = self.some_process();
        let is_awake = self.processes[process].is_up && self.awake_at(process) <= self.now;
        if !is_awake || !(self.processes[process].has_keys || self.can_fetch()) {
            if tries < TRIES {
                self.after(PAUSE, Event::Complete { account, held, tries: tries + 1 });
            }
            return;
        }
        self.processes[process].has_keys = true;
        let Held { token, grant_id, sent } = held;
        let is_known = self.users[account].ended.contains_key(&grant_id)
            || self.users[account].login.as_ref().is_some_and(|login| login.grant_id == grant_id);
        if is_known || self.server.notes(token).bad {
            return;
        }
        let now = self.moment(process);
        let age = u64::try_from(now.wall.saturating_sub(sent.wall)).unwrap_or(0);
        let sent = Moment { wall: sent.wall, mono: now.mono.saturating_sub(age) };
        let id_token = ReceivedIdToken::Accepted(self.identity(token));
        let received = Box::new(Received { id_token, ..self.received(token, None, sent, Delivery::Complete) });
        self.start(process, account, Kind::Save, Goal::Save { grant_id, received }, 30_000);
    }

    /// A refresh does not wait for keys: its ID token is judged by an operation of its own.
    pub(super) fn judge_later(&mut self, process: usize, account: usize) {
        let state = &self.processes[process];
        let account_state = &state.account_states[account];
        let is_unjudged = account_state.local.record().is_some_and(|record| record.unjudged.is_some());
        if state.is_up && is_unjudged && account_state.judging.is_none() && (state.has_keys || self.now >= state.next_fetch) {
            let judging = self.start(process, account, Kind::Judgement, Goal::JudgeIdToken, 30_000);
            self.processes[process].account_states[account].judging = Some(judging);
        }
    }

    /// Judges with the keys at hand, or with those that the server sends.
    pub(super) fn fetch_keys(&mut self, id: u64, record: &Record, from: u64) {
        let (Some(running), Some(token)) = (self.operations.get(&id), unjudged_of(record)) else { return };
        let process = running.process;
        let takes = if self.processes[process].has_keys { 0 } else { self.random.between(5, 300) };
        let state = &mut self.processes[process];
        let judgement = if !state.has_keys && self.now < self.keys_down_until {
            state.next_fetch = self.now + PAUSE;
            self.tally.notable("ID token not judged for want of keys");
            Judgement::NotYet(Error::new(ErrorCode::ServerUnavailable, "no keys"))
        } else {
            state.has_keys = true;
            if self.server.notes(token).bad && self.planted != Some(Planted::IgnoreBadIdToken) {
                Judgement::Refused(Error::new(ErrorCode::Quarantined, "a bad ID token"))
            } else {
                Judgement::Accepted(self.identity(token))
            }
        };
        self.at(from + takes, Event::Observe(id, Observation::Judged(judgement)));
    }

    fn can_fetch(&self) -> bool {
        self.now >= self.keys_down_until
    }

    /// The server has other keys, which are not to be had for a while.
    pub(super) fn fail_keys(&mut self, length: u64) {
        if self.faulty {
            self.tally.fault("keys not to be had for a while");
            self.keys_down_until = self.keys_down_until.max(self.now + length);
            self.processes.iter_mut().for_each(|process| process.has_keys = false);
        }
    }

    /// What a process is told of the end of a session, or of all that the user has.
    pub(super) fn ended_session(&self, account: usize, session: Option<usize>) -> EndedSession {
        let issued_at = i64::try_from(self.now).unwrap_or(0);
        EndedSession { session: session.map(session_id), subject: Some(subject(account)), issued_at }
    }

    pub(super) fn session_ended(&mut self, account: usize, ended: EndedSession) {
        let process = self.some_process();
        if !self.processes[process].is_up || self.awake_at(process) > self.now {
            self.after(PAUSE, Event::SessionEnded { account, ended });
            return;
        }
        let ended = if self.planted == Some(Planted::EndAnySession) { mistakes::every_session(&subject(account)) } else { ended };
        self.start(process, account, Kind::SessionEnd, Goal::EndSession(ended), 30_000);
    }

    /// The store has accepted a record without the access token that it had.
    pub(super) fn note_refusal(&mut self, before: Option<&Record>, after: &Record) {
        if let (Some(token), None, true) = (before.and_then(access_of), access_of(after), after.is_active()) {
            self.server.note_refusal(token, self.now);
        }
    }

    /// I16: whether the record has an access token beside an ID token that was judged, and is bad.
    pub(super) fn is_known_to_be_bad(&self, record: &Record) -> bool {
        record.unjudged.is_none() && access_of(record).is_some_and(|token| self.server.notes(token).bad)
    }
}

fn subject(account: usize) -> String {
    format!("user-{account}")
}

fn session_id(session: usize) -> String {
    format!("s{session}")
}
