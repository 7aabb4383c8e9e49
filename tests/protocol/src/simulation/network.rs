//! The way to the server and back, and what the server does.

use std::time::Duration;

use super::server::Asking;
use super::world::{Ask, Carried, Event, Fate, Request, World, refresh_of};
use authorization_server::{Rotation, Verdict};
use sipgate_oauth2_protocol::error::{Error, ErrorCode, OauthError, with_oauth};
use sipgate_oauth2_protocol::oauth::token_set::TokenSet;
use sipgate_oauth2_protocol::refresh::action::Observation;
use sipgate_oauth2_protocol::refresh::record::Record;
use sipgate_oauth2_protocol::refresh::reply::{Received, Reply};
use sipgate_oauth2_protocol::secret::RefreshToken;

/// What may become of a request, with its share out of a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fortune {
    Well,
    NotSent,
    LostBroken,
    AnswerLostBroken,
    BrokenAndLate,
    LostSilently,
    Slow,
    ServerError,
    ServerErrorAfterwards,
    TooManyRequests,
    InvalidClient,
    ForeignPage,
    NotFound,
    OddAnswer,
}

const FORTUNES: [(Fortune, u64, &str); 13] = [
    (Fortune::NotSent, 15, "no connection"),
    (Fortune::LostBroken, 8, "request lost, connection broken"),
    (Fortune::AnswerLostBroken, 6, "answer lost, connection broken"),
    (Fortune::BrokenAndLate, 2, "connection broken, request worked off later"),
    (Fortune::LostSilently, 6, "request lost, time-out"),
    (Fortune::Slow, 8, "request or answer delayed"),
    (Fortune::ServerError, 10, "5xx"),
    (Fortune::ServerErrorAfterwards, 3, "5xx after processing"),
    (Fortune::TooManyRequests, 10, "429 with Retry-After"),
    (Fortune::InvalidClient, 6, "401"),
    (Fortune::ForeignPage, 6, "HTML"),
    (Fortune::NotFound, 4, "404"),
    (Fortune::OddAnswer, 8, "odd answer"),
];

