//! Text on its way out.

use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};

use once_cell::race::OnceBox;
use zeroize::{Zeroize, Zeroizing};

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
pub(crate) struct Text(Box<[u8]>);

impl Drop for Text {
    fn drop(&mut self) {
        self.0.as_mut().zeroize();
    }
}

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
        Self([text.as_bytes(), &[0]].concat().into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Zeroizing::new(text).as_str().into()
    }
}

/// Text that is made when C asks for it, as most is never read; or that there is none. Without a
/// lock: a child that is forked meanwhile could find it taken.
#[derive(Default)]
pub(crate) struct LazyText(OnceBox<Option<Text>>);

impl LazyText {
    pub(crate) fn of<T: Into<Text>>(&self, text: impl FnOnce() -> Option<T>) -> Option<&Text> {
        self.0.get_or_init(|| Box::new(text().map(Into::into))).as_ref()
    }
}

/// The text of a handle that may be NULL and may not have it.
pub(crate) fn lend<T>(handle: Option<&T>, text: impl FnOnce(&T) -> Option<&Text>) -> sipgate_oauth2_str {
    let text = catch_unwind(AssertUnwindSafe(|| handle.and_then(text))).ok().flatten();
    text.map_or(sipgate_oauth2_str { data: std::ptr::null(), len: 0 }, Text::borrowed)
}
