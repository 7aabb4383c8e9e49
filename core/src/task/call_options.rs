//! How long a caller waits, and how it stops waiting.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Result};

use crate::sys::sync::{AtomicBool, AtomicU64, Mutex, Ordering};

/// Options of one call: a timeout (30 s by default), and a token that cancels it.
///
/// Both end the caller's wait only. A request whose first byte was sent continues to its own
/// deadline: cutting it off would lose what the server made of it.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
/// use std::time::Duration;
/// use sipgate_oauth2::{CallOptions, CancelToken};
///
/// let cancel = CancelToken::new();
/// let options = CallOptions::new().timeout(Duration::from_secs(5)).cancel_token(&cancel);
/// let tokens = client.start_refresh("a refresh token", &options).wait()?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct CallOptions {
    pub(crate) timeout: Duration,
    has_timeout: bool,
    pub(crate) cancel: Option<CancelToken>,
}

impl CallOptions {
    /// How long a call waits by default: 30 seconds.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// A timeout of 30 seconds, and no cancel token.
    pub fn new() -> Self {
        Self { timeout: Self::DEFAULT_TIMEOUT, has_timeout: false, cancel: None }
    }

    /// Waits no longer than this.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.has_timeout = true;
        self
    }

    /// With this timeout if none was set: for a call that takes longer than others.
    pub(crate) fn or_timeout(self, timeout: Duration) -> Self {
        if self.has_timeout { self } else { Self { timeout, ..self } }
    }

    /// Stops waiting when this token is cancelled.
    pub fn cancel_token(mut self, cancel: &CancelToken) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }

    /// An error if the token is cancelled already.
    pub(crate) fn refuse_cancelled(&self) -> Result<()> {
        match &self.cancel {
            Some(cancel) if cancel.is_cancelled() => {
                Err(Error::new(ErrorCode::Cancelled, "cancelled before the call began; nothing was sent"))
            }
            _ => Ok(()),
        }
    }
}

impl Default for CallOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Cancels every call that was given it, from any thread. It cannot be reset. Clones are the same
/// token.
///
/// ```
/// use sipgate_oauth2::{CallOptions, CancelToken, ClientBuilder, ErrorCode};
///
/// let client = ClientBuilder::sipgate("1-0-a:third-party").build()?;
/// let cancel = CancelToken::new();
/// cancel.cancel();
/// let error = client.start_refresh("a refresh token", &CallOptions::new().cancel_token(&cancel)).wait().unwrap_err();
/// assert_eq!(error.code(), ErrorCode::Cancelled);
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Shared>);

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    next: AtomicU64,
    listeners: Mutex<Vec<(u64, Listener)>>,
}

type Listener = Box<dyn FnOnce() + Send>;

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the wait of every call that has this token, now and later. Completions of tasks run on
    /// this thread.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        let listeners = std::mem::take(&mut *self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner));
        for (_, listener) in listeners {
            listener();
        }
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// Runs `listener` when the token is cancelled, at once if it is; not any more once the guard
    /// is dropped.
    pub(crate) fn listen(&self, listener: impl FnOnce() + Send + 'static) -> Listening {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut listeners = self.0.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_cancelled() {
            drop(listeners);
            listener();
        } else {
            listeners.push((id, Box::new(listener)));
        }
        Listening { token: self.clone(), id }
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish()
    }
}

/// A listener's place at a token.
pub(crate) struct Listening {
    token: CancelToken,
    id: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut listeners = self.token.0.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_hears_a_cancellation_once_whenever_it_came() {
        let heard = Arc::new(AtomicU64::new(0));
        let listener = || {
            let heard = Arc::clone(&heard);
            move || {
                heard.fetch_add(1, Ordering::Relaxed);
            }
        };
        let token = CancelToken::new();
        let _before = token.listen(listener());
        drop(token.listen(listener()));
        token.cancel();
        token.cancel();
        let _after = token.listen(listener());
        assert_eq!(heard.load(Ordering::Relaxed), 2);
    }
}
