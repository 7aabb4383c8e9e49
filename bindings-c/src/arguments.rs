//! Pointers on their way in: the one place that reads what C passed.

use std::ffi::{CStr, c_char};
use std::sync::Arc;

use sipgate_oauth2::{Error, Result};

/// A text that must be there.
///
/// # Safety
///
/// `text` is NULL or points to a string that ends with NUL and outlives the call.
pub(crate) unsafe fn text<'a>(name: &str, text: *const c_char) -> Result<&'a str> {
    // SAFETY: the caller's promise is ours.
    unsafe { optional_text(name, text) }?.ok_or_else(|| Error::invalid_argument(name, "is NULL; pass a string"))
}

/// A text that may be left out with NULL.
///
/// # Safety
///
/// As for [`text`].
pub(crate) unsafe fn optional_text<'a>(name: &str, text: *const c_char) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and so a string that ends with NUL and outlives the call.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| Error::invalid_argument(name, "is not UTF-8; convert it"))
}

/// Bytes that must be there, if there are any.
///
/// # Safety
///
/// `bytes` is NULL or points to `len` bytes that outlive the call.
pub(crate) unsafe fn bytes<'a>(name: &str, bytes: *const u8, len: usize) -> Result<&'a [u8]> {
    if bytes.is_null() {
        return if len == 0 { Ok(&[]) } else { Err(Error::invalid_argument(name, "is NULL; pass its bytes")) };
    }
    if isize::try_from(len).is_err() {
        return Err(Error::invalid_argument(name, "has a length that nothing has"));
    }
    // SAFETY: not NULL, and so `len` bytes that outlive the call; no more than an allocation can have.
    Ok(unsafe { std::slice::from_raw_parts(bytes, len) })
}

/// A handle that must be there.
///
/// # Safety
///
/// `handle` is NULL or was returned by this library and not freed, and nobody changes it meanwhile.
pub(crate) unsafe fn handle<'a, T>(name: &str, handle: *const T) -> Result<&'a T> {
    // SAFETY: the caller's promise is ours.
    unsafe { handle.as_ref() }.ok_or_else(|| Error::invalid_argument(name, "is NULL; pass a handle"))
}

/// A handle that is going to be changed.
///
/// # Safety
///
/// As for [`handle`], and nobody reads it meanwhile.
pub(crate) unsafe fn handle_mut<'a, T>(name: &str, handle: *mut T) -> Result<&'a mut T> {
    // SAFETY: the caller's promise is ours.
    unsafe { handle.as_mut() }.ok_or_else(|| Error::invalid_argument(name, "is NULL; pass a handle"))
}

/// A place for a new handle.
///
/// # Safety
///
/// `out` is NULL or points to a place for one pointer.
pub(crate) unsafe fn place<T>(name: &str, out: *mut *mut T) -> Result<Place<T>> {
    if out.is_null() { Err(Error::invalid_argument(name, "is NULL; pass the address of a pointer")) } else { Ok(Place(out)) }
}

pub(crate) struct Place<T>(*mut *mut T);

impl<T> Place<T> {
    pub(crate) fn put(self, value: T) {
        // SAFETY: `place` checked that it is not NULL; its caller promised a place for one pointer.
        unsafe { self.0.write(Box::into_raw(Box::new(value))) };
    }

    /// A handle that shares what it stands for; to be taken back by `free_shared`.
    pub(crate) fn put_shared(self, value: Arc<T>) {
        // SAFETY: as for `put`.
        unsafe { self.0.write(Arc::into_raw(value).cast_mut()) };
    }

    pub(crate) fn put_nothing(self) {
        // SAFETY: as for `put`.
        unsafe { self.0.write(std::ptr::null_mut()) };
    }
}

/// Takes a handle back and drops it. NULL is nothing.
///
/// # Safety
///
/// `handle` is NULL or was returned by this library and not freed.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: it came out of `Place::put` and was not freed.
        drop(unsafe { Box::from_raw(handle) });
    }
}

/// Takes a handle of something shared back. NULL is nothing.
///
/// # Safety
///
/// As for [`free`].
pub(crate) unsafe fn free_shared<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: it came out of `Place::put_shared` and was not freed.
        drop(unsafe { Arc::from_raw(handle.cast_const()) });
    }
}
