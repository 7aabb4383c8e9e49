//! Tokens: the answer of a token endpoint (RFC 6749, section 5.1), and what an application keeps of it.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::grants::is_refresh_token;
use super::json::{Member, Members};
use super::rfc3339;
use crate::error::{Error, ErrorCode, Result};
use crate::secret::{AccessToken, IdToken, RefreshToken, Secret};

/// The life of an access token whose answer does not say, where there is a refresh token to go on with.
const ASSUMED_LIFE: i64 = 300;

/// A response of 1 MiB is up to four times as long once it is exported: `1e15` is written with all its zeros.
const MAX_RESTORED: usize = 4 * 1024 * 1024;

/// The end of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// Members that have a meaning here; all others are kept as they are.
const KNOWN: [&str; 10] = [
    "access_token",
    "token_type",
    "refresh_token",
    "id_token",
    "id_token_kept",
    "scope",
    "expires_in",
    "expires_at",
    "refresh_expires_in",
    "refresh_expires_at",
];

/// The tokens of one login, and what the server said about them.
///
/// `Debug` shows no token. [`export`](Self::export) gives a JSON object with the RFC's own names, and [`restore`](Self::restore) reads it,
/// or one that Authlib, requests-oauthlib, simple-oauth2 or openid-client saved.
///
/// ```
/// use sipgate_oauth2::TokenSet;
///
/// let tokens = TokenSet::restore(r#"{"access_token":"a","refresh_token":"r","expires_at":1700000300,"scope":["balance:read"]}"#)?;
/// assert_eq!(tokens.access_token().reveal(), "a");
/// assert_eq!(tokens.expires_at(), Some(1_700_000_300));
/// assert_eq!(tokens.scope(), Some("balance:read"));
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone, PartialEq, Hash)]
pub struct TokenSet {
    access_token: AccessToken,
    token_type: String,
    refresh_token: Option<RefreshToken>,
    id_token: Option<IdToken>,
    id_token_kept: bool,
    scope: Option<String>,
    expires_at: Option<i64>,
    refresh_expires_at: Option<i64>,
    /// Shared by clones, as the texts of the tokens are.
    extra: Arc<Map<String, Value>>,
}

impl TokenSet {
    /// Tokens from a JSON object with the RFC's names: one that [`export`](Self::export) gave, or another library saved. `expires_at` may be
    /// seconds since 1970 or an RFC 3339 text; with `expires_in` alone the age is unknown, and the access token counts as expired.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`] when it is no JSON object, or has no usable `access_token`; [`ErrorCode::Unsupported`] when its type is not
    /// `Bearer`.
    pub fn restore(json: &str) -> Result<Self> {
        let refused = |problem| Error::argument("tokens", problem);
        if json.len() > MAX_RESTORED {
            return Err(refused("is longer than 4 MiB; pass the JSON object of one login"));
        }
        let members = Members::parse(json).ok_or_else(|| refused("is not one JSON object; pass what export() gave"))?;
        let answer = TokenResponse::read(&members);
        let point = |name| members.value(name).and_then(|value| point_in_time(&value));
        // A life without a beginning, or an end that no calendar has: it may be over.
        let dubious = members.has("expires_in") || members.has("expires_at");
        let expires_at = point("expires_at").or(answer.refresh_token.as_ref().and(dubious.then_some(0)));
        Ok(Self {
            access_token: answer.access_token.ok_or_else(|| refused("has no usable access_token; pass what export() gave"))?,
            token_type: bearer(answer.token_type)?,
            refresh_token: answer.refresh_token,
            id_token: answer.id_token,
            id_token_kept: members.value("id_token_kept") == Some(Value::Bool(true)),
            scope: answer.scope,
            expires_at,
            refresh_expires_at: point("refresh_expires_at"),
            extra: answer.extra.into(),
        })
    }

    /// The access token.
    pub fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    /// The value of an `Authorization` header: `Bearer …` (RFC 6750, section 2.1).
    pub fn authorization_header(&self) -> Secret {
        Secret::from(format!("Bearer {}", self.access_token.reveal()))
    }

