//! The outcome of a logout.

use std::fmt;

/// Whether the server was told about a logout. In both cases, the login has ended in this program.
///
/// ```
/// # fn f(source: &sipgate_oauth2::TokenSource) -> sipgate_oauth2::Result<()> {
/// use sipgate_oauth2::LogoutOutcome;
///
/// if source.logout()? == LogoutOutcome::LocalOnly {
///     println!("the tokens still work until they expire");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogoutOutcome {
    /// The server revoked the refresh token (RFC 7009), or responded that it is no longer valid.
    Revoked,
    /// The server was not told: the client has no revocation endpoint, or there was no refresh
    /// token to revoke, as after an earlier logout.
    LocalOnly,
}

impl LogoutOutcome {
    /// The outcome as a word, the same in all languages: `revoked`, `local_only`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::LocalOnly => "local_only",
        }
    }

    pub(crate) const fn of(revoked: bool) -> Self {
        if revoked { Self::Revoked } else { Self::LocalOnly }
    }
}

impl fmt::Display for LogoutOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
