//! Scopes (RFC 6749, section 3.3).

use std::fmt;

use super::syntax::is_scope;
use crate::error::{Error, Result};

/// What to request: one or more scope names. Made from a space-separated text or a list of names.
///
/// ```
/// use sipgate_oauth2::Scope;
///
/// let scope = Scope::from(["balance:read", "sms:write"]);
/// assert_eq!(scope, Scope::from("balance:read sms:write"));
/// assert_eq!(scope.to_string(), "balance:read sms:write");
/// assert!(scope.names().any(|name| name == "sms:write"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(String);

impl Scope {
    /// The names as one text, with single spaces between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The names, one by one.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|name| !name.is_empty())
    }

    /// The names as one text, if they can be sent.
    pub(super) fn checked(self, field: &str) -> Result<String> {
        if self.0.is_empty() {
            return Err(Error::invalid_argument(field, "is empty; name at least one scope, for instance balance:read"));
        }
        if !is_scope(&self.0) {
            return Err(Error::invalid_argument(
                field,
                "holds a character that no scope can have (RFC 6749, section 3.3); use printable ASCII without quotes and backslashes",
            ));
        }
        Ok(self.0)
    }
}

/// Whether a scope requests an ID token (OpenID Connect Core, section 3.1.2.1).
pub(super) fn names_openid(scope: &str) -> bool {
    scope.split(' ').any(|name| name == "openid")
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Scope {
    fn from(names: &str) -> Self {
        Self::from_iter(names.split(' '))
    }
}

impl From<String> for Scope {
    fn from(names: String) -> Self {
        Self::from(names.as_str())
    }
}

impl<const N: usize> From<[&str; N]> for Scope {
    fn from(names: [&str; N]) -> Self {
        Self::from_iter(names)
    }
}

impl From<Vec<String>> for Scope {
    fn from(names: Vec<String>) -> Self {
        Self::from_iter(names.iter().map(String::as_str))
    }
}

impl<'a> FromIterator<&'a str> for Scope {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let mut joined = String::new();
        for name in names.into_iter().flat_map(|name| name.split(' ')).filter(|name| !name.is_empty()) {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(name);
        }
        Self(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_by_single_spaces() {
        assert_eq!(Scope::from(["a b", "", "c"]).checked("scope").unwrap(), "a b c");
        assert_eq!(Scope::from(" a  b ").checked("scope").unwrap(), "a b");
    }

    #[test]
    fn empty_and_impossible_scopes_are_refused() {
        for bad in ["", "  ", "a\"b", "a\\b", "a\tb", "ä", "a\nb"] {
            assert!(Scope::from(bad).checked("scope").unwrap_err().to_string().starts_with("scope: "), "{bad}");
        }
    }

    #[test]
    fn a_scope_can_be_read() {
        let scope = Scope::from(" a  b ");
        assert_eq!((scope.as_str(), scope.to_string().as_str()), ("a b", "a b"));
        assert_eq!(scope.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(Scope::from("").names().count(), 0);
    }

    #[test]
    fn openid_is_a_name_of_its_own() {
        assert!(names_openid("openid") && names_openid("a openid b"));
        assert!(!names_openid("") && !names_openid("openid2 xopenid OPENID"));
    }

    #[test]
    fn a_scope_is_made_from_a_text_or_a_list() {
        let scope = Scope::from("a b");
        assert_eq!(Scope::from("a b".to_owned()), scope);
        assert_eq!(Scope::from(vec!["a".to_owned(), "b".to_owned()]), scope);
        assert_eq!(["a", "b"].into_iter().collect::<Scope>(), scope);
    }
}
