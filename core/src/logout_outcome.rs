//! What a logout has done.

/// Whether a server was told of a logout. The login is over here in either case.
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
pub enum LogoutOutcome {
    /// The server has revoked the refresh token (RFC 7009), or says that it is no longer valid.
    Revoked,
    /// No server was told: the client has no revocation endpoint, or there was no refresh token to revoke, as after an earlier logout.
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

impl std::fmt::Display for LogoutOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
