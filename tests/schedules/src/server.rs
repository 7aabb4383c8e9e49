//! A server that rotates refresh tokens, ends a login when one comes back, and counts.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use crate::sys::clock::{Clock as _, SystemClock};
use protocol::http::{Body, Headers, Request, Response};
use protocol::oauth::token_set::TokenSet;
use protocol::secret::Secret;

/// How long its access tokens live, in seconds.
const LIFE: i64 = 300;

/// The server of an execution.
#[derive(Default)]
pub struct Server(Mutex<State>);

#[derive(Default)]
struct State {
    /// One for each login.
    sessions: Vec<Session>,
    /// The session that each code has made.
    codes: HashMap<String, usize>,
    ways: VecDeque<Way>,
    keeps_refresh_tokens: bool,
    asking: usize,
    seen: Seen,
}

#[derive(Default)]
struct Session {
    /// Counts the token sets.
    issued: u64,
    is_over: bool,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is answered.
    Through,
    /// It does not leave.
    Blocked,
    /// The server has worked it off when the connection breaks.
    AnswerLost,
    /// The server has worked it off, and its answer does not come in time.
    Silent,
    /// It is answered with this status, and nothing else happens.
    Status(u16),
}

/// What the server saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Refresh tokens it took and answered with new ones.
    pub refreshes: usize,
    /// Codes it took.
    pub exchanges: usize,
    /// Refresh tokens and codes that came again: each ended a login.
    pub reused: usize,
    /// Refresh tokens that it was told to revoke.
    pub revoked: usize,
    /// Requests of all kinds.
    pub requests: usize,
    /// The most requests that were under way at once.
    pub most_at_once: usize,
}

impl Server {
    /// What it has seen up to now.
    pub fn seen(&self) -> Seen {
        self.lock().seen
    }

    /// Whether the login with this number still lives.
    pub fn lives(&self, session: usize) -> bool {
        !self.lock().sessions[session].is_over
    }

    /// Says what becomes of the next requests, one after the other; of later ones, nothing in particular.
    pub fn next_ways(&self, ways: impl IntoIterator<Item = Way>) {
        self.lock().ways.extend(ways);
    }

    /// A server as many are: a refresh token is good until its login ends.
    pub fn keep_refresh_tokens(&self) {
        self.lock().keeps_refresh_tokens = true;
    }

    /// The tokens of a new login.
    pub fn log_in(&self) -> TokenSet {
        let mut state = self.lock();
        let session = state.begin();
        TokenSet::restore(&state.tokens(session).to_string()).expect("these are tokens")
    }

    pub(crate) fn next_way(&self) -> Way {
        self.lock().ways.pop_front().unwrap_or(Way::Through)
    }

    /// A request is under way until this is dropped.
    pub(crate) fn asked(self: &Arc<Self>, request: &Request) -> impl Drop + use<> {
        struct Asking(Option<Arc<Server>>);
        impl Drop for Asking {
            fn drop(&mut self) {
                if let Some(server) = self.0.take() {
                    server.lock().asking -= 1;
                }
            }
        }
        let mut state = self.lock();
        state.seen.requests += 1;
        if request.url.ends_with("/revoke") {
            return Asking(None);
        }
        state.asking += 1;
        state.seen.most_at_once = state.seen.most_at_once.max(state.asking);
        Asking(Some(Arc::clone(self)))
    }

    pub(crate) fn answer(&self, request: &Request, way: Way) -> Response {
        if let Way::Status(status) = way {
            return Response { status, headers: Headers::default(), body: Body::Whole(Vec::new()) };
        }
        let form: HashMap<String, String> = url::form_urlencoded::parse(request.body.as_ref().map_or("", Secret::reveal).as_bytes()).into_owned().collect();
        let mut state = self.lock();
        let answer = match (form.get("token"), form.get("refresh_token"), form.get("code")) {
            (Some(token), _, _) => {
                state.revoke(token);
                return Response { status: 200, headers: Headers::default(), body: Body::Whole(Vec::new()) };
            }
            (_, Some(token), _) => state.refresh(token),
            (_, _, Some(code)) => state.exchange(code),
            _ => None,
        };
        let (status, body) = match answer {
            Some(session) => (200, state.tokens(session)),
            None => (400, json!({"error": "invalid_grant"})),
        };
        Response { status, headers: Headers::default(), body: Body::Whole(body.to_string().into_bytes()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&mut self) -> usize {
        self.sessions.push(Session::default());
        self.sessions.len() - 1
    }

    /// New ones, where the session goes on.
    fn refresh(&mut self, token: &str) -> Option<usize> {
        let (session, number) = numbers(token);
        let (keeps, there) = (self.keeps_refresh_tokens, &mut self.sessions[session]);
        if there.is_over {
            return None;
        }
        if !keeps && number != there.issued {
            there.is_over = true;
            self.seen.reused += 1;
            return None;
        }
        self.seen.refreshes += 1;
        Some(session)
    }

    fn exchange(&mut self, code: &str) -> Option<usize> {
        if let Some(session) = self.codes.get(code) {
            self.sessions[*session].is_over = true;
            self.seen.reused += 1;
            return None;
        }
        let session = self.begin();
        self.codes.insert(code.to_owned(), session);
        self.seen.exchanges += 1;
        Some(session)
    }

    fn revoke(&mut self, token: &str) {
        let (session, _) = numbers(token);
        self.sessions[session].is_over = true;
        self.seen.revoked += 1;
    }

    fn tokens(&mut self, session: usize) -> serde_json::Value {
        let there = &mut self.sessions[session];
        there.issued += 1;
        let number = there.issued;
        json!({
            "access_token": format!("access-{session}-{number}"),
            "refresh_token": format!("refresh-{session}-{number}"),
            "token_type": "Bearer",
            "expires_in": LIFE,
            "expires_at": SystemClock.unix_seconds() + LIFE,
        })
    }
}

/// Of a token: its session's, and its own.
fn numbers(token: &str) -> (usize, u64) {
    let mut numbers = token.rsplit('-').map(|number| number.parse::<u64>().expect("a token of this server"));
    let own = numbers.next().expect("two numbers");
    (usize::try_from(numbers.next().expect("two numbers")).expect("few sessions"), own)
}
