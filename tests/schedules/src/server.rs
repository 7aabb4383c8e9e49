//! An authorization server that responds to requests, and counts them. It ends a login if a used
//! refresh token is sent again, unless a scenario says otherwise.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use authorization_server::{RefreshOutcome, Rotation};
use protocol::http::{Body, Headers, Request, Response};
use protocol::oauth::token_set::TokenSet;
use protocol::secret::Secret;
use serde_json::json;

use crate::id_tokens;
use crate::sys::clock::{Clock as _, SystemClock};

/// The lifetime of its access tokens, in seconds.
const LIFETIME: i64 = 300;

/// The server of an execution.
pub struct Server(Mutex<State>);

struct State {
    /// Each login has its own session. The note of a token is its number in the session, from 1.
    logins: authorization_server::Server<usize>,
    /// The session that each code has started.
    codes: HashMap<String, usize>,
    ways: VecDeque<Way>,
    asking: usize,
    /// It sends ID tokens.
    id_tokens: bool,
    /// How many of the next ID tokens are bad.
    bad: usize,
    /// Who signs them.
    signer: id_tokens::Signer,
    /// How many of the next requests for its keys fail.
    failing_keys: usize,
    logout_tokens: usize,
    seen: Seen,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It gets a response.
    Through,
    /// It is not sent.
    Blocked,
    /// The server processes it, and the connection breaks before the response.
    ResponseLost,
    /// The server processes it, and the response is too late.
    Silent,
    /// It gets a response with this status, and nothing else happens.
    Status(u16),
}

/// What the server has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Refresh tokens that it accepted.
    pub refreshes: usize,
    /// Codes that it accepted.
    pub exchanges: usize,
    /// Refresh tokens and codes that were sent again. Each ended a login.
    pub reused: usize,
    /// Requests to revoke a refresh token.
    pub revoked: usize,
    /// Requests for its keys.
    pub keys: usize,
    /// Requests of all kinds, except for its keys.
    pub requests: usize,
    /// The most requests that were in flight at once, except revocations.
    pub most_at_once: usize,
}

impl Default for Server {
    fn default() -> Self {
        let logins = authorization_server::Server::new(Rotation::Strict);
        Self(Mutex::new(State {
            logins,
            codes: HashMap::new(),
            ways: VecDeque::new(),
            asking: 0,
            id_tokens: false,
            bad: 0,
            signer: id_tokens::Signer::Published,
            failing_keys: 0,
            logout_tokens: 0,
            seen: Seen::default(),
        }))
    }
}

impl Server {
    /// What it has counted until now.
    pub fn seen(&self) -> Seen {
        self.lock().seen
    }

    /// Whether the login with this number is alive.
    pub fn lives(&self, session: usize) -> bool {
        self.lock().logins.is_alive(session)
    }

    /// Sets what happens to the next requests, in order. Later ones get a response.
    pub fn next_ways(&self, ways: impl IntoIterator<Item = Way>) {
        self.lock().ways.extend(ways);
    }

    /// Accepts a refresh token until its login ends, as many servers do.
    pub fn keep_refresh_tokens(&self) {
        self.lock().logins.set_rotation(Rotation::Off);
    }

    /// Sends ID tokens from now on.
    pub fn send_id_tokens(&self) {
        self.lock().id_tokens = true;
    }

    /// The next ID token is bad.
    pub fn spoil_id_token(&self) {
        self.lock().bad += 1;
    }

    /// From now on, ID tokens are signed with a key that the server does not publish.
    pub fn sign_with_another_key(&self) {
        self.lock().signer = id_tokens::Signer::Unknown;
    }

    /// So many of the next requests for the keys fail.
    pub fn fail_keys(&self, requests: usize) {
        self.lock().failing_keys += requests;
    }

    /// Tells that all sessions have ended.
    pub fn logout_token(&self) -> String {
        let mut state = self.lock();
        state.logout_tokens += 1;
        id_tokens::logout_token(state.logout_tokens, SystemClock.unix_seconds())
    }

    /// Starts a login, and returns its tokens.
    pub fn log_in(&self) -> TokenSet {
        let mut state = self.lock();
        let token = state.begin();
        let mut tokens = state.tokens(token);
        tokens["id_token_verified"] = json!(state.id_tokens);
        TokenSet::restore(&tokens.to_string()).expect("these are tokens")
    }

