//! The authorization server of the simulation, and what the checks want to know of its tokens.

use authorization_server::{Rotation, Token, Verdict};

#[derive(Debug)]
pub(super) struct Server(authorization_server::Server<Notes>);

/// What is known of a token answer: an access token and the refresh token beside it.
#[derive(Clone, Debug)]
pub(super) struct Notes {
    pub(super) account: usize,
    /// When the sender looked at its clocks for the request.
    pub(super) sent: u64,
    /// By how much the sender's wall clock was ahead then.
    pub(super) sender_skew: i64,
    /// The request that used its refresh token first.
    pub(super) spent_by: Option<usize>,
    /// What was bought with its refresh token.
    children: Vec<usize>,
    /// When a store first had it.
    pub(super) stored: Option<u64>,
    /// The server refused it, for the time being or for good.
    pub(super) refused: bool,
}

/// Who asks for tokens, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking {
    pub(super) account: usize,
    pub(super) request: usize,
    pub(super) sent: u64,
    pub(super) sender_skew: i64,
}

impl Asking {
    fn notes(self) -> Notes {
        let Self { account, sent, sender_skew, .. } = self;
        Notes { account, sent, sender_skew, spent_by: None, children: Vec::new(), stored: None, refused: false }
    }
}

impl Server {
    pub(super) fn new(rotation: Rotation) -> Self {
        Self(authorization_server::Server::new(rotation))
    }

    pub(super) fn open(&mut self) -> usize {
        self.0.open()
    }

    pub(super) fn end(&mut self, session: usize) {
        self.0.end(session);
    }

    /// The first tokens of a login.
    pub(super) fn log_in(&mut self, session: usize, asking: Asking) -> usize {
        self.0.log_in(session, asking.notes())
    }

    pub(super) fn refresh(&mut self, token: usize, asking: Asking, now: u64) -> Verdict {
        let verdict = self.0.refresh(token, now, asking.notes());
        let notes = self.0.notes(token);
        if let Verdict::Granted(new) = verdict {
            notes.spent_by.get_or_insert(asking.request);
            notes.children.push(new);
        } else {
            notes.refused = true;
        }
        verdict
    }

    pub(super) fn refuse(&mut self, token: usize) {
        self.0.notes(token).refused = true;
    }

    pub(super) fn note_stored(&mut self, token: usize, now: u64) {
        self.0.notes(token).stored.get_or_insert(now);
    }

    pub(super) fn is_alive(&self, session: usize) -> bool {
        self.0.is_alive(session)
    }

    pub(super) fn token(&self, token: usize) -> &Token<Notes> {
        self.0.token(token)
    }

    /// What is known of it.
    pub(super) fn notes(&self, token: usize) -> &Notes {
        &self.token(token).notes
    }

    /// Whether the refresh token would buy something now.
    pub(super) fn accepts(&self, token: usize, now: u64) -> bool {
        self.0.accepts(token, now)
    }

    pub(super) fn children(&self, token: usize) -> impl Iterator<Item = usize> {
        self.notes(token).children.iter().copied()
    }

    /// Whether `old` came before `new` in one login.
    pub(super) fn descends(&self, new: usize, old: usize) -> bool {
        self.0.descends(new, old)
    }
}
