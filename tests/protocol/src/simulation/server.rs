//! The simulation's authorization server: notes for the checks.

use authorization_server::{RefreshOutcome, Rotation, Token};

#[derive(Debug)]
pub(super) struct Server(authorization_server::Server<Notes>);

/// What the checks need to know about a token response.
#[derive(Clone, Debug)]
pub(super) struct Notes {
    pub(super) account: usize,
    /// When the sender read its clocks for the request.
    pub(super) sent: u64,
    /// How far the sender's wall clock was ahead then.
    pub(super) sender_skew: i64,
    /// The request that first used its refresh token.
    pub(super) spent_by: Option<usize>,
    /// The tokens that were obtained with it.
    children: Vec<usize>,
    /// When it was first stored.
    pub(super) stored: Option<u64>,
    /// The server has refused it, temporarily or permanently.
    pub(super) refused: bool,
    /// When it was issued.
    pub(super) issued: u64,
    /// The ID token beside it is bad.
    pub(super) bad: bool,
    /// When the store first said so.
    pub(super) refusal_stored: Option<u64>,
}

/// Which request asks for tokens, and when it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestOrigin {
    pub(super) account: usize,
    pub(super) request: usize,
    pub(super) sent: u64,
    pub(super) sender_skew: i64,
    /// When it arrived.
    pub(super) arrived: u64,
    /// The response has a bad ID token.
    pub(super) bad: bool,
}

impl RequestOrigin {
    fn notes(self) -> Notes {
        let Self { account, sent, sender_skew, arrived, bad, .. } = self;
        Notes {
            account,
            sent,
            sender_skew,
            spent_by: None,
            children: Vec::new(),
            stored: None,
            refused: false,
            issued: arrived,
            bad,
            refusal_stored: None,
        }
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
    pub(super) fn log_in(&mut self, session: usize, origin: RequestOrigin) -> usize {
        self.0.log_in(session, origin.notes())
    }

    pub(super) fn refresh(&mut self, token: usize, origin: RequestOrigin, now: u64) -> RefreshOutcome {
        let outcome = self.0.refresh(token, now, origin.notes());
        let notes = self.0.notes(token);
        if let RefreshOutcome::Granted(new) = outcome {
            notes.spent_by.get_or_insert(origin.request);
            notes.children.push(new);
        } else {
            notes.refused = true;
        }
        outcome
    }

    pub(super) fn refuse(&mut self, token: usize) {
        self.0.notes(token).refused = true;
    }

    pub(super) fn note_refusal(&mut self, token: usize, now: u64) {
        self.0.notes(token).refusal_stored.get_or_insert(now);
    }

    /// The first token of the login.
    pub(super) fn first(&self, token: usize) -> usize {
        std::iter::successors(Some(token), |token| self.token(*token).parent).last().unwrap_or(token)
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

    pub(super) fn notes(&self, token: usize) -> &Notes {
        &self.token(token).notes
    }

    /// Whether the server would accept the refresh token now.
    pub(super) fn accepts(&self, token: usize, now: u64) -> bool {
        self.0.accepts(token, now)
    }

    pub(super) fn children(&self, token: usize) -> impl Iterator<Item = usize> {
        self.notes(token).children.iter().copied()
    }

    /// Whether `new` was obtained from `old` by refreshes.
    pub(super) fn descends(&self, new: usize, old: usize) -> bool {
        self.0.descends(new, old)
    }
}
