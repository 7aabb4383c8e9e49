//! An authorization server's sessions and refresh tokens, and what happens if a token is used
//! again.
//!
//! The model, the simulation and the schedules explore the library against this server, which
//! treats refresh tokens as Keycloak does. Each keeps its own notes about a token, and loses
//! requests in its own way.

/// What the server does with a refresh token that is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// It accepts the token until the session ends.
    Off,
    /// It ends the session, and so every login in the same browser.
    Strict,
    /// It refuses the token, and the session continues.
    Once,
    /// It accepts the token until this much time has passed since the first use, and then ends the
    /// session.
    Grace(u64),
}

/// What the server does with a refresh request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// It issues a new token, which has this number.
    Granted(usize),
    /// The token was used before, so the session has ended now.
    Replayed,
    /// The session had ended before, or the server only refuses the used token
    /// ([`Rotation::Once`]).
    Refused,
}

/// The server's state. Sessions and tokens are numbered from zero, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server<N> {
    rotation: Rotation,
    /// Whether each is alive.
    sessions: Vec<bool>,
    tokens: Vec<Token<N>>,
}

/// A refresh token, and the access token that was issued with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token<N> {
    /// The session that it belongs to.
    pub session: usize,
    /// The token that this one was obtained with.
    pub parent: Option<usize>,
    /// When it was first used.
    spent: Option<u64>,
    /// What an exploration needs to know about it.
    pub notes: N,
}

impl<N> Server<N> {
    /// A server without sessions.
    #[must_use]
    pub fn new(rotation: Rotation) -> Self {
        Self { rotation, sessions: Vec::new(), tokens: Vec::new() }
    }

    /// Changes the rotation from now on.
    pub fn set_rotation(&mut self, rotation: Rotation) {
        self.rotation = rotation;
    }

    /// Opens a session.
    pub fn open(&mut self) -> usize {
        self.sessions.push(true);
        self.sessions.len() - 1
    }

    /// Ends a session, so that its tokens are refused.
    pub fn end(&mut self, session: usize) {
        self.sessions[session] = false;
    }

    /// Issues the first token of a login.
    pub fn log_in(&mut self, session: usize, notes: N) -> usize {
        self.issue(session, None, notes)
    }

    /// A client refreshes with this token. `notes` are about the new token.
    pub fn refresh(&mut self, token: usize, now: u64, notes: N) -> RefreshOutcome {
        let Token { session, .. } = self.tokens[token];
        if !self.is_alive(session) {
            return RefreshOutcome::Refused;
        }
        if !self.accepts(token, now) {
            if self.rotation == Rotation::Once {
                return RefreshOutcome::Refused;
            }
            self.end(session);
            return RefreshOutcome::Replayed;
        }
        self.tokens[token].spent.get_or_insert(now);
        RefreshOutcome::Granted(self.issue(session, Some(token), notes))
    }

    /// Revokes a refresh token, and says whether this ended its session. A spent token has no
    /// session, and gets the same response (RFC 7009, section 2.2).
    pub fn revoke(&mut self, token: usize, now: u64) -> bool {
        let ends = self.accepts(token, now);
        if ends {
            self.end(self.token(token).session);
        }
        ends
    }

    /// What it does with a refresh token that is used again.
    pub fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// Whether a session is alive.
    pub fn is_alive(&self, session: usize) -> bool {
        self.sessions[session]
    }

    /// The session that was opened last.
    pub fn newest_session(&self) -> Option<usize> {
        self.sessions.len().checked_sub(1)
    }

    /// A token that was issued.
    pub fn token(&self, token: usize) -> &Token<N> {
        &self.tokens[token]
    }

    /// A token's notes.
    pub fn notes(&mut self, token: usize) -> &mut N {
        &mut self.tokens[token].notes
    }

    /// Every token, with its number.
    pub fn tokens(&self) -> impl Iterator<Item = (usize, &Token<N>)> {
        self.tokens.iter().enumerate()
    }

    /// Whether the server would accept the refresh token now.
    pub fn accepts(&self, token: usize, now: u64) -> bool {
        let token = self.token(token);
        self.is_alive(token.session)
            && match (self.rotation, token.spent) {
                (Rotation::Off, _) | (_, None) => true,
                (Rotation::Strict | Rotation::Once, Some(_)) => false,
                (Rotation::Grace(window), Some(spent)) => now <= spent + window,
            }
    }

    /// Whether `younger` was obtained from `elder` by refreshes, or is the same token.
    pub fn descends(&self, younger: usize, elder: usize) -> bool {
        std::iter::successors(Some(younger), |token| self.token(*token).parent).any(|token| token == elder)
    }

    fn issue(&mut self, session: usize, parent: Option<usize>, notes: N) -> usize {
        self.tokens.push(Token { session, parent, spent: None, notes });
        self.tokens.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::{RefreshOutcome, Rotation, Server};

    /// A server, and the two tokens of a login that was refreshed once, at time 10.
    fn refreshed(rotation: Rotation) -> (Server<()>, usize, usize) {
        let mut server = Server::new(rotation);
        let session = server.open();
        let old = server.log_in(session, ());
        let RefreshOutcome::Granted(new) = server.refresh(old, 10, ()) else { panic!("the server accepts an unused token") };
        (server, old, new)
    }

    #[test]
    fn without_rotation_a_used_token_is_accepted() {
        let (mut server, old, new) = refreshed(Rotation::Off);
        assert!(matches!(server.refresh(old, 1000, ()), RefreshOutcome::Granted(_)));
        assert!(server.accepts(new, 1000) && server.descends(new, old) && !server.descends(old, new));
    }

    #[test]
    fn with_strict_rotation_a_used_token_ends_the_session_and_every_login_in_it() {
        let (mut server, old, new) = refreshed(Rotation::Strict);
        let session = server.token(old).session;
        let another = server.log_in(session, ());
        assert_eq!(server.refresh(old, 10, ()), RefreshOutcome::Replayed);
        assert!(!server.is_alive(session) && !server.accepts(new, 10) && !server.accepts(another, 10));
        assert_eq!(server.refresh(new, 11, ()), RefreshOutcome::Refused);
    }

    #[test]
    fn if_a_used_token_is_only_refused_the_session_continues() {
        let (mut server, old, new) = refreshed(Rotation::Once);
        assert_eq!(server.refresh(old, 10, ()), RefreshOutcome::Refused);
        assert!(server.accepts(new, 10));
    }

    #[test]
    fn a_used_token_is_accepted_in_the_grace_period_after_its_first_use_and_a_replay_after_it() {
        let (mut server, old, _) = refreshed(Rotation::Grace(5));
        assert!(matches!(server.refresh(old, 12, ()), RefreshOutcome::Granted(_)));
        assert!(matches!(server.refresh(old, 15, ()), RefreshOutcome::Granted(_)));
        assert_eq!(server.refresh(old, 16, ()), RefreshOutcome::Replayed);
    }

    #[test]
    fn a_spent_token_revokes_nothing() {
        let (mut server, old, new) = refreshed(Rotation::Strict);
        assert!(!server.revoke(old, 10));
        assert!(server.revoke(new, 10) && !server.is_alive(0));
        assert!(!server.revoke(new, 11));
    }
}
