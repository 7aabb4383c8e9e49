//! Judging logout tokens (OpenID Connect Back-Channel Logout, section 2.6).

use serde_json::Value;

use super::token_rules::{Kind, NotAccepted, TokenRules};
use crate::error::{Error, ErrorCode};
use crate::jose::jwks::KeySet;

/// Whose logins end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// `sub`. All logins of this user end, if there is no `session`.
    pub subject: Option<String>,
    /// `sid`: the session whose logins end.
    pub session: Option<String>,
    /// `jti`. A logout token with the same is refused until this one has expired.
    pub token_id: String,
    /// `iat`, in seconds since 1970.
    pub issued_at: i64,
    /// `exp`, or until when it counts without one, in seconds since 1970.
    pub expires_at: i64,
}

/// What comes of a logout token.
#[derive(Clone, Debug)]
pub enum LogoutJudgement {
    /// It is good.
    Accepted(LogoutToken),
    /// It is not.
    Refused(Error),
    /// It cannot be said: no key that is known verifies the signature, or none is known.
    NoKey,
}

const LOGOUT_TOKEN: Kind = Kind { name: "logout token", types: &["logout+jwt", "JWT"] };

/// How long a logout token without `exp` is valid, in seconds. Keycloak sends such tokens up to
/// version 22.
const LIFETIME: i64 = 120;

const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Judges a logout token. `keys` are those of the server, if known; `now` is in seconds since
/// 1970. Whether it was used before is for the caller to say.
pub fn judge(token: &str, rules: &TokenRules, keys: Option<&KeySet>, now: i64) -> LogoutJudgement {
    match judged(token, rules, keys, now) {
        Ok(token) => LogoutJudgement::Accepted(token),
        Err(NotAccepted::Refused(error)) => LogoutJudgement::Refused(error),
        Err(NotAccepted::NoKey) => LogoutJudgement::NoKey,
    }
}

/// The error for a signature that none of the server's current keys can verify.
pub fn not_verified() -> Error {
    Error::new(ErrorCode::IdToken, "signature: no key of the server verifies the logout token")
}

fn judged(token: &str, rules: &TokenRules, keys: Option<&KeySet>, now: i64) -> Result<LogoutToken, NotAccepted> {
    let claims = rules.verified(LOGOUT_TOKEN, token, keys)?;
    rules.check_parties(&claims)?;
    if claims.get("nonce").is_some() {
        return Err(claims.refused("nonce", "has one, as ID tokens have").into());
    }
    let events = claims.get("events").and_then(Value::as_object).ok_or_else(|| claims.missing("events"))?;
    // Keycloak has a further member for offline sessions.
    if !events.get(LOGOUT_EVENT).is_some_and(Value::is_object) {
        return Err(claims.refused("events", &format!("does not have the event {LOGOUT_EVENT}")).into());
    }
    let subject = claims.subject()?.map(str::to_owned);
    let session = claims.text("sid").map(str::to_owned);
    if session.as_deref() == Some("") {
        return Err(claims.refused("sid", "has an empty session").into());
    }
    if subject.is_none() && session.is_none() {
        return Err(claims.refused("sub", "has neither a user nor a session (sid)").into());
    }
    let token_id = claims.text("jti").filter(|id| !id.is_empty()).ok_or_else(|| claims.missing("jti"))?.to_owned();
    let (issued_at, expires_at) = (claims.required_time("iat")?, rules.check_times(&claims, Some(LIFETIME), now)?);
    Ok(LogoutToken { subject, session, token_id, issued_at, expires_at })
}

#[cfg(test)]
mod tests;
