//! The members of tokens as JSON, each usable or absent: of a token response, and of saved tokens.

use serde_json::{Map, Value};

use super::json::{Member, Members};
use super::syntax::{is_access_token, is_refresh_token};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{AccessToken, IdToken, RefreshToken};

/// Members that have a meaning here; all others are kept as they are.
const KNOWN: [&str; 11] = [
    "access_token",
    "token_type",
    "refresh_token",
    "id_token",
    "id_token_kept",
    "id_token_verified",
    "scope",
    "expires_in",
    "expires_at",
    "refresh_expires_in",
    "refresh_expires_at",
];

/// What can be used of the members. Nothing is judged yet: a good refresh token must not be lost
/// because a member beside it is not usable.
pub(super) struct TokenMembers {
    pub(super) access_token: Option<AccessToken>,
    pub(super) refresh_token: Option<RefreshToken>,
    pub(super) id_token: Option<IdToken>,
    pub(super) token_type: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) expires_in: Option<i64>,
    pub(super) refresh_expires_in: Option<i64>,
    pub(super) extra: Map<String, Value>,
    /// The names of members that are there and cannot be used.
    pub(super) ignored: Vec<String>,
}

impl TokenMembers {
    pub(super) fn read(members: &Members<'_>) -> Self {
        let (extra, mut ignored) = members.others(&KNOWN);
        let mut text = |name: &str, usable: fn(&str) -> bool| {
            // A line break at an end is from a file that the server has read the token from.
            let text = members.string(name).map(|text| text.trim_matches(['\r', '\n', '\t']).to_owned()).filter(|text| usable(text));
            if text.is_none() && members.has(name) {
                ignored.push(name.to_owned());
            }
            text
        };
        let access_token = text("access_token", is_access_token);
        let refresh_token = text("refresh_token", is_refresh_token);
        let id_token = text("id_token", |text| !text.is_empty());
        let token_type = text("token_type", |text| !text.trim().is_empty());
        let scope = members.value("scope").and_then(scope_text);
        if scope.is_none() && members.has("scope") {
            ignored.push("scope".to_owned());
        }
        let mut seconds = |name: &str| match members.seconds(name) {
            Member::Usable(seconds) => Some(seconds),
            Member::Absent => None,
            Member::Unusable => {
                ignored.push(name.to_owned());
                None
            }
        };
        Self {
            access_token: access_token.map(AccessToken::from),
            refresh_token: refresh_token.map(RefreshToken::from),
            id_token: id_token.map(IdToken::from),
            expires_in: seconds("expires_in"),
            refresh_expires_in: seconds("refresh_expires_in"),
            token_type,
            scope,
            extra,
            ignored,
        }
    }
}

/// The type as the server wrote it, if it is Bearer. A type that is missing or empty counts as
/// Bearer.
pub(super) fn bearer(token_type: Option<String>) -> Result<String> {
    let token_type = token_type.unwrap_or_else(|| "Bearer".to_owned());
    // Some servers add a blank, and some write BearerToken.
    let word = token_type.trim_matches(|c: char| !c.is_ascii_alphabetic());
    if word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("bearertoken") {
        return Ok(word.to_owned());
    }
    Err(Error::new(
        ErrorCode::Unsupported,
        "token_type: the server issues tokens that are not Bearer; switch that off for this client (in Keycloak: DPoP)",
    ))
}

/// A text as it is, or a list of texts joined.
fn scope_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(names) => names.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|names| names.join(" ")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> TokenMembers {
        TokenMembers::read(&Members::parse(json).unwrap())
    }

    #[test]
    fn an_unusable_access_token_leaves_the_refresh_token_readable() {
        for bad in [r#""""#, "null", "1", r#""a b""#, r#""\u00e4""#, r#""a\nb""#] {
            let read = read(&format!(r#"{{"access_token":{bad},"refresh_token":"r"}}"#));
            assert_eq!((read.access_token, read.refresh_token.unwrap().reveal()), (None, "r"), "{bad}");
        }
        let long = |length| read(&format!(r#"{{"access_token":"{}"}}"#, "a".repeat(length)));
        assert!(long(65_536).access_token.is_some());
        assert!(long(65_537).access_token.is_none());
    }

    #[test]
    fn a_line_break_at_the_end_of_a_token_is_not_part_of_it() {
        let read = read(r#"{"access_token":"a\n","refresh_token":"\tr 1 \r\n"}"#);
        assert_eq!(read.access_token.as_ref().map(|token| token.reveal()), Some("a"));
        assert_eq!(read.refresh_token.as_ref().map(|token| token.reveal()), Some("r 1 "));
    }

    #[test]
    fn only_bearer_tokens_are_accepted() {
        for other in ["DPoP", "mac", "N_A", "Bearer DPoP", "BearerTokens"] {
            assert_eq!(bearer(Some(other.to_owned())).unwrap_err().code(), ErrorCode::Unsupported, "{other}");
        }
        for (written, accepted) in [
            ("BEARER", "BEARER"),
            ("Bearer ", "Bearer"),
            ("\\tbearer\\n", "bearer"),
            ("BearerToken", "BearerToken"),
            ("", "Bearer"),
            (" ", "Bearer"),
        ] {
            let written = read(&format!(r#"{{"token_type":"{written}"}}"#)).token_type;
            assert_eq!(bearer(written.clone()).unwrap(), accepted, "{written:?}");
        }
    }

    #[test]
    fn members_that_cannot_be_used_are_named_and_null_is_absent() {
        let bad =
            r#"{"access_token":"a b","refresh_token":"","id_token":"","token_type":1,"scope":{},"expires_in":"x","refresh_expires_in":[]}"#;
        let all = ["access_token", "refresh_token", "id_token", "token_type", "scope", "expires_in", "refresh_expires_in"];
        assert_eq!(read(bad).ignored, all);
        let null = r#"{"access_token":null,"refresh_token":null,"id_token":null,"token_type":null,"scope":null,"expires_in":null}"#;
        assert!(read(null).ignored.is_empty());
    }
}
