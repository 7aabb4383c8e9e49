//! What a login's first ID token says, for those that follow it (OpenID Connect Core, section
//! 12.2).

use serde::{Deserialize, Serialize};

use crate::claims::{Claims, seconds};

/// A session that has ended at the server, as a logout token names it (OpenID Connect Back-Channel
/// Logout, section 2.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndedSession {
    /// `sid`: this session only.
    pub session: Option<String>,
    /// `sub`: all sessions of this user.
    pub subject: Option<String>,
    /// `iat`, in seconds since 1970.
    pub issued_at: i64,
}

impl EndedSession {
    /// Whether a login is one of that session, or of that user and not newer than the end.
    pub fn is_of(&self, identity: &Identity) -> bool {
        let is_user = self.subject.as_ref().is_none_or(|subject| *subject == identity.subject);
        match &self.session {
            Some(session) => is_user && identity.session.as_ref() == Some(session),
            None => is_user && self.subject.is_some() && identity.issued_at <= self.issued_at,
        }
    }
}

/// What the ID tokens of one login have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// `sub`.
    #[serde(rename = "sub")]
    pub subject: String,
    /// `sid`: the user's session at the server.
    #[serde(rename = "sid", default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// `nonce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// `azp`.
    #[serde(rename = "azp", default, skip_serializing_if = "Option::is_none")]
    pub authorized_party: Option<String>,
    /// `auth_time`, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// `iat`, in seconds since 1970.
    #[serde(rename = "iat")]
    pub issued_at: i64,
}

impl Identity {
    /// The identity in the claims of an ID token that was judged.
    pub fn of(claims: &Claims) -> Self {
        let text = |name| claims.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let time = |name| claims.get(name).and_then(seconds);
        Self {
            subject: claims.subject().to_owned(),
            session: text("sid"),
            nonce: text("nonce"),
            authorized_party: text("azp"),
            auth_time: time("auth_time"),
            issued_at: time("iat").unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn identity(json: Value) -> Identity {
        match json {
            Value::Object(claims) => Identity::of(&Claims::new(claims)),
            _ => unreachable!("claims are an object"),
        }
    }

    #[test]
    fn an_identity_has_what_later_tokens_are_compared_with() {
        let all = json!({"sub": "u", "sid": "s", "nonce": "n", "azp": "c", "auth_time": 1.5, "iat": 2.5, "email": "e"});
        let expected = Identity {
            subject: "u".into(),
            session: Some("s".into()),
            nonce: Some("n".into()),
            authorized_party: Some("c".into()),
            auth_time: Some(1),
            issued_at: 2,
        };
        assert_eq!(identity(all), expected);
        let stored = serde_json::to_value(&expected).unwrap();
        assert_eq!(stored, json!({"sub": "u", "sid": "s", "nonce": "n", "azp": "c", "auth_time": 1, "iat": 2}));
        assert_eq!(serde_json::from_value::<Identity>(stored).unwrap(), expected);
    }

    #[test]
    fn what_the_first_token_did_not_say_is_left_out() {
        let least = identity(json!({"sub": "u", "iat": 2}));
        assert_eq!(serde_json::to_value(&least).unwrap(), json!({"sub": "u", "iat": 2}));
        assert_eq!(serde_json::from_str::<Identity>(r#"{"sub":"u","iat":2}"#).unwrap(), least);
    }
}
