//! The tokens of a login, as an application keeps them.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::extra::Extra;
use super::json::Members;
use super::token_members::{TokenMembers, bearer};
use crate::claims::Claims;
use crate::error::{Error, Result};
use crate::jose::jws::claims_of_judged;
use crate::secret::{AccessToken, IdToken, RefreshToken, Secret};

/// A response of 1 MiB is up to four times as long once it is exported: `1e15` is written with all
/// its zeros.
const MAX_RESTORED: usize = 4 * 1024 * 1024;

/// The end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// The tokens of one login, and what the server said about them.
///
/// `Debug` shows no token. [`export`](Self::export) gives a JSON object with the RFC's own names,
/// and [`restore`](Self::restore) reads it, or one that Authlib, requests-oauthlib, simple-oauth2
/// or openid-client saved.
///
/// ```
/// use sipgate_oauth2::TokenSet;
///
/// let saved = r#"{"access_token":"a","refresh_token":"r","expires_at":1700000300}"#;
/// let tokens = TokenSet::restore(saved)?;
/// assert_eq!(tokens.access_token().reveal(), "a");
/// assert_eq!(tokens.expires_at(), Some(1_700_000_300));
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone, PartialEq, Hash)]
pub struct TokenSet {
    pub(super) access_token: AccessToken,
    pub(super) token_type: String,
    pub(super) refresh_token: Option<RefreshToken>,
    pub(super) id_token: Option<IdToken>,
    pub(super) id_token_kept: bool,
    pub(super) id_token_verified: bool,
    pub(super) scope: Option<String>,
    pub(super) expires_at: Option<i64>,
    pub(super) refresh_expires_at: Option<i64>,
    /// Shared by clones, as the tokens are.
    pub(super) extra: Arc<Extra>,
}

impl TokenSet {
    /// Tokens from a JSON object with the RFC's names: one that [`export`](Self::export) gave, or
    /// that another library saved. `expires_at` may be seconds since 1970 or an RFC 3339 text. With
    /// `expires_in` alone the age is unknown, and the access token counts as expired.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) if it is not a JSON
    /// object or has no usable `access_token`;
    /// [`ErrorCode::Unsupported`](crate::error::ErrorCode::Unsupported) if its type is not
    /// `Bearer`.
    pub fn restore(json: &str) -> Result<Self> {
        let refused = |problem| Error::invalid_argument("tokens", problem);
        if json.len() > MAX_RESTORED {
            return Err(refused("is longer than 4 MiB; pass the JSON object of one login"));
        }
        let members = Members::parse(json).ok_or_else(|| refused("is not one JSON object; pass what export() gave"))?;
        let TokenMembers { access_token, refresh_token, id_token, token_type, scope, extra, saved, .. } = TokenMembers::read(&members);
        // A lifetime without a start, or an end that no calendar has: the token may have expired.
        let dubious = (saved.says_expiry && refresh_token.is_some()).then_some(0);
        Ok(Self {
            access_token: access_token.ok_or_else(|| refused("has no usable access_token; pass what export() gave"))?,
            token_type: bearer(token_type)?,
            refresh_token,
            id_token,
            id_token_kept: saved.id_token_kept,
            id_token_verified: saved.id_token_verified,
            scope,
            expires_at: saved.expires_at.as_ref().and_then(point_in_time).or(dubious),
            refresh_expires_at: saved.refresh_expires_at.as_ref().and_then(point_in_time),
            extra: extra.into(),
        })
    }

    /// The access token.
    pub fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// The value of an `Authorization` header: `Bearer …` (RFC 6750, section 2.1).
    pub fn authorization_header(&self) -> Secret {
        self.access_token.authorization_header()
    }

    /// The token's type as the server wrote it, `Bearer` if it did not.
    pub fn token_type(&self) -> &str {
        &self.token_type
    }

    /// The refresh token. After a refresh whose response had none, the one that was used.
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    /// The ID token as the server sent it.
    pub fn id_token(&self) -> Option<&IdToken> {
        self.id_token.as_ref()
    }

    /// Whether the ID token was verified: its signature and its claims. It is if the scope has
    /// `openid` and the tokens are from an exchange or a refresh of this library.
    pub fn id_token_verified(&self) -> bool {
        self.id_token_verified
    }

    /// What the ID token says about the user, if it was verified.
    pub fn claims(&self) -> Option<Claims> {
        self.id_token.as_ref().filter(|_| self.id_token_verified).and_then(|token| claims_of_judged(token.reveal())).map(Claims::new)
    }

