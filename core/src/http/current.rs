//! Which request this thread is carrying. Pooled connections outlive the request that made them, so they ask here.

use std::cell::RefCell;
use std::sync::Arc;

use crate::running::Progress;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Progress>>> = const { RefCell::new(None) };
}

/// Runs `work` with `progress` as this thread's current request.
pub(super) fn during<T>(progress: &Arc<Progress>, work: impl FnOnce() -> T) -> T {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            CURRENT.set(None);
        }
    }
    CURRENT.set(Some(Arc::clone(progress)));
    let _reset = Reset;
    work()
}

/// Whether the current request was given up before its first byte.
pub(super) fn is_abandoned() -> bool {
    CURRENT.with_borrow(|current| current.as_ref().is_some_and(|progress| progress.is_abandoned()))
}

/// Announces a byte of the current request. `false`: it must not leave.
pub(super) fn may_send() -> bool {
    CURRENT.with_borrow(|current| current.as_ref().is_none_or(|progress| progress.may_send()))
}
