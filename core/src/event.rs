//! Events for logs and metrics. They contain no secrets, and handlers are never called under a
//! lock.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::error::ErrorCode;
use serde_json::json;

use crate::logout_outcome::LogoutOutcome;

/// Something worth a line in the log. Contains no secret.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use sipgate_oauth2::{ClientBuilder, Event};
///
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let lines = Arc::clone(&log);
/// ClientBuilder::sipgate("1-0-a:third-party")
///     .realm("sipgate-apps")
///     .on_event(move |event| lines.lock().unwrap().push(event.clone()))
///     .build()?;
/// assert!(matches!(log.lock().unwrap().as_slice(), [Event::RealmMismatch { .. }]));
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The client id belongs to another sipgate realm than the one that was set. The one that was
    /// set is used.
    RealmMismatch {
        /// The realm in the client id's suffix.
        named: String,
        /// The realm that is used.
        used: String,
    },
    /// A member of a token response was ignored because its value is invalid. A client reports each
    /// member once.
    ResponseMemberIgnored {
        /// The member's name.
        member: String,
    },
    /// A token request ended.
    TokenRequest {
        /// The value of `grant_type`.
        grant: &'static str,
        /// How long it took, from its start on a thread of the library.
        duration: Duration,
        /// Whether the request was sent: its first byte was written to the connection.
        sent: bool,
        /// The error, if it failed.
        error: Option<ErrorCode>,
    },
    /// A login was completed or saved.
    LoggedIn {
        /// A hash of the account, the same in all processes.
        account: String,
        /// The number of token sets that the account has had.
        generation: u64,
    },
    /// New tokens were stored.
    Refreshed {
        /// A hash of the account.
        account: String,
        /// The number of token sets that the account has had.
        generation: u64,
        /// How long it took, including the time spent waiting for other processes.
        duration: Duration,
    },
    /// The tokens could not be refreshed. The login continues.
    RefreshFailed {
        /// A hash of the account.
        account: String,
        /// The error.
        error: ErrorCode,
    },
    /// The login ends within a day, and refreshes do not put that off: the user must log in again
    /// before. A process reports it once for each login, after a refresh.
    LoginEnds {
        /// A hash of the account.
        account: String,
        /// The time that is left.
        remaining: Duration,
    },
    /// The server no longer accepts the login: the user must log in.
    LoginRejected {
        /// A hash of the account.
        account: String,
    },
    /// A login was logged out.
    LoggedOut {
        /// A hash of the account.
        account: String,
        /// Whether the server was told.
        outcome: LogoutOutcome,
    },
    /// New tokens are in memory only, because the store failed. Writing them is retried every
    /// second.
    Unsaved {
        /// A hash of the account.
        account: String,
    },
}

impl Event {
    /// The kind as a word, the same in all languages, such as `token_request`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RealmMismatch { .. } => "realm_mismatch",
            Self::ResponseMemberIgnored { .. } => "response_member_ignored",
            Self::TokenRequest { .. } => "token_request",
            Self::LoggedIn { .. } => "logged_in",
            Self::Refreshed { .. } => "refreshed",
            Self::RefreshFailed { .. } => "refresh_failed",
            Self::LoginEnds { .. } => "login_ends",
            Self::LoginRejected { .. } => "login_rejected",
            Self::LoggedOut { .. } => "logged_out",
            Self::Unsaved { .. } => "unsaved",
        }
    }

    /// Whether the event needs attention: all but those of normal operation.
    pub const fn is_warning(&self) -> bool {
        match self {
            Self::TokenRequest { error, .. } => error.is_some(),
            Self::LoggedIn { .. } | Self::Refreshed { .. } | Self::LoggedOut { .. } => false,
            _ => true,
        }
    }

    /// The event as a JSON object with its kind as `type`; durations in seconds.
    ///
    /// ```
    /// use sipgate_oauth2::Event;
    ///
    /// let event = Event::ResponseMemberIgnored { member: "expires_in".into() };
    /// assert_eq!(event.to_json(), r#"{"type":"response_member_ignored","member":"expires_in"}"#);
    /// ```
    pub fn to_json(&self) -> String {
        let code = |error: &ErrorCode| error.as_str();
        let mut json = match self {
            Self::RealmMismatch { named, used } => json!({"named": named, "used": used}),
            Self::ResponseMemberIgnored { member } => json!({"member": member}),
            Self::TokenRequest { grant, duration, sent, error } => {
                json!({"grant": grant, "duration": duration.as_secs_f64(), "sent": sent, "error": error.as_ref().map(code)})
            }
            Self::LoggedIn { account, generation } => json!({"account": account, "generation": generation}),
            Self::Refreshed { account, generation, duration } => {
                json!({"account": account, "generation": generation, "duration": duration.as_secs_f64()})
            }
            Self::RefreshFailed { account, error } => json!({"account": account, "error": code(error)}),
            Self::LoginEnds { account, remaining } => json!({"account": account, "remaining": remaining.as_secs_f64()}),
            Self::LoggedOut { account, outcome } => json!({"account": account, "outcome": outcome.as_str()}),
            Self::LoginRejected { account } | Self::Unsaved { account } => json!({"account": account}),
        };
        if let Some(members) = json.as_object_mut() {
            members.shift_insert(0, "type".to_owned(), self.kind().into());
        }
        json.to_string()
    }
}

