//! The access token as a Python string: one string per token, because making it takes longer than
//! the rest of a call.

use std::ptr;
use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::PyString;
use sipgate_oauth2::AccessToken;

/// The token that was returned last. It is kept, so that no other token can be at its address. The
/// lock is only tried: no thread waits for it, not even in a child that was forked while another
/// thread held it.
#[derive(Default)]
pub(crate) struct StringCache(Mutex<Option<(AccessToken, Py<PyString>)>>);

impl StringCache {
    pub(crate) fn string<'py>(&self, py: Python<'py>, token: AccessToken) -> Bound<'py, PyString> {
        if let Some(string) = self.last(py, &token) {
            return string;
        }
        let string = PyString::new(py, token.reveal());
        if let Ok(mut last) = self.0.try_lock() {
            *last = Some((token, string.clone().unbind()));
        }
        string
    }

    /// Drops the token, because there is none that may be returned.
    pub(crate) fn forget(&self) {
        if let Ok(mut last) = self.0.try_lock() {
            *last = None;
        }
    }

    /// Clones of a token share its text, and no other text is where that is.
    pub(crate) fn last<'py>(&self, py: Python<'py>, token: &AccessToken) -> Option<Bound<'py, PyString>> {
        let last = self.0.try_lock().ok()?;
        let (shown, string) = last.as_ref()?;
        ptr::eq(shown.reveal(), token.reveal()).then(|| string.bind(py).clone())
    }
}