    /// The same tokens, whose ID token was verified.
    #[must_use]
    #[doc(hidden)]
    pub fn verified(self) -> Self {
        Self { id_token_verified: self.id_token.is_some(), ..self }
    }

    /// The same tokens with this ID token, which was verified.
    #[must_use]
    #[doc(hidden)]
    pub fn with_verified(self, id_token: IdToken) -> Self {
        Self { id_token: Some(id_token), id_token_kept: false, id_token_verified: true, ..self }
    }

    /// Whether the ID token is from an earlier response, because the last one had none.
    pub fn id_token_kept(&self) -> bool {
        self.id_token_kept
    }

    /// The scope that was granted, space-separated, in the server's order; the requested scope if
    /// the server did not say.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// When the access token expires, in seconds since 1970, counted from when the request was
    /// sent. `None` if the server did not say and there is no refresh token.
    pub fn expires_at(&self) -> Option<i64> {
        self.expires_at
    }

    /// When the refresh token expires, in seconds since 1970; a hint. `None` if the server did not
    /// say, or said 0, which means unknown.
    pub fn refresh_expires_at(&self) -> Option<i64> {
        self.refresh_expires_at
    }

    /// Members of the response that have no meaning here, such as `session_state` and
    /// `not-before-policy`.
    pub fn extra(&self) -> &Map<String, Value> {
        self.extra.members()
    }

    /// A JSON object with all of it, in the RFC's names; the same in all languages. It contains the
    /// tokens.
    pub fn export(&self) -> Secret {
        let mut json = Map::new();
        json.insert("access_token".into(), self.access_token.reveal().into());
        json.insert("token_type".into(), self.token_type.as_str().into());
        let mut put = |name: &str, value: Option<Value>| value.map(|value| json.insert(name.into(), value));
        put("refresh_token", self.refresh_token.as_ref().map(|token| token.reveal().into()));
        put("id_token", self.id_token.as_ref().map(|token| token.reveal().into()));
        put("id_token_kept", self.id_token_kept.then_some(Value::Bool(true)));
        put("id_token_verified", self.id_token_verified.then_some(Value::Bool(true)));
        put("scope", self.scope.as_deref().map(Value::from));
        put("expires_at", self.expires_at.map(Value::from));
        put("refresh_expires_at", self.refresh_expires_at.map(Value::from));
        json.extend(self.extra.to_members());
        Secret::from(Value::Object(json).to_string())
    }
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSet")
            .field("access_token", &self.access_token)
            .field("token_type", &self.token_type)
            .field("refresh_token", &self.refresh_token)
            .field("id_token", &self.id_token)
            .field("scope", &self.scope)
            .field("expires_at", &self.expires_at)
            .field("refresh_expires_at", &self.refresh_expires_at)
            .finish_non_exhaustive()
    }
}

/// Seconds since 1970 from a number that may have a fraction, or from a text. Nothing if no
/// calendar has it.
fn point_in_time(value: &Value) -> Option<i64> {
    let seconds = match value {
        Value::String(text) => rfc3339(text).or_else(|| text.parse().ok()),
        #[expect(clippy::cast_possible_truncation, reason = "a cast from a float saturates, and what is out of range is dropped")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds.floor() as i64)),
        _ => None,
    };
    seconds.filter(|seconds| (0..=LAST_SECOND).contains(seconds))
}