    pub(crate) fn next_way(&self, request: &Request) -> Way {
        if is_for_keys(request) {
            return Way::Through;
        }
        self.lock().ways.pop_front().unwrap_or(Way::Through)
    }

    /// A request is in flight until this is dropped.
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
        if is_for_keys(request) {
            state.seen.keys += 1;
            return Asking(None);
        }
        state.seen.requests += 1;
        if request.url.ends_with("/revoke") {
            return Asking(None);
        }
        state.asking += 1;
        state.seen.most_at_once = state.seen.most_at_once.max(state.asking);
        Asking(Some(Arc::clone(self)))
    }

    pub(crate) fn respond(&self, request: &Request, way: Way) -> Response {
        if let Way::Status(status) = way {
            return Response { status, headers: Headers::default(), body: Body::Whole(Vec::new()) };
        }
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(request.body.as_ref().map_or("", Secret::reveal).as_bytes()).into_owned().collect();
        let mut state = self.lock();
        if is_for_keys(request) {
            return state.keys();
        }
        let token = match (form.get("token"), form.get("refresh_token"), form.get("code")) {
            (Some(token), _, _) => {
                state.revoke(token);
                return Response { status: 200, headers: Headers::default(), body: Body::Whole(Vec::new()) };
            }
            (_, Some(token), _) => state.refresh(token),
            (_, _, Some(code)) => state.exchange(code),
            _ => None,
        };
        let (status, body) = match token {
            Some(token) => (200, state.tokens(token)),
            None => (400, json!({"error": "invalid_grant"})),
        };
        Response { status, headers: Headers::default(), body: Body::Whole(body.to_string().into_bytes()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_for_keys(request: &Request) -> bool {
    request.url.ends_with("/keys")
}

impl State {
    fn keys(&mut self) -> Response {
        let fails = self.failing_keys > 0;
        self.failing_keys = self.failing_keys.saturating_sub(1);
        let body = Body::Whole(id_tokens::keys().to_string().into_bytes());
        Response { status: if fails { 503 } else { 200 }, headers: Headers::default(), body }
    }

    /// Starts a login, and issues its first token.
    fn begin(&mut self) -> usize {
        let session = self.logins.open();
        self.logins.log_in(session, 1)
    }

    /// The next token, if the server accepts this one.
    fn refresh(&mut self, token: &str) -> Option<usize> {
        let token = self.named(token);
        match self.logins.refresh(token, 0, 0) {
            RefreshOutcome::Granted(new) => {
                let session = self.logins.token(new).session;
                *self.logins.notes(new) = self.logins.tokens().filter(|(_, there)| there.session == session).count();
                self.seen.refreshes += 1;
                Some(new)
            }
            RefreshOutcome::Replayed => {
                self.seen.reused += 1;
                None
            }
            RefreshOutcome::Refused => None,
        }
    }

    fn exchange(&mut self, code: &str) -> Option<usize> {
        if let Some(session) = self.codes.get(code) {
            self.logins.end(*session);
            self.seen.reused += 1;
            return None;
        }
        let token = self.begin();
        self.codes.insert(code.to_owned(), self.logins.token(token).session);
        self.seen.exchanges += 1;
        Some(token)
    }

    fn revoke(&mut self, token: &str) {
        let token = self.named(token);
        self.logins.revoke(token, 0);
        self.seen.revoked += 1;
    }

    fn tokens(&mut self, token: usize) -> serde_json::Value {
        let there = self.logins.token(token);
        let (session, number) = (there.session, there.notes);
        let now = SystemClock.unix_seconds();
        let mut tokens = json!({
            "access_token": format!("access-{session}-{number}"),
            "refresh_token": format!("refresh-{session}-{number}"),
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "expires_at": now + LIFETIME,
        });
        if self.id_tokens {
            tokens["id_token"] = json!(id_tokens::id_token(session, self.bad > 0, self.signer, now));
            self.bad = self.bad.saturating_sub(1);
        }
        tokens
    }

    /// The token with this text.
    fn named(&self, text: &str) -> usize {
        let mut numbers = text.rsplit('-').map(|number| number.parse::<usize>().expect("a token of this server"));
        let number = numbers.next().expect("two numbers");
        let session = numbers.next().expect("two numbers");
        let mut tokens = self.logins.tokens().filter(|(_, there)| there.session == session && there.notes == number);
        tokens.next().expect("it was issued").0
    }
}
