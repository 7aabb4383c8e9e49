//! Requests to the server, on their way and at the server.

use std::time::Duration;

use authorization_server::{RefreshOutcome, Rotation};
use sipgate_oauth2_protocol::error::{Error, ErrorCode, OauthError, with_oauth};
use sipgate_oauth2_protocol::oauth::token_set::TokenSet;
use sipgate_oauth2_protocol::refresh::action::Observation;
use sipgate_oauth2_protocol::refresh::record::Record;
use sipgate_oauth2_protocol::refresh::reply::{Received, ReceivedIdToken, Reply};
use sipgate_oauth2_protocol::secret::RefreshToken;

use super::records::refresh_of;
use super::server::RequestOrigin;
use super::world::{Delivery, Event, Purpose, Request, RequestState, World};

/// What may happen to a request. The table has each one's share of a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NetworkOutcome {
    Normal,
    NotSent,
    RequestLost,
    ResponseLost,
    ProcessedLate,
    LostSilently,
    Slow,
    ServerError,
    ServerErrorAfterwards,
    TooManyRequests,
    InvalidClient,
    UnexpectedPage,
    NotFound,
    UnusualResponse,
}

const NETWORK_OUTCOMES: [(NetworkOutcome, u64, &str); 13] = [
    (NetworkOutcome::NotSent, 15, "no connection"),
    (NetworkOutcome::RequestLost, 8, "request lost, connection lost"),
    (NetworkOutcome::ResponseLost, 6, "response lost, connection lost"),
    (NetworkOutcome::ProcessedLate, 2, "connection lost, request processed later"),
    (NetworkOutcome::LostSilently, 6, "request lost, timeout"),
    (NetworkOutcome::Slow, 8, "request or response delayed"),
    (NetworkOutcome::ServerError, 10, "5xx"),
    (NetworkOutcome::ServerErrorAfterwards, 3, "5xx after processing"),
    (NetworkOutcome::TooManyRequests, 10, "429 with Retry-After"),
    (NetworkOutcome::InvalidClient, 6, "401"),
    (NetworkOutcome::UnexpectedPage, 6, "HTML"),
    (NetworkOutcome::NotFound, 4, "404"),
    (NetworkOutcome::UnusualResponse, 8, "unusual response"),
];

