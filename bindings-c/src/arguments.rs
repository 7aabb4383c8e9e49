//! Arguments: the one place that reads what C passed.

use std::ffi::{CStr, c_char};

use sipgate_oauth2::{Error, Result};

/// A text that is required.
///
/// # Safety
///
/// `text` is NULL or points to a string that ends with NUL and outlives the call.
pub(crate) unsafe fn text<'a>(name: &str, text: *const c_char) -> Result<&'a str> {
    // SAFETY: the caller upholds the contract.
    unsafe { optional_text(name, text) }?.ok_or_else(|| Error::invalid_argument(name, "is NULL; pass a string"))
}

/// A text that is optional: none if NULL.
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

/// Bytes; a NULL pointer is valid if there are none.
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
    // SAFETY: not NULL, and so `len` bytes that outlive the call; no more than an allocation can
    // have.
    Ok(unsafe { std::slice::from_raw_parts(bytes, len) })
}

/// A handle that is required.
///
/// # Safety
///
/// `handle` is NULL or was returned by this library and not freed, and no other thread changes it.
pub(crate) unsafe fn handle<'a, T>(name: &str, handle: *const T) -> Result<&'a T> {
    // SAFETY: the caller upholds the contract.
    unsafe { handle.as_ref() }.ok_or_else(|| Error::invalid_argument(name, "is NULL; pass a handle"))
}

/// A handle that is required, to change what it keeps.
///
/// # Safety
///
/// As for [`handle`], and no other thread reads it.
pub(crate) unsafe fn handle_mut<'a, T>(name: &str, handle: *mut T) -> Result<&'a mut T> {
    // SAFETY: the caller upholds the contract.
    unsafe { handle.as_mut() }.ok_or_else(|| Error::invalid_argument(name, "is NULL; pass a handle"))
}
