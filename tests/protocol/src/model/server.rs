//! The model's authorization server: notes for the checks, and tokens with small numbers.

use authorization_server::{RefreshOutcome, Rotation};

/// The model has no rotation with a grace period, so the server needs no time.
const NO_TIME: u64 = 0;

/// The server's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Server {
    server: authorization_server::Server<Notes>,
    /// How many spent tokens were sent again.
    pub(super) reuses: u8,
    /// The newest session that the server has ended by itself, with all before it.
    ended: Option<u8>,
}

/// What the checks need to know about a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Notes {
    /// The server has not accepted it.
    pub(super) refused: bool,
    /// When it was issued, with an access token of the same age.
    pub(super) issued: u32,
    /// The ID token beside it is bad.
    pub(super) bad: bool,
}

impl Notes {
    fn issued(time: u32) -> Self {
        Self { refused: false, issued: time, bad: false }
    }
}

impl Server {
    /// A server with one login.
    pub(super) fn new(rotation: Rotation) -> Self {
        let mut server = Self { server: authorization_server::Server::new(rotation), reuses: 0, ended: None };
        server.log_in(0);
        server
    }

    pub(super) fn is_strict(&self) -> bool {
        self.server.rotation() == Rotation::Strict
    }

    pub(super) fn notes(&self, token: u8) -> &Notes {
        &self.server.token(token.into()).notes
    }

    /// The token that this one was obtained with.
    pub(super) fn parent(&self, token: u8) -> Option<u8> {
        self.server.token(token.into()).parent.map(small)
    }

    /// The ID token beside this refresh token is bad.
    pub(super) fn spoil(&mut self, token: u8) {
        self.server.notes(token.into()).bad = true;
    }

    /// Ends the user's sessions, and names the newest.
    pub(super) fn end_by_itself(&mut self) -> u8 {
        let newest = self.server.newest_session().expect("there is a first session");
        (0..=newest).for_each(|session| self.server.end(session));
        *self.ended.insert(small(newest))
    }

    /// Whether the server has ended the token's session by itself.
    pub(super) fn has_ended_by_itself(&self, token: u8) -> bool {
        self.ended.is_some_and(|ended| self.session(token) <= usize::from(ended))
    }

    /// How many tokens were issued: a clock for the claim `iat`.
    pub(super) fn issued(&self) -> i64 {
        i64::try_from(self.server.tokens().count()).expect("a few tokens")
    }

    /// The token that the login began with.
    pub(super) fn first(&self, token: u8) -> u8 {
        std::iter::successors(Some(token), |token| self.parent(*token)).last().expect("there is at least one")
    }

    /// Whether the token's session is alive.
    pub(super) fn is_alive(&self, token: u8) -> bool {
        self.server.is_alive(self.session(token))
    }

    /// Whether `younger` was obtained from `elder` by refreshes.
    pub(super) fn descends(&self, younger: u8, elder: u8) -> bool {
        self.server.descends(younger.into(), elder.into())
    }

    /// A login in the same browser. It joins the session that is alive.
    pub(super) fn log_in(&mut self, time: u32) -> u8 {
        let alive = self.server.newest_session().filter(|session| self.server.is_alive(*session));
        let session = alive.unwrap_or_else(|| self.server.open());
        small(self.server.log_in(session, Notes::issued(time)))
    }

    /// The next token, or `None` for `invalid_grant`.
    pub(super) fn refresh(&mut self, token: u8, time: u32) -> Option<u8> {
        let outcome = self.server.refresh(token.into(), NO_TIME, Notes::issued(time));
        if let RefreshOutcome::Granted(new) = outcome {
            return Some(small(new));
        }
        self.server.notes(token.into()).refused = true;
        self.reuses += u8::from(outcome == RefreshOutcome::Replayed);
        None
    }

    /// Ends the session, unless the token is spent.
    pub(super) fn revoke(&mut self, token: u8) {
        self.server.revoke(token.into(), NO_TIME);
    }

    /// Whether revoking this token ends a session.
    pub(super) fn can_revoke(&self, token: u8) -> bool {
        self.server.accepts(token.into(), NO_TIME)
    }

    /// Whether two tokens belong to the same session.
    pub(super) fn share_session(&self, one: u8, other: u8) -> bool {
        self.session(one) == self.session(other)
    }

    pub(super) fn session(&self, token: u8) -> usize {
        self.server.token(token.into()).session
    }
}

fn small(number: usize) -> u8 {
    u8::try_from(number).expect("a few tokens")
}
