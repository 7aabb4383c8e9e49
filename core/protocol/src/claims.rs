//! Claims about a user.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

/// Claims about a user: from an ID token, or from the userinfo endpoint.
///
/// `Debug` shows the names of the claims and no value.
///
/// ```no_run
/// # fn f(source: &sipgate_oauth2::TokenSource) -> sipgate_oauth2::Result<()> {
/// use sipgate_oauth2::Claims;
///
/// let claims: Claims = source.claims()?;
/// println!("{}: {:?}", claims.subject(), claims.get("email"));
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq)]
pub struct Claims(Arc<Map<String, Value>>);

impl Claims {
    /// Claims that were judged.
    pub(crate) fn new(claims: Map<String, Value>) -> Self {
        Self(claims.into())
    }

    /// The user's id at this server, `sub`. It never changes, unlike `email` (OpenID Connect Core,
    /// section 5.7).
    pub fn subject(&self) -> &str {
        self.get("sub").and_then(Value::as_str).unwrap_or_default()
    }

    /// One claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All claims.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// All claims as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&*self.0).unwrap_or_default()
    }
}

/// A time in a claim, in seconds since 1970. A fraction is cut off. A number that JSON readers do
/// not agree on is no time (RFC 8259, section 6).
pub(crate) fn seconds(value: &Value) -> Option<i64> {
    const MAX: f64 = 9_007_199_254_740_991.0;
    let seconds = value.as_f64()?.floor();
    #[expect(clippy::cast_possible_truncation, reason = "in range: checked on the same line")]
    (seconds.abs() <= MAX).then_some(seconds as i64)
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(json: Value) -> Claims {
        match json {
            Value::Object(claims) => Claims::new(claims),
            _ => unreachable!("claims are an object"),
        }
    }

    #[test]
    fn claims_are_found_by_name() {
        let claims = claims(json!({"sub": "u", "email": "a@b.example", "n": 1}));
        assert_eq!(claims.subject(), "u");
        assert_eq!(claims.get("n"), Some(&json!(1)));
        assert_eq!(claims.get("other"), None);
        assert_eq!(claims.as_map().len(), 3);
        assert_eq!(claims.to_json(), r#"{"sub":"u","email":"a@b.example","n":1}"#);
    }

    #[test]
    fn debug_shows_names_and_no_values() {
        assert_eq!(format!("{:?}", claims(json!({"sub": "canary", "email": "canary"}))), r#"{"sub", "email"}"#);
    }

    #[test]
    fn a_time_is_a_number_that_every_reader_reads_alike() {
        for (number, expected) in [
            ("0", Some(0)),
            ("1.9", Some(1)),
            ("-0.1", Some(-1)),
            ("9007199254740991", Some(9_007_199_254_740_991)),
            ("-9007199254740991", Some(-9_007_199_254_740_991)),
            ("9007199254740992", None),
            ("-9007199254740992", None),
            ("1e300", None),
            ("\"1\"", None),
            ("null", None),
        ] {
            assert_eq!(seconds(&serde_json::from_str(number).unwrap()), expected, "{number}");
        }
    }
}
