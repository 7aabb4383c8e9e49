//! Recognizes a store that was emptied: without that, everybody would seem to be logged out.

use std::sync::OnceLock;

use crate::sys::process::PerProcess;

/// The random id of the store that this process has used, once it is known.
pub(super) struct Marker(PerProcess<OnceLock<String>>);

impl Marker {
    pub(super) const fn new() -> Self {
        Self(PerProcess::new())
    }

    pub(super) fn is_known(&self) -> bool {
        self.0.get_or_make(OnceLock::new).get().is_some()
    }

    /// Takes notice of the marker that the store has now. Returns whether it is the store that it
    /// was before.
    #[must_use]
    pub(super) fn is_still(&self, found: Option<String>) -> bool {
        let known = self.0.get_or_make(OnceLock::new);
        match found {
            Some(found) => *known.get_or_init(|| found.clone()) == found,
            None => known.get().is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_without_its_marker_or_with_another_is_not_the_same() {
        let marker = Marker::new();
        assert!(marker.is_still(None) && !marker.is_known());
        assert!(marker.is_still(Some("a".to_owned())) && marker.is_known());
        assert!(marker.is_still(Some("a".to_owned())));
        assert!(!marker.is_still(None) && !marker.is_still(Some("b".to_owned())));
        assert!(marker.is_still(Some("a".to_owned())));
    }
}
