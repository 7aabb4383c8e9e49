//! What an authorization server does with refresh tokens: sessions, tokens, and what happens when one is shown that was used before.
//!
//! The model, the simulation and the schedules explore the library against this one server, a Keycloak as far as refresh tokens go. Each notes
//! what it needs beside a token, and has its own way of losing requests.

/// What the server does with a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// It stays good.
    Off,
    /// It is spent; shown again, it ends the session and with it every login of the same browser.
    Strict,
    /// It is spent; shown again, it is refused, and nothing else happens.
    Once,
    /// It stays good for so long after its first use, and is then as with [`Rotation::Strict`].
    Grace(u64),
}

/// What the server says to a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The tokens that follow, by their number.
    Granted(usize),
    /// It was used before: the session is over now.
    Replayed,
    /// It is not good, or its session is over.
    Over,
}

/// Sessions and tokens are named by their numbers, in the order in which they came to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server<N> {
    rotation: Rotation,
    /// Whether each still lives.
    sessions: Vec<bool>,
    tokens: Vec<Token<N>>,
}

/// An access token and the refresh token beside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token<N> {
    /// The session that it belongs to.
    pub session: usize,
    /// The token that bought this one.
    pub parent: Option<usize>,
    /// When its refresh token was first used.
    spent: Option<u64>,
    /// What an exploration wants to know of it.
    pub notes: N,
}

impl<N> Server<N> {
    /// A server that nobody has logged in at.
    #[must_use]
    pub fn new(rotation: Rotation) -> Self {
        Self { rotation, sessions: Vec::new(), tokens: Vec::new() }
    }

    /// Another rule, from now on.
    pub fn rotate(&mut self, rotation: Rotation) {
        self.rotation = rotation;
    }

    /// A new session.
    pub fn open(&mut self) -> usize {
        self.sessions.push(true);
        self.sessions.len() - 1
    }

    /// Ends a session, and with it every token of it.
    pub fn end(&mut self, session: usize) {
        self.sessions[session] = false;
    }

    /// The first tokens of a login.
    pub fn log_in(&mut self, session: usize, notes: N) -> usize {
        self.issue(session, None, notes)
    }

    /// A refresh token is shown at this time. `notes` are for what it buys.
    pub fn refresh(&mut self, token: usize, now: u64, notes: N) -> Verdict {
        let Token { session, .. } = self.tokens[token];
        if !self.is_alive(session) {
            return Verdict::Over;
        }
        if !self.accepts(token, now) {
            if self.rotation == Rotation::Once {
                return Verdict::Over;
            }
            self.end(session);
            return Verdict::Replayed;
        }
        self.tokens[token].spent.get_or_insert(now);
        Verdict::Granted(self.issue(session, Some(token), notes))
    }

    /// A refresh token is revoked: whether that ended its session. One that is spent names none any more, and is answered the same
    /// (RFC 7009, section 2.2).
    pub fn revoke(&mut self, token: usize, now: u64) -> bool {
        let ends = self.accepts(token, now);
        if ends {
            self.end(self.token(token).session);
        }
        ends
    }

    /// How it treats refresh tokens that were used.
    pub fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// Whether a session goes on.
    pub fn is_alive(&self, session: usize) -> bool {
        self.sessions[session]
    }

    /// The session that was opened last.
    pub fn newest_session(&self) -> Option<usize> {
        self.sessions.len().checked_sub(1)
    }

    /// One that was issued.
    pub fn token(&self, token: usize) -> &Token<N> {
        &self.tokens[token]
    }

    /// Its notes, for writing.
    pub fn notes(&mut self, token: usize) -> &mut N {
        &mut self.tokens[token].notes
    }

    /// All that were issued, with their numbers.
    pub fn tokens(&self) -> impl Iterator<Item = (usize, &Token<N>)> {
        self.tokens.iter().enumerate()
    }

    /// Whether the refresh token would buy something now.
    pub fn accepts(&self, token: usize, now: u64) -> bool {
        let token = self.token(token);
        self.is_alive(token.session)
            && match (self.rotation, token.spent) {
                (Rotation::Off, _) | (_, None) => true,
                (Rotation::Strict | Rotation::Once, Some(_)) => false,
                (Rotation::Grace(window), Some(spent)) => now <= spent + window,
            }
    }

    /// Whether `younger` came of `elder` by refreshing, or is the same.
    pub fn descends(&self, younger: usize, elder: usize) -> bool {
        std::iter::successors(Some(younger), |token| self.token(*token).parent).any(|token| token == elder)
    }

    fn issue(&mut self, session: usize, parent: Option<usize>, notes: N) -> usize {
        self.tokens.push(Token { session, parent, spent: None, notes });
        self.tokens.len() - 1
    }
}

impl<N> Token<N> {
    /// When its refresh token was first used.
    pub fn spent(&self) -> Option<u64> {
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::{Rotation, Server, Verdict};

    /// A server, and the tokens of a login at it that have been refreshed once, at 10.
    fn refreshed(rotation: Rotation) -> (Server<()>, usize, usize) {
        let mut server = Server::new(rotation);
        let session = server.open();
        let old = server.log_in(session, ());
        let Verdict::Granted(new) = server.refresh(old, 10, ()) else { panic!("a fresh token is good") };
        (server, old, new)
    }

    #[test]
    fn without_rotation_a_used_token_stays_good() {
        let (mut server, old, new) = refreshed(Rotation::Off);
        assert!(matches!(server.refresh(old, 1000, ()), Verdict::Granted(_)));
        assert!(server.accepts(new, 1000) && server.descends(new, old) && !server.descends(old, new));
    }

    #[test]
    fn with_strict_rotation_a_used_token_ends_the_session_and_every_login_in_it() {
        let (mut server, old, new) = refreshed(Rotation::Strict);
        let session = server.token(old).session;
        let beside = server.log_in(session, ());
        assert_eq!(server.refresh(old, 10, ()), Verdict::Replayed);
        assert!(!server.is_alive(session) && !server.accepts(new, 10) && !server.accepts(beside, 10));
        assert_eq!(server.refresh(new, 11, ()), Verdict::Over);
    }

    #[test]
    fn where_a_used_token_is_only_refused_the_session_goes_on() {
        let (mut server, old, new) = refreshed(Rotation::Once);
        assert_eq!(server.refresh(old, 10, ()), Verdict::Over);
        assert!(server.accepts(new, 10));
    }

    #[test]
    fn a_used_token_is_good_within_the_grace_time_of_its_first_use_and_a_replay_after_it() {
        let (mut server, old, _) = refreshed(Rotation::Grace(5));
        assert!(matches!(server.refresh(old, 12, ()), Verdict::Granted(_)));
        assert!(matches!(server.refresh(old, 15, ()), Verdict::Granted(_)));
        assert_eq!(server.refresh(old, 16, ()), Verdict::Replayed);
    }

    #[test]
    fn a_spent_token_revokes_nothing() {
        let (mut server, old, new) = refreshed(Rotation::Strict);
        assert!(!server.revoke(old, 10));
        assert!(server.revoke(new, 10) && !server.is_alive(0));
        assert!(!server.revoke(new, 11));
    }
}
