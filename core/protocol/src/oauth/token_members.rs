//! The members of tokens as JSON, each usable or absent: of a token response, and of saved tokens.

use std::borrow::Cow;

use serde_json::Value;

use super::extra::Extra;
use super::json::{Members, Written};
use super::syntax::{is_access_token, is_refresh_token};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{AccessToken, IdToken, RefreshToken};

const ACCESS_TOKEN: &str = "access_token";
const REFRESH_TOKEN: &str = "refresh_token";

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
    pub(super) extra: Extra,
    /// The names of members that are there and cannot be used.
    pub(super) ignored: Vec<String>,
    pub(super) saved: SavedMembers,
}

/// What only saved tokens have, as it is written.
pub(super) struct SavedMembers {
    pub(super) id_token_kept: bool,
    pub(super) id_token_verified: bool,
    pub(super) expires_at: Option<Value>,
    pub(super) refresh_expires_at: Option<Value>,
    /// Whether there is a lifetime or an end of the access token, usable or not.
    pub(super) says_expiry: bool,
}

impl TokenMembers {
    pub(super) fn read(members: &Members<'_>) -> Self {
        let (mut access_token, mut refresh_token, mut id_token, mut token_type, mut scope_names) = (None, None, None, None, None);
        let (mut expires_in, mut refresh_expires_in, mut expires_at, mut refresh_expires_at) = (None, None, None, None);
        let (mut id_token_kept, mut id_token_verified) = (None, None);
        // Members that have no meaning here are kept as they are.
        let mut others = Vec::new();
        for (name, value) in members.iter() {
            let member = match name {
                ACCESS_TOKEN => &mut access_token,
                REFRESH_TOKEN => &mut refresh_token,
                "id_token" => &mut id_token,
                "token_type" => &mut token_type,
                "scope" => &mut scope_names,
                "expires_in" => &mut expires_in,
                "refresh_expires_in" => &mut refresh_expires_in,
                "expires_at" => &mut expires_at,
                "refresh_expires_at" => &mut refresh_expires_at,
                "id_token_kept" => &mut id_token_kept,
                "id_token_verified" => &mut id_token_verified,
                _ => {
                    others.push((name, value));
                    continue;
                }
            };
            *member = value.or_absent();
        }
        let (extra, mut ignored) = Extra::of(&others);
        let is_true = |written: Option<Written<'_>>| written.and_then(Written::value) == Some(Value::Bool(true));
        Self {
            access_token: usable(ACCESS_TOKEN, access_token, &mut ignored, |written| text(written, is_access_token))
                .as_deref()
                .map(AccessToken::from),
            refresh_token: usable(REFRESH_TOKEN, refresh_token, &mut ignored, |written| text(written, is_refresh_token))
                .as_deref()
                .map(RefreshToken::from),
            id_token: usable("id_token", id_token, &mut ignored, |written| text(written, |text| !text.is_empty()))
                .as_deref()
                .map(IdToken::from),
            token_type: usable("token_type", token_type, &mut ignored, |written| text(written, |text| !text.trim().is_empty()))
                .map(Cow::into_owned),
            scope: usable("scope", scope_names, &mut ignored, scope),
            expires_in: usable("expires_in", expires_in, &mut ignored, Written::seconds),
            refresh_expires_in: usable("refresh_expires_in", refresh_expires_in, &mut ignored, Written::seconds),
            extra,
            ignored,
            saved: SavedMembers {
                id_token_kept: is_true(id_token_kept),
                id_token_verified: is_true(id_token_verified),
                expires_at: expires_at.and_then(Written::value),
                refresh_expires_at: refresh_expires_at.and_then(Written::value),
                says_expiry: expires_in.is_some() || expires_at.is_some(),
            },
        }
    }

    /// Whether there is an access token that can be used.
    pub(super) fn has_access_token(members: &Members<'_>) -> bool {
        members.get(ACCESS_TOKEN).and_then(|written| text(written, is_access_token)).is_some()
    }

    /// Whether there is a refresh token that can be used.
    pub(super) fn has_refresh_token(members: &Members<'_>) -> bool {
        members.get(REFRESH_TOKEN).and_then(|written| text(written, is_refresh_token)).is_some()
    }
}

/// What is read of a member. Its name is ignored if it is there and cannot be read.
fn usable<'a, T>(
    name: &str,
    member: Option<Written<'a>>,
    ignored: &mut Vec<String>,
    read: impl FnOnce(Written<'a>) -> Option<T>,
) -> Option<T> {
    let read = read(member?);
    if read.is_none() {
        ignored.push(name.to_owned());
    }
    read
}

/// A text that can be used. A line break at an end is from a file that the server has read the
/// token from.
fn text(written: Written<'_>, usable: fn(&str) -> bool) -> Option<Cow<'_, str>> {
    const AROUND: [char; 3] = ['\r', '\n', '\t'];
    let text = match written.string()? {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(AROUND)),
        Cow::Owned(text) => Cow::Owned(text.trim_matches(AROUND).to_owned()),
    };
    usable(&text).then_some(text)
}

/// The type as the server wrote it, if it is Bearer. A type that is missing or empty counts as
/// Bearer.
pub(super) fn bearer(token_type: Option<String>) -> Result<String> {
    let token_type = token_type.unwrap_or_else(|| "Bearer".to_owned());
    // Some servers add a blank, and some write BearerToken.
    let word = token_type.trim_matches(|c: char| !c.is_ascii_alphabetic());
    if word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("bearertoken") {
        return Ok(if word.len() == token_type.len() { token_type } else { word.to_owned() });
    }
    Err(Error::new(
        ErrorCode::Unsupported,
        "token_type: the server issues tokens that are not Bearer; switch that off for this client (in Keycloak: DPoP)",
    ))
}

/// A text as it is, or a list of texts joined.
fn scope(written: Written<'_>) -> Option<String> {
    if let Some(text) = written.string() {
        return Some(text.into_owned());
    }
    match written.value()? {
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
