//! Text on its way out.

use std::ffi::c_char;

use zeroize::Zeroizing;

/// UTF-8 text, borrowed from a handle: it is valid until the handle is freed. A NUL follows the
/// `len` bytes, so that `data` is a C string unless the text itself has a NUL. Empty, where a
/// comment says so, is `data` NULL and `len` 0.
#[repr(C)]
pub struct sipgate_oauth2_str {
    /// The text, or NULL.
    pub data: *const c_char,
    /// Its length in bytes, without the terminating NUL.
    pub len: usize,
}

/// Bytes, borrowed from a handle: they are valid until the handle is freed.
#[repr(C)]
pub struct sipgate_oauth2_bytes {
    /// The bytes. If `len` is 0: NULL or any other pointer.
    pub data: *const u8,
    /// How many there are.
    pub len: usize,
}

/// Text with a NUL behind it, wiped when dropped.
pub(crate) struct Text(Zeroizing<Vec<u8>>);

impl Text {
    pub(crate) fn borrowed(&self) -> sipgate_oauth2_str {
        sipgate_oauth2_str { data: self.0.as_ptr().cast(), len: self.0.len() - 1 }
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0[..self.0.len() - 1]).expect("it was made of a str")
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        Self(bytes)
    }
}

/// The text of a handle that may be NULL and may not have it.
pub(crate) fn lend<T>(handle: Option<&T>, text: impl FnOnce(&T) -> Option<&Text>) -> sipgate_oauth2_str {
    handle.and_then(text).map_or(sipgate_oauth2_str { data: std::ptr::null(), len: 0 }, Text::borrowed)
}
