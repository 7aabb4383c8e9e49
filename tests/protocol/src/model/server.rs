//! The authorization server of the model, and what the rules want to know of its tokens, which have small numbers here.

use authorization_server::{Rotation, Verdict};

/// The model's times are steps; no token is forgiven for some of them.
const ANY_TIME: u64 = 0;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Server {
    server: authorization_server::Server<Notes>,
    /// Spent tokens that were shown again.
    pub(super) reuses: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Notes {
    /// It was shown and not accepted.
    pub(super) refused: bool,
    /// When it was issued: what comes with it lives from then on.
    pub(super) issued: u32,
}

impl Notes {
    fn at(time: u32) -> Self {
        Self { refused: false, issued: time }
    }
}

impl Server {
    /// A server with one login.
    pub(super) fn new(rotation: Rotation) -> Self {
        let mut server = Self { server: authorization_server::Server::new(rotation), reuses: 0 };
        server.log_in(0);
        server
    }

    pub(super) fn is_strict(&self) -> bool {
        self.server.rotation() == Rotation::Strict
    }

    pub(super) fn notes(&self, token: u8) -> &Notes {
        &self.server.token(token.into()).notes
    }

    /// The token that bought this one.
    pub(super) fn parent(&self, token: u8) -> Option<u8> {
        self.server.token(token.into()).parent.map(small)
    }

    /// Whether the session that the token belongs to lives.
    pub(super) fn is_alive(&self, token: u8) -> bool {
        self.server.is_alive(self.session(token))
    }

    /// Whether `younger` came of `elder` by refreshing.
    pub(super) fn descends(&self, younger: u8, elder: u8) -> bool {
        self.server.descends(younger.into(), elder.into())
    }

    /// Another login of the same browser: it enters the session that is there.
    pub(super) fn log_in(&mut self, time: u32) -> u8 {
        let there = self.server.newest_session().filter(|session| self.server.is_alive(*session));
        let session = there.unwrap_or_else(|| self.server.open());
        small(self.server.log_in(session, Notes::at(time)))
    }

    /// The tokens that follow, or `None`: `invalid_grant`.
    pub(super) fn refresh(&mut self, token: u8, time: u32) -> Option<u8> {
        let verdict = self.server.refresh(token.into(), ANY_TIME, Notes::at(time));
        if let Verdict::Granted(new) = verdict {
            return Some(small(new));
        }
        self.server.notes(token.into()).refused = true;
        self.reuses += u8::from(verdict == Verdict::Replayed);
        None
    }

    /// Ends the session, where the token still names one.
    pub(super) fn revoke(&mut self, token: u8) {
        self.server.revoke(token.into(), ANY_TIME);
    }

    /// Whether a session ends when this token is revoked.
    pub(super) fn can_revoke(&self, token: u8) -> bool {
        self.server.accepts(token.into(), ANY_TIME)
    }

    /// Whether two tokens belong to the same session.
    pub(super) fn share_session(&self, one: u8, other: u8) -> bool {
        self.session(one) == self.session(other)
    }

    fn session(&self, token: u8) -> usize {
        self.server.token(token.into()).session
    }
}

fn small(number: usize) -> u8 {
    u8::try_from(number).expect("a few tokens")
}
