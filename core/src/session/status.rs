//! The state of a login, for users and monitoring.

use std::fmt;

use protocol::error::Error;
use protocol::refresh::local_state::{self, LocalState};
use protocol::refresh::record::{Record, State};

/// The state of a login. Holds no secret.
///
/// ```no_run
/// # fn f(source: &sipgate_oauth2::TokenSource) -> sipgate_oauth2::Result<()> {
/// use sipgate_oauth2::LoginState;
///
/// let status = source.status()?;
/// if status.state != LoginState::Active {
///     println!("the user must log in: {:?}", status.last_error);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenStatus {
    /// Whether there is a login.
    pub state: LoginState,
    /// Counts the token sets of this account, across logins.
    pub generation: u64,
    /// When the access token expires, in seconds since 1970.
    pub expires_at: Option<i64>,
    /// When the refresh token expires, in seconds since 1970. A hint.
    pub refresh_expires_at: Option<i64>,
    /// The scope that was granted.
    pub scope: Option<String>,
    /// Why the last refresh failed, or why the login ended.
    pub last_error: Option<Error>,
    /// Whether new tokens are held in memory, because the store could not save them yet.
    pub unsaved: bool,
}

/// Whether there is a login.
///
/// ```
/// assert_eq!(sipgate_oauth2::LoginState::Active.to_string(), "active");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginState {
    /// No login is stored.
    Absent,
    /// A login is stored.
    Active,
    /// The server has rejected the refresh token. A new login, or a refresh that succeeds, makes it
    /// active again.
    Rejected,
    /// The user was logged out.
    LoggedOut,
    /// The entry cannot be read: it is damaged, encrypted with a key that the store was not given,
    /// or of a newer version of this library. Only
    /// [`Client::accounts`](crate::Client::accounts) says so; elsewhere it is an error.
    Unreadable,
}

impl LoginState {
    /// The state as text, the same in all languages: `logged_out`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Active => "active",
            Self::Rejected => "rejected",
            Self::LoggedOut => "logged_out",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for LoginState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TokenStatus {
    pub(super) fn of(local: &LocalState) -> Self {
        let record = local.record();
        let tokens = record.and_then(|record| record.tokens.as_ref());
        Self {
            state: record.map_or(LoginState::Absent, state),
            generation: record.map_or(0, |record| record.generation),
            expires_at: tokens.and_then(|tokens| tokens.expires_at()),
            refresh_expires_at: tokens.and_then(|tokens| tokens.refresh_expires_at()),
            scope: tokens.and_then(|tokens| tokens.scope()).map(str::to_owned),
            last_error: record.and_then(last_error),
            unsaved: local.is_unsaved(),
        }
    }
}

/// Why the login ended, or why its last refresh failed.
pub(super) fn last_error(record: &Record) -> Option<Error> {
    let ended = Some(record).filter(|record| !record.is_absent()).and_then(local_state::login_required);
    ended.or_else(|| record.failure.as_ref().map(|failure| failure.reason.error()))
}

pub(super) fn state(record: &Record) -> LoginState {
    match record.state {
        State::Active => LoginState::Active,
        State::Rejected { .. } => LoginState::Rejected,
        State::LoggedOut if record.is_absent() => LoginState::Absent,
        State::LoggedOut => LoginState::LoggedOut,
    }
}
