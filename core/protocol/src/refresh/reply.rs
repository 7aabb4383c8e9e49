//! The result of a token request, as far as the protocol distinguishes results.

use crate::error::{Error, ErrorCode, Result};
use crate::oauth::token_set::TokenSet;
use crate::openid::identity::Identity;
use crate::secret::{IdToken, RefreshToken};
use crate::time::Moment;

/// What the server did with the request, or what happened on the way.
#[derive(Clone, Debug, Hash)]
pub enum Reply {
    /// Tokens, to be stored before anything else.
    Tokens(Box<Received>),
    /// The refresh token is still good: nothing was sent, or the server refused without spending
    /// it.
    Refused(Error),
    /// The server does not accept the refresh token.
    Rejected(Error),
    /// The connection was lost after the first byte was sent.
    ConnectionLost(Error),
    /// The request was sent, and the server may have carried it out, or still may.
    OutcomeUnknown(Error),
}

/// The tokens of a successful response, and whether they can be used.
#[derive(Clone, Debug, Hash)]
pub struct Received {
    /// What may be handed out, or why it may not.
    pub tokens: Result<TokenSet>,
    /// The next refresh token, even if the rest cannot be used; `None` if the old one stays.
    pub refresh_token: Option<RefreshToken>,
    /// When the request was sent.
    pub sent: Moment,
    /// What is known of the ID token.
    pub id_token: ReceivedIdToken,
}

/// What is known of the ID token in a response. One that was refused makes the tokens unusable.
#[derive(Clone, Debug, Default, Hash)]
pub enum ReceivedIdToken {
    /// There is none that has to be judged.
    #[default]
    Absent,
    /// It is good, and in the tokens.
    Accepted(Identity),
    /// The keys to judge it with are not at hand. The tokens have an earlier one, if there is one.
    Unjudged(IdToken),
}

impl ReceivedIdToken {
    /// Of tokens that the application saves: their ID token was verified when they were received.
    pub fn of_saved(tokens: &TokenSet) -> Self {
        tokens.claims().map_or(Self::Absent, |claims| Self::Accepted(Identity::of(&claims)))
    }
}

impl Reply {
    /// The reply for a request that failed. With `connection_lost`, an unknown outcome is due to a
    /// connection that was lost, and not to a server that is slow or overloaded.
    pub fn failed(error: Error, connection_lost: bool) -> Self {
        match error.code() {
            ErrorCode::LoginRequired => Self::Rejected(error),
            ErrorCode::OutcomeUnknown if connection_lost => Self::ConnectionLost(error),
            ErrorCode::OutcomeUnknown | ErrorCode::BadResponse | ErrorCode::Internal => Self::OutcomeUnknown(error),
            _ => Self::Refused(error),
        }
    }
}