impl World<'_> {
    pub(super) fn send_refresh(&mut self, id: u64, record: &Record, from: u64) {
        let Some(token) = refresh_of(record) else { return };
        self.tally.refreshes += 1;
        if let Some(pilot) = self.flights.get_mut(&id) {
            pilot.asked = Some((record.grant_id.clone(), record.generation));
        }
        self.send(id, Ask::Refresh(token), from);
    }

    pub(super) fn send_exchange(&mut self, id: u64, from: u64) {
        self.send(id, Ask::Exchange, from);
    }

    pub(super) fn send_revocation(&mut self, id: u64, token: &RefreshToken, from: u64) {
        let Ok(token) = token.reveal()[1..].parse() else { return };
        let Some(pilot) = self.flights.get(&id) else { return };
        let grant_id = pilot.loaded.iter().flatten().map(|found| found.record.grant_id.clone()).next().unwrap_or_default();
        self.tally.revocations += 1;
        self.send(id, Ask::Revoke { token, grant_id }, from);
    }

    fn send(&mut self, id: u64, ask: Ask, from: u64) {
        let Some(pilot) = self.flights.get_mut(&id) else { return };
        let (process, account) = (pilot.process, pilot.account);
        let number = self.requests.len();
        pilot.request = Some(number);
        let aimed = pilot.loaded_at;
        let (moment, sender_skew) = (self.moment(process), self.skew(process));
        let request =
            Request { account, process, flight: id, ask, aimed, sent: from, stamped: self.now, moment, sender_skew, fate: Fate::InFlight };
        self.requests.push(request);
        let there = from + self.random.between(5, 300);
        let fortune = self.fortune();
        let broken = |error: &str| Error::new(ErrorCode::OutcomeUnknown, error);
        match fortune {
            Fortune::Well => self.carry(number, there, Carried::Back),
            Fortune::NotSent => self.fail_at(number, there, Reply::Refused(Error::new(ErrorCode::Transport, "no connection"))),
            Fortune::LostBroken => {
                let at = there + if self.random.half() { self.random.below(28_000) } else { 0 };
                self.fail_at(number, at, Reply::ConnectionLost(broken("reset")));
            }
            Fortune::AnswerLostBroken => {
                self.carry(number, there, Carried::Lost);
                let at = there + self.random.between(0, 5_000);
                self.fail_at(number, at, Reply::ConnectionLost(broken("reset")));
            }
            Fortune::BrokenAndLate => {
                self.fail_at(number, there, Reply::ConnectionLost(broken("reset")));
                let late = there + self.random.between(1, 60_000);
                self.carry(number, late, Carried::Lost);
            }
            Fortune::LostSilently => {}
            Fortune::Slow => {
                let late = there + self.random.between(1, 90_000);
                self.carry(number, late, Carried::Back);
            }
            Fortune::ServerError => self.fail_at(number, there, Reply::OutcomeUnknown(broken("503").with_status(503))),
            Fortune::ServerErrorAfterwards => {
                self.carry(number, there, Carried::Lost);
                self.fail_at(number, there + 10, Reply::OutcomeUnknown(broken("502").with_status(502)));
            }
            Fortune::TooManyRequests => {
                let wait = Duration::from_secs(self.random.between(0, 60));
                let error = Error::new(ErrorCode::ServerUnavailable, "429").with_status(429).with_retry_after(Some(wait));
                self.fail_at(number, there, Reply::Refused(error));
            }
            Fortune::InvalidClient => self.fail_at(number, there, Reply::Refused(Error::new(ErrorCode::InvalidClient, "401"))),
            Fortune::ForeignPage => self.fail_at(number, there, Reply::OutcomeUnknown(broken("a page"))),
            Fortune::NotFound => self.fail_at(number, there, Reply::Refused(Error::new(ErrorCode::WrongEndpoint, "404"))),
            Fortune::OddAnswer => {
                let odd = match self.random.below(3) {
                    0 if self.settings.rotation == Rotation::Off => Carried::WithoutRefreshToken,
                    1 => Carried::OfForeignType,
                    _ => Carried::WithoutAccessToken,
                };
                self.carry(number, there, odd);
            }
        }
        self.at(from + self.settings.deadline, Event::Deadline { request: number });
    }

    fn fortune(&mut self) -> Fortune {
        if !self.stormy {
            return Fortune::Well;
        }
        let mut rolled = self.random.below(1000);
        for (fortune, share, name) in FORTUNES {
            if rolled < share {
                self.tally.fault(name);
                return fortune;
            }
            rolled -= share;
        }
        Fortune::Well
    }

    fn carry(&mut self, request: usize, at: u64, outcome: Carried) {
        self.people[self.requests[request].account].under_way += 1;
        self.at(at, Event::Arrive { request, outcome });
    }

    fn fail_at(&mut self, request: usize, at: u64, reply: Reply) {
        let seen = self.shape(request, reply);
        self.at(at, Event::Reply { request, seen });
    }

    /// The sender hears of it, if it still waits for that.
    pub(super) fn reply(&mut self, number: usize, seen: Observation) {
        let request = &self.requests[number];
        if request.fate == Fate::InFlight && self.flights.contains_key(&request.flight) {
            self.observe(request.flight, seen);
        }
    }

    /// The server has it.
    pub(super) fn arrive(&mut self, number: usize, outcome: Carried) {
        let Request { account, ask, moment, stamped, sender_skew, .. } = self.requests[number].clone();
        self.people[account].under_way -= 1;
        let asking = Asking { account, request: number, sent: stamped, sender_skew };
        let reply = match ask {
            Ask::Refresh(token) => self.serve_refresh(token, asking, number, outcome),
            Ask::Exchange => {
                let session = self.browser_session(account);
                let new = self.server.log_in(session, asking);
                Reply::Tokens(Box::new(self.received(new, None, moment, outcome)))
            }
            Ask::Revoke { token, grant_id } => {
                self.revoked(number, token, &grant_id);
                Reply::Refused(Error::new(ErrorCode::Internal, "not for a revocation"))
            }
        };
        if outcome != Carried::Lost {
            let seen = match self.requests[number].ask {
                Ask::Revoke { .. } => Observation::Revoked(Ok(())),
                _ => Observation::Replied(reply),
            };
            let back = self.random.between(5, 300);
            self.after(back, Event::Reply { request: number, seen });
        }
        self.settle(account);
    }

    fn serve_refresh(&mut self, token: usize, asking: Asking, number: usize, outcome: Carried) -> Reply {
        let account = self.requests[number].account;
        let moment = self.requests[number].moment;
        let rejected = |text: &str| {
            let oauth = OauthError { error: "invalid_grant".into(), description: Some(text.into()), uri: None };
            Reply::Rejected(with_oauth(Error::new(ErrorCode::LoginRequired, text).with_status(400), oauth))
        };
        if self.now < self.people[account].disabled_until {
            self.server.refuse(token);
            return rejected("User disabled");
        }
        match self.server.refresh(token, asking, self.now) {
            Verdict::Granted(new) => {
                self.trace.note(Some(account), self.now, || format!("server: request {number} with {token} is given {new}"));
                Reply::Tokens(Box::new(self.received(new, Some(token), moment, outcome)))
            }
            Verdict::Replayed => {
                self.trace.note(Some(account), self.now, || format!("server: request {number} replays {token}, the session is over"));
                self.replayed(token, number);
                rejected("Maximum allowed refresh token reuse exceeded")
            }
            Verdict::Over => rejected("Session not active"),
        }
    }

    /// What the sender makes of an answer.
    pub(super) fn received(
        &self,
        new: usize,
        old: Option<usize>,
        sent: sipgate_oauth2_protocol::time::Moment,
        outcome: Carried,
    ) -> Received {
        let expires_at = sent.wall.div_euclid(1000) + i64::try_from(self.settings.life).unwrap_or(0);
        let kept = if outcome == Carried::WithoutRefreshToken { old } else { None };
        let refresh = format!("r{}", kept.unwrap_or(new));
        let json = format!(r#"{{"access_token":"a{new}","refresh_token":"{refresh}","expires_at":{expires_at}}}"#);
        let tokens = match outcome {
            Carried::WithoutAccessToken => Err(Error::new(ErrorCode::BadResponse, "no access_token")),
            Carried::OfForeignType => Err(Error::new(ErrorCode::Unsupported, "a foreign token_type")),
            _ => TokenSet::restore(&json),
        };
        Received { tokens, refresh_token: kept.is_none().then(|| refresh.into()), sent }
    }

    /// The session of the person's browser; a new one where there is none.
    pub(super) fn browser_session(&mut self, account: usize) -> usize {
        match self.people[account].session.filter(|session| self.server.is_alive(*session)) {
            Some(session) => session,
            None => {
                let session = self.server.open();
                self.people[account].session = Some(session);
                session
            }
        }
    }

    /// The sender's own time runs out.
    pub(super) fn deadline(&mut self, number: usize) {
        let request = &self.requests[number];
        if request.fate != Fate::InFlight {
            return;
        }
        let passed = self.moment(request.process).mono.saturating_sub(request.moment.mono);
        let deadline = self.settings.deadline;
        if passed < deadline - 10 {
            self.after(deadline - passed, Event::Deadline { request: number });
            return;
        }
        let reply = Reply::OutcomeUnknown(Error::new(ErrorCode::OutcomeUnknown, "no answer in time"));
        let seen = self.shape(number, reply);
        self.reply(number, seen);
    }

    /// A failure in the words of the request it is of.
    fn shape(&self, number: usize, reply: Reply) -> Observation {
        match (&self.requests[number].ask, reply) {
            (
                Ask::Revoke { .. },
                Reply::Refused(error) | Reply::Rejected(error) | Reply::ConnectionLost(error) | Reply::OutcomeUnknown(error),
            ) => Observation::Revoked(Err(error)),
            (_, reply) => Observation::Replied(reply),
        }
    }
}