/// One line of text, the same in the log of every language.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RealmMismatch { named, used } => {
                write!(f, "the client id names the realm {named}, but {used} is set and used; correct one of them")
            }
            Self::ResponseMemberIgnored { member } => write!(f, "{member} in the server's response is invalid and was ignored"),
            Self::TokenRequest { grant, duration, error, .. } => {
                let outcome = error.map_or("ok", |code| code.as_str());
                write!(f, "token request {grant}: {outcome} after {} ms", duration.as_millis())
            }
            Self::LoggedIn { account, generation } => write!(f, "account {account}: logged in, token set {generation}"),
            Self::Refreshed { account, generation, duration } => {
                write!(f, "account {account}: refreshed, token set {generation} after {} ms", duration.as_millis())
            }
            Self::RefreshFailed { account, error } => write!(f, "account {account}: not refreshed, {error}; the login continues"),
            Self::LoginEnds { account, remaining } => {
                let minutes = remaining.as_secs() / 60;
                write!(
                    f,
                    "account {account}: the login ends in {minutes} min, and refreshes do not put that off; the user must log in again"
                )
            }
            Self::LoginRejected { account } => write!(f, "account {account}: the server has ended the login; the user must log in"),
            Self::LoggedOut { account, outcome: LogoutOutcome::Revoked } => write!(f, "account {account}: logged out"),
            Self::LoggedOut { account, outcome: LogoutOutcome::LocalOnly } => {
                write!(f, "account {account}: logged out; the server was not told")
            }
            Self::Unsaved { account } => {
                write!(f, "account {account}: new tokens are in memory only, because the store failed; retried every second")
            }
        }
    }
}

/// How many ignored members are reported at most: the server chooses their names.
const MAX_IGNORED_MEMBERS: usize = 32;

/// The handler of a client's events.
#[derive(Clone, Default)]
pub(crate) struct Events {
    handler: Option<Arc<Handler>>,
    /// The ignored members that were reported. A server sends the same ones with each refresh.
    ignored: Arc<Mutex<Vec<String>>>,
}

type Handler = dyn Fn(&Event) + Send + Sync;

impl Events {
    pub(crate) fn to(handler: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { handler: Some(Arc::new(handler)), ignored: Arc::default() }
    }

    /// A panic in a handler or a logger is caught.
    pub(crate) fn emit(&self, event: &Event) {
        if matches!(event, Event::ResponseMemberIgnored { member } if self.was_reported(member)) {
            return;
        }
        #[cfg(feature = "log")]
        let _ = catch_unwind(|| log::log!(target: "sipgate_oauth2", level(event), "{event}"));
        if let Some(handler) = &self.handler {
            let _ = catch_unwind(AssertUnwindSafe(|| handler(event)));
        }
    }

    /// Whether this member was reported before. Does not wait for the lock, which may be held for
    /// ever in a forked child. Reporting a member twice does no harm.
    fn was_reported(&self, member: &str) -> bool {
        let Ok(mut ignored) = self.ignored.try_lock() else { return false };
        if ignored.len() >= MAX_IGNORED_MEMBERS || ignored.iter().any(|reported| reported == member) {
            return true;
        }
        ignored.push(member.to_owned());
        false
    }
}

/// A failed request is not a warning: its caller gets the error, and what it means for a login is
/// an event of its own.
#[cfg(feature = "log")]
const fn level(event: &Event) -> log::Level {
    match event {
        Event::TokenRequest { .. } | Event::Refreshed { .. } => log::Level::Debug,
        event if event.is_warning() => log::Level::Warn,
        _ => log::Level::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_member_is_reported_once_and_their_number_is_limited() {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&reported);
        let events = Events::to(move |event| seen.lock().unwrap().push(event.clone()));
        let ignore = |member: String| events.clone().emit(&Event::ResponseMemberIgnored { member });
        for _ in 0..3 {
            ignore("scope".into());
            ignore("expires_in".into());
        }
        assert_eq!(*reported.lock().unwrap(), ["scope", "expires_in"].map(|member| Event::ResponseMemberIgnored { member: member.into() }));
        (0..100).for_each(|number| ignore(number.to_string()));
        assert_eq!(reported.lock().unwrap().len(), MAX_IGNORED_MEMBERS);
    }
}
