//! What happened, for logs and metrics. Never holds a secret; handed out after the call, never under a lock.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use crate::logout_outcome::LogoutOutcome;
use protocol::error::ErrorCode;

/// Something worth a line in a log.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use sipgate_oauth2::{Client, Event};
///
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let lines = Arc::clone(&log);
/// Client::sipgate("1-0-a:third-party").realm("sipgate-apps").on_event(move |event| lines.lock().unwrap().push(event.clone())).build()?;
/// assert!(matches!(log.lock().unwrap().as_slice(), [Event::RealmMismatch { .. }]));
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The client id names another sipgate realm than the one that was set. The set one is used.
    RealmMismatch {
        /// The realm in the client id's suffix.
        named: String,
        /// The realm that is used.
        used: String,
    },
    /// A member of a token response was there but of no use, and counts as absent. A client tells this once of each member.
    ResponseMemberIgnored {
        /// The member's name.
        member: String,
    },
    /// A token request ended.
    TokenRequest {
        /// The value of `grant_type`.
        grant: &'static str,
        /// How long it took, from its start on a thread of the library's.
        duration: Duration,
        /// Whether the request left: its first byte was handed to the connection.
        sent: bool,
        /// What it failed with.
        error: Option<ErrorCode>,
    },
    /// A login was completed or saved.
    LoggedIn {
        /// Whose: a hash, the same for all processes.
        account: String,
        /// Counts the account's token sets.
        generation: u64,
    },
    /// New tokens were stored.
    Refreshed {
        /// Whose, as a hash.
        account: String,
        /// Counts the account's token sets.
        generation: u64,
        /// How long it took, waiting for others included.
        duration: Duration,
    },
    /// The tokens could not be renewed. The login goes on.
    RefreshFailed {
        /// Whose, as a hash.
        account: String,
        /// What it failed with.
        error: ErrorCode,
    },
    /// The server does not accept the login any more: somebody must log in.
    LoginEnded {
        /// Whose, as a hash.
        account: String,
    },
    /// A login was logged out.
    LoggedOut {
        /// Whose, as a hash.
        account: String,
        /// Whether the server was told.
        outcome: LogoutOutcome,
    },
    /// New tokens are in memory only, as the store failed. It is tried again every second.
    Unsaved {
        /// Whose, as a hash.
        account: String,
    },
}

impl Event {
    /// The kind as a word, the same in all languages: `token_request`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RealmMismatch { .. } => "realm_mismatch",
            Self::ResponseMemberIgnored { .. } => "response_member_ignored",
            Self::TokenRequest { .. } => "token_request",
            Self::LoggedIn { .. } => "logged_in",
            Self::Refreshed { .. } => "refreshed",
            Self::RefreshFailed { .. } => "refresh_failed",
            Self::LoginEnded { .. } => "login_ended",
            Self::LoggedOut { .. } => "logged_out",
            Self::Unsaved { .. } => "unsaved",
        }
    }

    /// Whether somebody should look: all but what happens every day.
    pub const fn is_warning(&self) -> bool {
        match self {
            Self::TokenRequest { error, .. } => error.is_some(),
            Self::LoggedIn { .. } | Self::Refreshed { .. } | Self::LoggedOut { .. } => false,
            _ => true,
        }
    }

    /// The event as a JSON object with its kind as `event`; durations in seconds.
    ///
    /// ```
    /// use sipgate_oauth2::Event;
    ///
    /// let event = Event::ResponseMemberIgnored { member: "expires_in".into() };
    /// assert_eq!(event.to_json(), r#"{"event":"response_member_ignored","member":"expires_in"}"#);
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
            Self::LoggedOut { account, outcome } => json!({"account": account, "outcome": outcome.as_str()}),
            Self::LoginEnded { account } | Self::Unsaved { account } => json!({"account": account}),
        };
        if let Some(members) = json.as_object_mut() {
            members.shift_insert(0, "event".to_owned(), self.kind().into());
        }
        json.to_string()
    }
}

/// One line for people, the same in every language's log.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RealmMismatch { named, used } => {
                write!(f, "the client id names the realm {named}, but {used} is set and used; correct one of them")
            }
            Self::ResponseMemberIgnored { member } => write!(f, "{member} in the server's answer is of no use and counts as absent"),
            Self::TokenRequest { grant, duration, error, .. } => {
                let outcome = error.map_or("ok", |code| code.as_str());
                write!(f, "token request {grant}: {outcome} after {} ms", duration.as_millis())
            }
            Self::LoggedIn { account, generation } => write!(f, "account {account}: logged in, token set {generation}"),
            Self::Refreshed { account, generation, duration } => {
                write!(f, "account {account}: renewed, token set {generation} after {} ms", duration.as_millis())
            }
            Self::RefreshFailed { account, error } => write!(f, "account {account}: not renewed, {error}; the login goes on"),
            Self::LoginEnded { account } => write!(f, "account {account}: the server has ended the login; somebody must log in"),
            Self::LoggedOut { account, outcome: LogoutOutcome::Revoked } => write!(f, "account {account}: logged out"),
            Self::LoggedOut { account, outcome: LogoutOutcome::LocalOnly } => {
                write!(f, "account {account}: logged out; no server was told")
            }
            Self::Unsaved { account } => {
                write!(f, "account {account}: new tokens are in memory only, as the store failed; it is tried again every second")
            }
        }
    }
}

/// The most members whose oddity is told: their names are the server's.
const MAX_ODD_MEMBERS: usize = 32;

/// Where events go.
#[derive(Clone, Default)]
pub(crate) struct Events {
    handler: Option<Arc<Handler>>,
    /// Members of token responses that were told to be odd. A server sends the same ones with each refresh.
    odd: Arc<Mutex<Vec<String>>>,
}

type Handler = dyn Fn(&Event) + Send + Sync;

impl Events {
    pub(crate) fn to(handler: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { handler: Some(Arc::new(handler)), odd: Arc::default() }
    }

    /// A handler that panics harms nobody, and no more does a logger.
    pub(crate) fn emit(&self, event: &Event) {
        if matches!(event, Event::ResponseMemberIgnored { member } if self.has_told(member)) {
            return;
        }
        #[cfg(feature = "log")]
        let _ = catch_unwind(|| log::log!(target: "sipgate_oauth2", level(event), "{event}"));
        if let Some(handler) = &self.handler {
            let _ = catch_unwind(AssertUnwindSafe(|| handler(event)));
        }
    }

    /// Whether this member was told before. Never waits, as a forked child could find the lock held for ever: told twice is no harm.
    fn has_told(&self, member: &str) -> bool {
        let Ok(mut odd) = self.odd.try_lock() else { return false };
        if odd.len() >= MAX_ODD_MEMBERS || odd.iter().any(|told| told == member) {
            return true;
        }
        odd.push(member.to_owned());
        false
    }
}

/// A request that failed is no warning of its own: its caller is told, and what it means for a login has an event.
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
    fn an_odd_member_is_told_once_and_there_is_an_end_to_it() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&told);
        let events = Events::to(move |event| seen.lock().unwrap().push(event.clone()));
        let odd = |member: String| events.clone().emit(&Event::ResponseMemberIgnored { member });
        for _ in 0..3 {
            odd("scope".into());
            odd("expires_in".into());
        }
        assert_eq!(*told.lock().unwrap(), ["scope", "expires_in"].map(|member| Event::ResponseMemberIgnored { member: member.into() }));
        (0..100).for_each(|number| odd(number.to_string()));
        assert_eq!(told.lock().unwrap().len(), MAX_ODD_MEMBERS);
    }
}
