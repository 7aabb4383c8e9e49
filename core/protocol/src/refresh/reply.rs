//! What came of a token request, as the protocol tells answers apart.

use crate::error::{Error, ErrorCode, Result};
use crate::oauth::token_set::TokenSet;
use crate::secret::RefreshToken;
use crate::time::Moment;

/// What the server, or the way to it, did with the request.
#[derive(Clone, Debug, Hash)]
pub enum Reply {
    /// Tokens: to be stored before anything else.
    Tokens(Box<Received>),
    /// The refresh token is still good: nothing was sent, or the server refused without spending it.
    Refused(Error),
    /// The server does not accept the refresh token.
    Rejected(Error),
    /// The connection broke after the first byte.
    ConnectionLost(Error),
    /// Sent, and whether the server carried it out, or still will, cannot be known.
    OutcomeUnknown(Error),
}

/// A good answer, and what became of it when it was judged.
#[derive(Clone, Debug, Hash)]
pub struct Received {
    /// What may be handed out, or why it may not.
    pub tokens: Result<TokenSet>,
    /// The refresh token to go on with, also when the rest is not usable; `None`: as before.
    pub refresh_token: Option<RefreshToken>,
    /// When the request was sent.
    pub sent: Moment,
}

impl Reply {
    /// `broken`: the connection broke, rather than the server being slow or overloaded.
    pub fn failed(error: Error, broken: bool) -> Self {
        match error.code() {
            ErrorCode::LoginRequired => Self::Rejected(error),
            ErrorCode::OutcomeUnknown if broken => Self::ConnectionLost(error),
            ErrorCode::OutcomeUnknown | ErrorCode::BadResponse | ErrorCode::Internal => Self::OutcomeUnknown(error),
            _ => Self::Refused(error),
        }
    }
}
