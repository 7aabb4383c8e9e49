//! What C holds: a pointer that keeps a value alive until it is freed.

use std::sync::Arc;

/// A type whose handles belong to the caller.
///
/// The type says how a handle keeps its value: alone ([`Box`]) or with others ([`Arc`]). [`free`]
/// follows the type, so that no handle is freed in the wrong way. What a callback borrows, such as
/// an event, is not a `Handle` and cannot be freed.
pub(crate) trait Handle: Sized {
    type Owner: Owner<Self>;
}

/// A type whose handles do not share their value.
macro_rules! boxed {
    ($handle:ident) => {
        impl crate::handle::Handle for $handle {
            type Owner = Box<Self>;
        }
    };
}
pub(crate) use boxed;

/// The value of a handle.
pub(crate) trait Owner<T> {
    fn into_raw(self) -> *mut T;

    /// # Safety
    ///
    /// `handle` came from `into_raw` and is not used again.
    unsafe fn from_raw(handle: *mut T) -> Self;
}

impl<T> Owner<T> for Box<T> {
    fn into_raw(self) -> *mut T {
        Box::into_raw(self)
    }

    unsafe fn from_raw(handle: *mut T) -> Self {
        // SAFETY: the caller upholds the contract.
        unsafe { Box::from_raw(handle) }
    }
}

impl<T> Owner<T> for Arc<T> {
    fn into_raw(self) -> *mut T {
        Arc::into_raw(self).cast_mut()
    }

    unsafe fn from_raw(handle: *mut T) -> Self {
        // SAFETY: the caller upholds the contract.
        unsafe { Arc::from_raw(handle.cast_const()) }
    }
}

/// A value that C gets as a handle of `H`.
pub(crate) trait IntoHandle<H> {
    fn into_handle(self) -> *mut H;
}

impl<H: Handle<Owner = Box<H>> + From<V>, V> IntoHandle<H> for V {
    fn into_handle(self) -> *mut H {
        Owner::into_raw(Box::new(H::from(self)))
    }
}

/// Drops what a handle keeps, or does nothing if it is NULL.
///
/// # Safety
///
/// `handle` is NULL or came from [`IntoHandle`] and is not used again.
pub(crate) unsafe fn free<H: Handle>(handle: *mut H) {
    if !handle.is_null() {
        // SAFETY: not NULL, so it came from the owner that its type names.
        drop(unsafe { H::Owner::from_raw(handle) });
    }
}
