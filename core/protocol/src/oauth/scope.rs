//! Scopes (RFC 6749, section 3.3).

use crate::error::{Error, Result};

/// What to ask for: one or more scope names. Made from a space-separated text or a list of names.
///
/// ```
/// use sipgate_oauth2::Scope;
///
/// assert_eq!(Scope::from("balance:read sms:write"), Scope::from(["balance:read", "sms:write"]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(String);

impl Scope {
    pub fn check(self, field: &str) -> Result<String> {
        if self.0.is_empty() {
            return Err(Error::argument(field, "is empty; name at least one scope, for instance balance:read"));
        }
        let allowed = |byte: u8| matches!(byte, b' ' | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if !self.0.bytes().all(allowed) {
            return Err(Error::argument(
                field,
                "holds a character that no scope can have (RFC 6749, section 3.3); use printable ASCII without quotes and backslashes",
            ));
        }
        Ok(self.0)
    }
}

/// Whether a scope asks for an ID token (OpenID Connect Core, section 3.1.2.1).
pub fn names_openid(scope: &str) -> bool {
    scope.split(' ').any(|name| name == "openid")
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
        let names = names.into_iter().flat_map(|name| name.split(' ')).filter(|name| !name.is_empty());
        Self(names.collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_by_single_spaces() {
        assert_eq!(Scope::from(["a b", "", "c"]).check("scope").unwrap(), "a b c");
        assert_eq!(Scope::from(" a  b ").check("scope").unwrap(), "a b");
    }

    #[test]
    fn empty_and_impossible_scopes_are_refused() {
        for bad in ["", "  ", "a\"b", "a\\b", "a\tb", "ä", "a\nb"] {
            assert!(Scope::from(bad).check("scope").unwrap_err().to_string().starts_with("scope: "), "{bad}");
        }
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
