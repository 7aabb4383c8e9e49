//! What happened, for logs and metrics. Never holds a secret; handed out after the call, never under a lock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::error::ErrorCode;

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
    /// A member of a token answer was there but of no use, and counted as absent; a token type was not said.
    OddAnswer {
        /// The member's name.
        member: &'static str,
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
}

/// Where events go.
#[derive(Clone, Default)]
pub(crate) struct Events(Option<Arc<Handler>>);

type Handler = dyn Fn(&Event) + Send + Sync;

impl Events {
    pub(crate) fn to(handler: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(handler)))
    }

    /// A handler that panics harms nobody.
    pub(crate) fn emit(&self, event: &Event) {
        if let Some(handler) = &self.0 {
            let _ = catch_unwind(AssertUnwindSafe(|| handler(event)));
        }
    }
}
