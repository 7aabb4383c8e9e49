//! Why a caller stopped waiting.

/// Why a caller stopped waiting.
///
/// ```no_run
/// use sipgate_oauth2::{CallOptions, ClientBuilder, ErrorCode, WaitEnded};
///
/// let client = ClientBuilder::sipgate("1-0-a:third-party").build()?;
/// let task = client.start_refresh("a refresh token", &CallOptions::new());
/// task.abandon(WaitEnded::Cancelled);
/// assert_eq!(task.wait().unwrap_err().code(), ErrorCode::Cancelled);
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitEnded {
    /// The caller cancelled.
    Cancelled,
    /// The caller's timeout elapsed.
    TimedOut,
}