    /// The token's type as the server wrote it, `Bearer` where it did not.
    pub fn token_type(&self) -> &str {
        &self.token_type
    }

    /// The refresh token; after a refresh whose answer had none, the one that was used.
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    /// The ID token as the server sent it. This version does not judge its contents.
    pub fn id_token(&self) -> Option<&IdToken> {
        self.id_token.as_ref()
    }

    /// Whether the ID token is from an earlier answer, as the last refresh brought none.
    pub fn id_token_kept(&self) -> bool {
        self.id_token_kept
    }

    /// The scope that was granted, space-separated, in the server's order; what was asked for where the server did not say.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// When the access token runs out, in seconds since 1970, counted from when the request was sent. `None`: the server did not say, and
    /// there is no refresh token.
    pub fn expires_at(&self) -> Option<i64> {
        self.expires_at
    }

    /// When the refresh token runs out, in seconds since 1970; a hint. `None`: not said, or said as 0, which means unknown.
    pub fn refresh_expires_at(&self) -> Option<i64> {
        self.refresh_expires_at
    }

    /// Members of the answer that have no meaning here, such as `session_state` and `not-before-policy`.
    pub fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }

    /// A JSON object with all of it, in the RFC's names; the same in all languages. It contains the tokens.
    pub fn export(&self) -> Secret {
        let mut json = Map::new();
        json.insert("access_token".into(), self.access_token.reveal().into());
        json.insert("token_type".into(), self.token_type.as_str().into());
        let mut put = |name: &str, value: Option<Value>| value.map(|value| json.insert(name.into(), value));
        put("refresh_token", self.refresh_token.as_ref().map(|token| token.reveal().into()));
        put("id_token", self.id_token.as_ref().map(|token| token.reveal().into()));
        put("id_token_kept", self.id_token_kept.then_some(Value::Bool(true)));
        put("scope", self.scope.as_deref().map(Value::from));
        put("expires_at", self.expires_at.map(Value::from));
        put("refresh_expires_at", self.refresh_expires_at.map(Value::from));
        json.extend(Map::clone(&self.extra));
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

/// The members of a token answer, each usable or absent. Nothing is judged yet: a good refresh token must not be lost to an odd neighbour.
pub struct TokenResponse {
    pub access_token: Option<AccessToken>,
    pub refresh_token: Option<RefreshToken>,
    id_token: Option<IdToken>,
    token_type: Option<String>,
    scope: Option<String>,
    expires_in: Option<i64>,
    refresh_expires_in: Option<i64>,
    extra: Map<String, Value>,
    /// The names of members that were there but of no use.
    pub odd: Vec<String>,
    /// Why nothing may be handed out, though there is a refresh token to go on with.
    pub refused: Option<Error>,
}

impl TokenResponse {
    pub fn read(members: &Members<'_>) -> Self {
        let (extra, mut odd) = members.others(&KNOWN);
        let mut text = |name: &str, usable: fn(&str) -> bool| {
            // A line break at an end is of the file that a server has read it from.
            let text = members.string(name).map(|text| text.trim_matches(['\r', '\n', '\t']).to_owned()).filter(|text| usable(text));
            if text.is_none() && members.has(name) {
                odd.push(name.to_owned());
            }
            text
        };
        let access_token = text("access_token", is_access_token);
        let refresh_token = text("refresh_token", is_refresh_token);
        let id_token = text("id_token", |text| !text.is_empty());
        let token_type = text("token_type", |text| !text.trim().is_empty());
        let scope = members.value("scope").and_then(scope_text);
        if scope.is_none() && members.has("scope") {
            odd.push("scope".to_owned());
        }
        let mut seconds = |name: &str| match members.seconds(name) {
            Member::Usable(seconds) => Some(seconds),
            Member::Absent => None,
            Member::Unusable => {
                odd.push(name.to_owned());
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
            odd,
            refused: None,
        }
    }

    /// The scope, where the response says it.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The token set that this answer and the login so far make.
    pub fn complete(
        self,
        sent_at: i64,
        asked_scope: Option<String>,
        old_refresh_token: Option<&RefreshToken>,
        old_id_token: Option<&IdToken>,
    ) -> Result<TokenSet> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let access_token = self.access_token.ok_or_else(|| {
            Error::new(
                ErrorCode::BadResponse,
                "access_token: missing or unusable in the server's answer; report it to the server's operator",
            )
        })?;
        let token_type = bearer(self.token_type)?;
        let refresh_token = self.refresh_token.or_else(|| old_refresh_token.cloned());
        let life = self.expires_in.or(refresh_token.as_ref().map(|_| ASSUMED_LIFE));
        let id_token_kept = self.id_token.is_none() && old_id_token.is_some();
        Ok(TokenSet {
            access_token,
            token_type,
            refresh_token,
            id_token: self.id_token.or_else(|| old_id_token.cloned()),
            id_token_kept,
            scope: self.scope.or(asked_scope),
            expires_at: life.map(|life| sent_at.saturating_add(life.max(0))),
            refresh_expires_at: self.refresh_expires_in.filter(|life| *life > 0).map(|life| sent_at.saturating_add(life)),
            extra: self.extra.into(),
        })
    }
}

/// The type as it was written, where it is the one that is known here; missing or empty, it is taken for that.
fn bearer(token_type: Option<String>) -> Result<String> {
    let token_type = token_type.unwrap_or_else(|| "Bearer".to_owned());
    // Some write a blank behind, some BearerToken.
    let word = token_type.trim_matches(|c: char| !c.is_ascii_alphabetic());
    if word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("bearertoken") {
        return Ok(word.to_owned());
    }
    Err(Error::new(
        ErrorCode::Unsupported,
        "token_type: the server issues tokens that are not Bearer; switch that off for this client (in Keycloak: DPoP)",
    ))
}

/// What fits behind `Bearer ` in a header (RFC 6750, section 2.1, generously), with a limit.
fn is_access_token(token: &str) -> bool {
    (1..=65_536).contains(&token.len()) && token.bytes().all(|byte| matches!(byte, 0x21..=0x7E))
}

/// A text as it is, a list of texts joined.
fn scope_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Array(names) => names.iter().map(Value::as_str).collect::<Option<Vec<_>>>().map(|names| names.join(" ")),
        _ => None,
    }
}

