//! The authorization server: sessions, refresh tokens, and what happens if one is sent twice.

use super::settings::Rotation;

#[derive(Debug)]
pub(super) struct Server {
    rotation: Rotation,
    sessions: Vec<Session>,
    tokens: Vec<Token>,
}

#[derive(Debug)]
struct Session {
    alive: bool,
}

/// A token response: an access token and a refresh token.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) account: usize,
    pub(super) session: usize,
    /// The token that this one was obtained with.
    pub(super) parent: Option<usize>,
    /// The tokens that were obtained with it.
    children: Vec<usize>,
    pub(super) spent: Option<Spent>,
    /// When the sender read its clocks for the request.
    pub(super) sent: u64,
    /// How far the sender's wall clock was ahead then.
    pub(super) sender_skew: i64,
    /// When it was first stored.
    pub(super) stored: Option<u64>,
    /// The server has refused it, temporarily or permanently.
    pub(super) refused: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    at: u64,
    pub(super) request: usize,
}

/// Which request asks for tokens, and when it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestOrigin {
    pub(super) request: usize,
    pub(super) sent: u64,
    pub(super) sender_skew: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RefreshOutcome {
    Granted(usize),
    /// The token was used before, so the session has ended now.
    Replayed,
    SessionEnded,
}

impl Server {
    pub(super) fn new(rotation: Rotation) -> Self {
        Self { rotation, sessions: Vec::new(), tokens: Vec::new() }
    }

    pub(super) fn open(&mut self) -> usize {
        self.sessions.push(Session { alive: true });
        self.sessions.len() - 1
    }

    pub(super) fn is_alive(&self, session: usize) -> bool {
        self.sessions[session].alive
    }

    pub(super) fn kill(&mut self, session: usize) {
        self.sessions[session].alive = false;
    }

    pub(super) fn token(&self, token: usize) -> &Token {
        &self.tokens[token]
    }

    /// The first tokens of a login.
    pub(super) fn log_in(&mut self, account: usize, session: usize, origin: RequestOrigin) -> usize {
        self.issue(account, session, None, origin)
    }

    pub(super) fn refresh(&mut self, token: usize, origin: RequestOrigin, now: u64) -> RefreshOutcome {
        let Token { account, session, .. } = self.tokens[token];
        if !self.is_alive(session) {
            self.tokens[token].refused = true;
            return RefreshOutcome::SessionEnded;
        }
        if !self.accepts(token, now) {
            self.tokens[token].refused = true;
            if self.rotation == Rotation::Once {
                return RefreshOutcome::SessionEnded;
            }
            self.kill(session);
            return RefreshOutcome::Replayed;
        }
        self.tokens[token].spent.get_or_insert(Spent { at: now, request: origin.request });
        RefreshOutcome::Granted(self.issue(account, session, Some(token), origin))
    }

    /// Whether the server would accept the refresh token now.
    pub(super) fn accepts(&self, token: usize, now: u64) -> bool {
        let token = &self.tokens[token];
        self.is_alive(token.session)
            && match (self.rotation, token.spent) {
                (Rotation::Off, _) | (_, None) => true,
                (Rotation::Strict | Rotation::Once, Some(_)) => false,
                (Rotation::Grace(window), Some(spent)) => now <= spent.at + window,
            }
    }

    pub(super) fn refuse(&mut self, token: usize) {
        self.tokens[token].refused = true;
    }

    pub(super) fn note_stored(&mut self, token: usize, now: u64) {
        self.tokens[token].stored.get_or_insert(now);
    }

    pub(super) fn children(&self, token: usize) -> impl Iterator<Item = usize> {
        self.tokens[token].children.iter().copied()
    }

    /// Whether `new` was obtained from `old` by refreshes.
    pub(super) fn descends(&self, new: usize, old: usize) -> bool {
        let mut at = Some(new);
        while let Some(token) = at {
            if token == old {
                return true;
            }
            at = self.tokens[token].parent;
        }
        false
    }

    fn issue(&mut self, account: usize, session: usize, parent: Option<usize>, origin: RequestOrigin) -> usize {
        self.tokens.push(Token {
            account,
            session,
            parent,
            children: Vec::new(),
            spent: None,
            sent: origin.sent,
            sender_skew: origin.sender_skew,
            stored: None,
            refused: false,
        });
        let new = self.tokens.len() - 1;
        if let Some(parent) = parent {
            self.tokens[parent].children.push(new);
        }
        new
    }
}