impl World<'_> {
    pub(super) fn send_refresh(&mut self, id: u64, record: &Record, from: u64) {
        let Some(token) = refresh_of(record) else { return };
        self.tally.refreshes += 1;
        if let Some(running) = self.operations.get_mut(&id) {
            running.requested = Some((record.grant_id.clone(), record.generation));
        }
        self.send(id, Purpose::Refresh(token), from);
    }

    pub(super) fn send_exchange(&mut self, id: u64, from: u64) {
        self.send(id, Purpose::Exchange, from);
    }

    pub(super) fn send_revocation(&mut self, id: u64, token: &RefreshToken, from: u64) {
        let Ok(token) = token.reveal()[1..].parse() else { return };
        let Some(running) = self.operations.get(&id) else { return };
        let grant_id = running.loaded.iter().flatten().map(|found| found.record.grant_id.clone()).next().unwrap_or_default();
        self.tally.revocations += 1;
        self.send(id, Purpose::Revoke { token, grant_id }, from);
    }

    fn send(&mut self, id: u64, purpose: Purpose, from: u64) {
        let Some(running) = self.operations.get_mut(&id) else { return };
        let (process, account) = (running.process, running.account);
        let number = self.requests.len();
        running.request = Some(number);
        let verified_at = running.loaded_at;
        let (moment, sender_skew) = (self.moment(process), self.skew(process));
        let request = Request {
            account,
            process,
            operation: id,
            purpose,
            verified_at,
            sent: from,
            clocks_read_at: self.now,
            moment,
            sender_skew,
            state: RequestState::InFlight,
        };
        self.requests.push(request);
        let arrival = from + self.random.between(5, 300);
        let outcome = self.network_outcome();
        let connection_lost = |error: &str| Error::new(ErrorCode::OutcomeUnknown, error);
        match outcome {
            NetworkOutcome::Normal => self.deliver(number, arrival, Delivery::Complete),
            NetworkOutcome::NotSent => self.fail_at(number, arrival, Reply::Refused(Error::new(ErrorCode::Transport, "no connection"))),
            NetworkOutcome::RequestLost => {
                let at = arrival + if self.random.half() { self.random.below(28_000) } else { 0 };
                self.fail_at(number, at, Reply::ConnectionLost(connection_lost("reset")));
            }
            NetworkOutcome::ResponseLost => {
                self.deliver(number, arrival, Delivery::ResponseLost);
                let at = arrival + self.random.between(0, 5_000);
                self.fail_at(number, at, Reply::ConnectionLost(connection_lost("reset")));
            }
            NetworkOutcome::ProcessedLate => {
                self.fail_at(number, arrival, Reply::ConnectionLost(connection_lost("reset")));
                let late = arrival + self.random.between(1, 60_000);
                self.deliver(number, late, Delivery::ResponseLost);
            }
            NetworkOutcome::LostSilently => {}
            NetworkOutcome::Slow => {
                let late = arrival + self.random.between(1, 90_000);
                self.deliver(number, late, Delivery::Complete);
            }
            NetworkOutcome::ServerError => self.fail_at(number, arrival, Reply::OutcomeUnknown(connection_lost("503").with_status(503))),
            NetworkOutcome::ServerErrorAfterwards => {
                self.deliver(number, arrival, Delivery::ResponseLost);
                self.fail_at(number, arrival + 10, Reply::OutcomeUnknown(connection_lost("502").with_status(502)));
            }
            NetworkOutcome::TooManyRequests => {
                let wait = Duration::from_secs(self.random.between(0, 60));
                let error = Error::new(ErrorCode::ServerUnavailable, "429").with_status(429).with_retry_after(Some(wait));
                self.fail_at(number, arrival, Reply::Refused(error));
            }
            NetworkOutcome::InvalidClient => self.fail_at(number, arrival, Reply::Refused(Error::new(ErrorCode::InvalidClient, "401"))),
            NetworkOutcome::UnexpectedPage => self.fail_at(number, arrival, Reply::OutcomeUnknown(connection_lost("a page"))),
            NetworkOutcome::NotFound => self.fail_at(number, arrival, Reply::Refused(Error::new(ErrorCode::WrongEndpoint, "404"))),
            NetworkOutcome::UnusualResponse => {
                let delivery = match self.random.below(3) {
                    0 if self.settings.rotation == Rotation::Off => Delivery::WithoutRefreshToken,
                    1 => Delivery::WithUnknownType,
                    _ => Delivery::WithoutAccessToken,
                };
                self.deliver(number, arrival, delivery);
            }
        }
        self.at(from + self.settings.deadline, Event::Deadline { request: number });
    }

    fn network_outcome(&mut self) -> NetworkOutcome {
        if !self.faulty {
            return NetworkOutcome::Normal;
        }
        let mut rolled = self.random.below(1000);
        for (outcome, share, name) in NETWORK_OUTCOMES {
            if rolled < share {
                self.tally.fault(name);
                return outcome;
            }
            rolled -= share;
        }
        NetworkOutcome::Normal
    }

    fn deliver(&mut self, request: usize, at: u64, delivery: Delivery) {
        self.users[self.requests[request].account].in_flight += 1;
        self.at(at, Event::Arrive { request, delivery });
    }

    fn fail_at(&mut self, request: usize, at: u64, reply: Reply) {
        let observation = self.shape(request, reply);
        self.at(at, Event::Reply { request, observation });
    }

    /// The reply reaches the sender, if it still waits.
    pub(super) fn reply(&mut self, number: usize, observation: Observation) {
        let request = &self.requests[number];
        let operation = request.operation;
        if request.state == RequestState::InFlight && self.operations.contains_key(&operation) {
            let observation = self.judged(number, observation);
            self.observe(operation, observation);
        }
    }

    /// The request reaches the server.
    pub(super) fn arrive(&mut self, number: usize, delivery: Delivery) {
        let Request { account, purpose, moment, clocks_read_at, sender_skew, .. } = self.requests[number].clone();
        self.users[account].in_flight -= 1;
        let bad = self.settings.id_tokens && self.faulty && self.random.per_mille(5);
        if bad {
            self.tally.fault("bad ID token");
        }
        let origin = RequestOrigin { account, request: number, sent: clocks_read_at, sender_skew, arrived: self.now, bad };
        let reply = match purpose {
            Purpose::Refresh(token) => self.serve_refresh(token, origin, number, delivery),
            Purpose::Exchange => {
                let session = self.browser_session(account);
                let new = self.server.log_in(session, origin);
                Reply::Tokens(Box::new(self.received(new, None, moment, delivery)))
            }
            Purpose::Revoke { token, grant_id } => {
                self.revoked(number, token, &grant_id);
                Reply::Refused(Error::new(ErrorCode::Internal, "not for a revocation"))
            }
        };
        if delivery != Delivery::ResponseLost {
            let observation = match self.requests[number].purpose {
                Purpose::Revoke { .. } => Observation::Revoked(Ok(())),
                _ => Observation::Replied(reply),
            };
            let back = self.random.between(5, 300);
            self.after(back, Event::Reply { request: number, observation });
        }
        self.check_reachable(account);
    }

    fn serve_refresh(&mut self, token: usize, origin: RequestOrigin, number: usize, delivery: Delivery) -> Reply {
        let account = self.requests[number].account;
        let moment = self.requests[number].moment;
        let rejected = |text: &str| {
            let oauth = OauthError { error: "invalid_grant".into(), description: Some(text.into()), uri: None };
            Reply::Rejected(with_oauth(Error::new(ErrorCode::LoginRequired, text).with_status(400), oauth))
        };
        if self.now < self.users[account].disabled_until {
            self.server.refuse(token);
            return rejected("User disabled");
        }
        match self.server.refresh(token, origin, self.now) {
            RefreshOutcome::Granted(new) => {
                self.trace.note(Some(account), self.now, || format!("server: request {number} with {token} gets {new}"));
                Reply::Tokens(Box::new(self.received(new, Some(token), moment, delivery)))
            }
            RefreshOutcome::Replayed => {
                self.trace.note(Some(account), self.now, || format!("server: request {number} replays {token}, which ends the session"));
                self.replayed(token, number);
                rejected("Maximum allowed refresh token reuse exceeded")
            }
            RefreshOutcome::Refused => rejected("Session not active"),
        }
    }

    /// The response, as the sender understands it.
    pub(super) fn received(
        &self,
        new: usize,
        old: Option<usize>,
        sent: sipgate_oauth2_protocol::time::Moment,
        delivery: Delivery,
    ) -> Received {
        let expires_at = sent.wall.div_euclid(1000) + i64::try_from(self.settings.lifetime).unwrap_or(0);
        let unchanged = if delivery == Delivery::WithoutRefreshToken { old } else { None };
        let refresh = format!("r{}", unchanged.unwrap_or(new));
        let json = format!(r#"{{"access_token":"a{new}","refresh_token":"{refresh}","expires_at":{expires_at}}}"#);
        let tokens = match delivery {
            Delivery::WithoutAccessToken => Err(Error::new(ErrorCode::BadResponse, "no access_token")),
            Delivery::WithUnknownType => Err(Error::new(ErrorCode::Unsupported, "an unknown token_type")),
            _ => TokenSet::restore(&json),
        };
        Received { tokens, refresh_token: unchanged.is_none().then(|| refresh.into()), sent, id_token: ReceivedIdToken::Absent }
    }

    /// The session of the user's browser, or a new one.
    pub(super) fn browser_session(&mut self, account: usize) -> usize {
        match self.users[account].session.filter(|session| self.server.is_alive(*session)) {
            Some(session) => session,
            None => {
                let session = self.server.open();
                self.users[account].session = Some(session);
                self.users[account].sessions.push(session);
                session
            }
        }
    }

    /// The request times out at the sender.
    pub(super) fn deadline(&mut self, number: usize) {
        let request = &self.requests[number];
        if request.state != RequestState::InFlight {
            return;
        }
        let passed = self.moment(request.process).mono.saturating_sub(request.moment.mono);
        let deadline = self.settings.deadline;
        if passed < deadline - 10 {
            self.after(deadline - passed, Event::Deadline { request: number });
            return;
        }
        let reply = Reply::OutcomeUnknown(Error::new(ErrorCode::OutcomeUnknown, "no response in time"));
        let observation = self.shape(number, reply);
        self.reply(number, observation);
    }

    /// A failure as the observation for its kind of request.
    fn shape(&self, number: usize, reply: Reply) -> Observation {
        match (&self.requests[number].purpose, reply) {
            (
                Purpose::Revoke { .. },
                Reply::Refused(error) | Reply::Rejected(error) | Reply::ConnectionLost(error) | Reply::OutcomeUnknown(error),
            ) => Observation::Revoked(Err(error)),
            (_, reply) => Observation::Replied(reply),
        }
    }
}