/// Seconds since 1970 from a number that may have a fraction, or a text; nothing where no calendar has it.
fn point_in_time(value: &Value) -> Option<i64> {
    let seconds = match value {
        Value::String(text) => rfc3339::from_rfc3339(text).or_else(|| text.parse().ok()),
        #[expect(clippy::cast_possible_truncation, reason = "a cast from a float saturates, and what is out of range is dropped")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds.floor() as i64)),
        _ => None,
    };
    seconds.filter(|seconds| (0..=LAST_SECOND).contains(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT_AT: i64 = 1_700_000_000;

    fn answer(json: &str) -> TokenResponse {
        TokenResponse::read(&Members::parse(json).unwrap())
    }

    fn tokens(json: &str) -> TokenSet {
        answer(json).complete(SENT_AT, Some("asked".into()), Some(&RefreshToken::from("old")), Some(&IdToken::from("old-id"))).unwrap()
    }

    fn code(json: &str) -> ErrorCode {
        answer(json).complete(SENT_AT, None, None, None).unwrap_err().code()
    }

    #[test]
    fn an_answer_is_read_whole() {
        let tokens = tokens(
            r#"{"access_token":"a","token_type":"bearer","refresh_token":"r","id_token":"i","scope":"b a","expires_in":300,
                "refresh_expires_in":2592000,"not-before-policy":0,"session_state":"s"}"#,
        );
        assert_eq!(tokens.access_token().reveal(), "a");
        assert_eq!(tokens.token_type(), "bearer");
        assert_eq!(tokens.refresh_token().unwrap().reveal(), "r");
        assert_eq!(tokens.id_token().unwrap().reveal(), "i");
        assert!(!tokens.id_token_kept());
        assert_eq!(tokens.scope(), Some("b a"));
        assert_eq!(tokens.expires_at(), Some(SENT_AT + 300));
        assert_eq!(tokens.refresh_expires_at(), Some(SENT_AT + 2_592_000));
        assert_eq!(Value::Object(tokens.extra().clone()), serde_json::json!({"not-before-policy": 0, "session_state": "s"}));
        assert_eq!(tokens.authorization_header().reveal(), "Bearer a");
    }

    #[test]
    fn what_an_answer_leaves_out_stays() {
        let tokens = tokens(r#"{"access_token":"a"}"#);
        assert_eq!(tokens.token_type(), "Bearer");
        assert_eq!(tokens.refresh_token().unwrap().reveal(), "old");
        assert_eq!(tokens.id_token().unwrap().reveal(), "old-id");
        assert!(tokens.id_token_kept());
        assert_eq!(tokens.scope(), Some("asked"));
        assert_eq!(tokens.expires_at(), Some(SENT_AT + 300));
        assert_eq!(tokens.refresh_expires_at(), None);
    }

    #[test]
    fn lifetimes_that_are_odd_do_not_spoil_the_tokens() {
        assert_eq!(tokens(r#"{"access_token":"a","expires_in":"60"}"#).expires_at(), Some(SENT_AT + 60));
        assert_eq!(tokens(r#"{"access_token":"a","expires_in":0}"#).expires_at(), Some(SENT_AT));
        assert_eq!(tokens(r#"{"access_token":"a","expires_in":-5}"#).expires_at(), Some(SENT_AT));
        assert_eq!(tokens(r#"{"access_token":"a","expires_in":1e99}"#).expires_at(), Some(SENT_AT + 300));
        assert_eq!(tokens(r#"{"access_token":"a","refresh_expires_in":0}"#).refresh_expires_at(), None);
        assert_eq!(answer(r#"{"access_token":"a","expires_in":[],"scope":1,"token_type":{}}"#).odd, ["token_type", "scope", "expires_in"]);
    }

    #[test]
    fn without_a_refresh_token_and_a_lifetime_the_end_is_unknown() {
        assert_eq!(answer(r#"{"access_token":"a"}"#).complete(SENT_AT, None, None, None).unwrap().expires_at(), None);
    }

    #[test]
    fn a_scope_may_be_a_text_a_list_or_nothing() {
        assert_eq!(tokens(r#"{"access_token":"a","scope":""}"#).scope(), Some(""));
        assert_eq!(tokens(r#"{"access_token":"a","scope":["x","y"]}"#).scope(), Some("x y"));
        assert_eq!(tokens(r#"{"access_token":"a","scope":[1]}"#).scope(), Some("asked"));
    }

    #[test]
    fn an_unusable_access_token_leaves_the_refresh_token_readable() {
        for bad in [r#""""#, "null", "1", r#""a b""#, r#""\u00e4""#, r#""a\nb""#] {
            let json = format!(r#"{{"access_token":{bad},"refresh_token":"r"}}"#);
            assert_eq!(answer(&json).refresh_token.unwrap().reveal(), "r");
            assert_eq!(code(&json), ErrorCode::BadResponse, "{bad}");
        }
        let long = |length| format!(r#"{{"access_token":"{}"}}"#, "a".repeat(length));
        assert!(answer(&long(65_536)).access_token.is_some());
        assert!(answer(&long(65_537)).access_token.is_none());
    }

    #[test]
    fn a_line_break_at_the_end_of_a_token_is_none_of_it() {
        let read = answer(r#"{"access_token":"a\n","refresh_token":"\tr 1 \r\n"}"#);
        assert_eq!(read.access_token.as_ref().map(|token| token.reveal()), Some("a"));
        assert_eq!(read.refresh_token.as_ref().map(|token| token.reveal()), Some("r 1 "));
    }

    #[test]
    fn only_bearer_tokens_are_handed_out() {
        for other in ["DPoP", "mac", "N_A", "Bearer DPoP", "BearerTokens"] {
            assert_eq!(code(&format!(r#"{{"access_token":"a","token_type":"{other}"}}"#)), ErrorCode::Unsupported, "{other}");
        }
        for (written, read) in [
            ("BEARER", "BEARER"),
            ("Bearer ", "Bearer"),
            ("\\tbearer\\n", "bearer"),
            ("BearerToken", "BearerToken"),
            ("", "Bearer"),
            (" ", "Bearer"),
        ] {
            assert_eq!(tokens(&format!(r#"{{"access_token":"a","token_type":"{written}"}}"#)).token_type(), read, "{written}");
        }
    }

    #[test]
    fn an_export_restores_to_the_same_tokens() {
        let tokens = tokens(r#"{"access_token":"a","expires_in":300,"refresh_expires_in":9,"scope":"x","mapped":{"deep":[1.5,null]}}"#);
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
    fn what_is_no_token_set_is_refused() {
        for bad in ["", "[]", "{}", r#"{"access_token":""}"#, r#"{"refresh_token":"r"}"#, "not json"] {
            assert!(TokenSet::restore(bad).unwrap_err().to_string().starts_with("tokens: "), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let text = format!("{:?}", tokens(r#"{"access_token":"canary","refresh_token":"canary","id_token":"canary","x":"canary"}"#));
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn saved_tokens_are_read_up_to_2_mib() {
        let json = r#"{"access_token":"a"}"#;
        let padded = |length: usize| TokenSet::restore(&format!("{json}{}", " ".repeat(length - json.len())));
        assert!(padded(4 * 1024 * 1024).is_ok());
        assert!(padded(4 * 1024 * 1024 + 1).unwrap_err().to_string().contains("4 MiB"));
    }

    #[test]
    fn saved_times_may_be_whole_broken_or_texts_and_are_else_unknown() {
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
    fn an_export_has_the_rfcs_names_and_leaves_out_what_is_not_there() {
        let all = answer(
            r#"{"access_token":"a","token_type":"bearer","refresh_token":"r","scope":"x","expires_in":60,"refresh_expires_in":90,"y":1}"#,
        );
        let all = all.complete(SENT_AT, None, None, Some(&IdToken::from("i"))).unwrap();
        let json = r#"{"access_token":"a","token_type":"bearer","refresh_token":"r","id_token":"i","id_token_kept":true,"scope":"x","expires_at":1700000060,"refresh_expires_at":1700000090,"y":1}"#;
        assert_eq!(all.export().reveal(), json);
        let least = answer(r#"{"access_token":"a"}"#).complete(SENT_AT, None, None, None).unwrap();
        assert_eq!(least.export().reveal(), r#"{"access_token":"a","token_type":"Bearer"}"#);
    }

    #[test]
    fn members_that_are_there_but_of_no_use_are_named_and_null_is_not_there() {
        let odd = answer(
            r#"{"access_token":"a b","refresh_token":"","id_token":"","token_type":1,"scope":{},"expires_in":"x","refresh_expires_in":[]}"#,
        );
        let all = ["access_token", "refresh_token", "id_token", "token_type", "scope", "expires_in", "refresh_expires_in"];
        assert_eq!(odd.odd, all);
        let null = r#"{"access_token":null,"refresh_token":null,"id_token":null,"token_type":null,"scope":null,"expires_in":null}"#;
        assert!(answer(null).odd.is_empty());
    }

    #[test]
    fn debug_says_what_is_no_secret() {
        let text = format!("{:?}", tokens(r#"{"access_token":"canary","scope":"balance:read"}"#));
        assert!(text.contains("balance:read") && text.contains("1700000300"), "{text}");
    }

    #[test]
    fn a_negative_life_of_the_refresh_token_is_unknown() {
        assert_eq!(tokens(r#"{"access_token":"a","refresh_expires_in":-1}"#).refresh_expires_at(), None);
        assert_eq!(tokens(r#"{"access_token":"a","refresh_expires_in":1}"#).refresh_expires_at(), Some(SENT_AT + 1));
    }
}