/// Seconds since 1970 from an RFC 3339 text such as `2026-11-24T08:15:22.000Z`, without the
/// fraction.
fn rfc3339(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(json: &str) -> TokenSet {
        TokenSet::restore(json).unwrap()
    }

    #[test]
    fn an_export_restores_to_the_same_tokens() {
        let tokens =
            restored(r#"{"access_token":"a","expires_at":1700000300,"refresh_expires_at":9,"scope":"x","mapped":{"deep":[1.5,null]}}"#);
        assert_eq!(TokenSet::restore(tokens.export().reveal()).unwrap(), tokens);
        let odd = TokenSet::restore(r#"{"access_token":"a","x":15555555555555555555555555e99}"#).unwrap();
        assert_eq!(TokenSet::restore(odd.export().reveal()).unwrap(), odd);
    }

    #[test]
    fn tokens_of_other_libraries_are_read() {
        let authlib = r#"{"access_token":"a","expires_at":1700000300,"expires_in":300,"refresh_token":"r","token_type":"Bearer"}"#;
        let requests_oauthlib = r#"{"access_token":"a","expires_at":1700000300.75,"expires_in":300,"scope":["x","y"],"refresh_token":"r"}"#;
        let simple_oauth2 = r#"{"access_token":"a","expires_at":"2023-11-14T22:18:20.000Z","expires_in":300,"refresh_token":"r"}"#;
        for json in [authlib, requests_oauthlib, simple_oauth2] {
            assert_eq!(TokenSet::restore(json).unwrap().expires_at(), Some(1_700_000_300), "{json}");
        }
        assert_eq!(TokenSet::restore(r#"{"access_token":"a","expires_in":300,"refresh_token":"r"}"#).unwrap().expires_at(), Some(0));
        assert_eq!(TokenSet::restore(r#"{"access_token":"a","expires_in":300}"#).unwrap().expires_at(), None);
    }

    #[test]
    fn what_is_not_a_token_set_is_refused() {
        for bad in ["", "[]", "{}", r#"{"access_token":""}"#, r#"{"refresh_token":"r"}"#, "not json"] {
            assert!(TokenSet::restore(bad).unwrap_err().to_string().starts_with("tokens: "), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let text = format!("{:?}", restored(r#"{"access_token":"canary","refresh_token":"canary","id_token":"canary","x":"canary"}"#));
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn saved_tokens_are_read_up_to_4_mib() {
        let json = r#"{"access_token":"a"}"#;
        let padded = |length: usize| TokenSet::restore(&format!("{json}{}", " ".repeat(length - json.len())));
        assert!(padded(4 * 1024 * 1024).is_ok());
        assert!(padded(4 * 1024 * 1024 + 1).unwrap_err().to_string().contains("4 MiB"));
    }

    #[test]
    fn saved_times_may_be_integers_fractions_or_texts_and_are_else_unknown() {
        let ends = |at: &str| {
            let tokens = TokenSet::restore(&format!(r#"{{"access_token":"a","expires_at":{at},"refresh_expires_at":{at}}}"#)).unwrap();
            (tokens.expires_at(), tokens.refresh_expires_at())
        };
        assert_eq!(ends("1700000300"), (Some(1_700_000_300), Some(1_700_000_300)));
        assert_eq!(ends("1700000300.75"), (Some(1_700_000_300), Some(1_700_000_300)));
        assert_eq!(ends("253402300799"), (Some(LAST_SECOND), Some(LAST_SECOND)));
        assert_eq!(ends(r#""1700000300""#), (Some(1_700_000_300), Some(1_700_000_300)));
        for unknown in [r#""soon""#, "null", "-0.5", "-1", "253402300800", "9223372036854775807", "-9223372036854775808", "1e300", "-1e300"]
        {
            assert_eq!(ends(unknown), (None, None), "{unknown}");
        }
        let with_more = TokenSet::restore(r#"{"access_token":"a","refresh_token":"r","expires_at":9223372036854775807}"#).unwrap();
        assert_eq!(with_more.expires_at(), Some(0));
    }

    #[test]
    fn an_export_has_the_rfcs_names_and_leaves_out_what_is_absent() {
        let json = r#"{"access_token":"a","token_type":"bearer","refresh_token":"r","id_token":"i","id_token_kept":true,"scope":"x","expires_at":1700000060,"refresh_expires_at":1700000090,"y":1}"#;
        assert_eq!(restored(json).export().reveal(), json);
        let least = restored(r#"{"access_token":"a"}"#);
        assert_eq!(least.export().reveal(), r#"{"access_token":"a","token_type":"Bearer"}"#);
    }

    #[test]
    fn debug_shows_what_is_not_secret() {
        let text = format!("{:?}", restored(r#"{"access_token":"canary","scope":"balance:read","expires_at":1700000300}"#));
        assert!(text.contains("balance:read") && text.contains("1700000300"), "{text}");
    }

    #[test]
    fn points_in_time_are_read_in_any_zone() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2018-05-02T14:42:21.000Z", 1_525_272_141),
            ("2018-05-02T16:42:21+02:00", 1_525_272_141),
            ("2018-05-02t16:42:21.999+02:00", 1_525_272_141),
            ("1970-01-01 23:59:59z", 86_399),
            ("1970-01-01T00:00:00-01:30", 5_400),
            ("2016-12-31T23:59:60Z", 1_483_228_799),
        ] {
            assert_eq!(rfc3339(text), Some(seconds), "{text}");
        }
        for bad in ["", "now", "2018-05-02", "2018-13-02T00:00:00Z", "2018-02-29T00:00:00Z", "2018-05-02T00:00:00", "é018-05-02T00:00:00Z"]
        {
            assert_eq!(rfc3339(bad), None, "{bad}");
        }
    }
}
