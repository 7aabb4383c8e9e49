//! The random id of a store. A store that was emptied has none or another, so that it does not look
//! like one in which nobody is logged in.

use std::sync::OnceLock;

use crate::sys::process::PerProcess;

/// The id of the store that this process uses, once it is known.
pub(crate) struct Marker(PerProcess<OnceLock<String>>);

impl Marker {
    pub(crate) const fn new() -> Self {
        Self(PerProcess::new())
    }

    pub(crate) fn is_known(&self) -> bool {
        self.0.get_or_make(OnceLock::new).get().is_some()
    }

    /// Whether this is still the same store. Remembers the first id that is found.
    #[must_use]
    pub(crate) fn is_still(&self, found: Option<String>) -> bool {
        let known = self.0.get_or_make(OnceLock::new);
        match found {
            Some(found) => *known.get_or_init(|| found.clone()) == found,
            None => known.get().is_none(),
        }
    }
}

/// The problem of a table or a store that is no longer the same.
pub(crate) fn emptied(what: &str) -> String {
    format!(
        "{what} was emptied or replaced while this process used it; restore it from a backup, or restart the application to start with \
         an empty one"
    )
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
