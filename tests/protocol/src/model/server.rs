//! The model's authorization server, which treats refresh tokens as Keycloak does.

/// What the server does with a refresh token that is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Rotation {
    /// It accepts the token.
    None,
    /// It ends the session, and so every login in the same browser.
    Strict,
}

/// The server's state. Tokens and sessions are named by their index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Server {
    rotation: Rotation,
    /// The sessions of one browser, in order: whether each is alive.
    sessions: Vec<bool>,
    tokens: Vec<Token>,
    /// How many spent tokens were sent again.
    pub(super) reuses: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Token {
    session: u8,
    /// The token that this one was obtained with.
    pub(super) parent: Option<u8>,
    spent: bool,
    /// The server has not accepted it.
    pub(super) refused: bool,
    /// How many times it was sent.
    pub(super) uses: u8,
    /// When it was issued, with an access token of the same age.
    pub(super) issued: u32,
}

impl Server {
    /// A server with one login.
    pub(super) fn new(rotation: Rotation) -> Self {
        let mut server = Self { rotation, sessions: Vec::new(), tokens: Vec::new(), reuses: 0 };
        server.log_in(0);
        server
    }

    pub(super) fn is_strict(&self) -> bool {
        self.rotation == Rotation::Strict
    }

    pub(super) fn token(&self, token: u8) -> &Token {
        &self.tokens[usize::from(token)]
    }

    /// Whether the token's session is alive.
    pub(super) fn is_alive(&self, token: u8) -> bool {
        self.sessions[usize::from(self.token(token).session)]
    }

    /// Whether `younger` was obtained from `elder` by refreshes.
    pub(super) fn descends(&self, younger: u8, elder: u8) -> bool {
        std::iter::successors(Some(younger), |token| self.token(*token).parent).any(|token| token == elder)
    }

    /// A login in the same browser. It joins the session that is alive.
    pub(super) fn log_in(&mut self, time: u32) -> u8 {
        if self.sessions.last() != Some(&true) {
            self.sessions.push(true);
        }
        let session = self.sessions.len() - 1;
        self.issue(u8::try_from(session).expect("a few sessions"), None, time)
    }

    /// The next token, or `None` for `invalid_grant`.
    pub(super) fn refresh(&mut self, token: u8, time: u32) -> Option<u8> {
        let strict = self.is_strict();
        let alive = self.is_alive(token);
        let used = &mut self.tokens[usize::from(token)];
        used.uses += 1;
        if alive && !(strict && used.spent) {
            used.spent = true;
            let session = used.session;
            return Some(self.issue(session, Some(token), time));
        }
        used.refused = true;
        if alive {
            self.reuses += 1;
            self.end(token);
        }
        None
    }

    /// Ends the session. A spent token has no session, and gets the same response (RFC 7009,
    /// section 2.2).
    pub(super) fn revoke(&mut self, token: u8) {
        if self.can_revoke(token) {
            self.end(token);
        }
    }

    /// Whether revoking this token ends a session.
    pub(super) fn can_revoke(&self, token: u8) -> bool {
        self.is_alive(token) && !(self.is_strict() && self.token(token).spent)
    }

    /// Whether two tokens belong to the same session.
    pub(super) fn share_session(&self, one: u8, other: u8) -> bool {
        self.token(one).session == self.token(other).session
    }

    /// Ends the token's session.
    fn end(&mut self, token: u8) {
        let session = self.token(token).session;
        self.sessions[usize::from(session)] = false;
    }

    fn issue(&mut self, session: u8, parent: Option<u8>, time: u32) -> u8 {
        self.tokens.push(Token { session, parent, spent: false, refused: false, uses: 0, issued: time });
        u8::try_from(self.tokens.len() - 1).expect("a few tokens")
    }
}
