//! The result of a token request, as far as the protocol distinguishes results.

use crate::error::{Error, ErrorCode, Result};
use crate::oauth::token_set::TokenSet;
use crate::secret::RefreshToken;
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
