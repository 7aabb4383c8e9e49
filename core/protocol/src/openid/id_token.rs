//! Judging ID tokens (OpenID Connect Core, sections 3.1.3.7 and 12.2).

use aws_lc_rs::digest::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use super::identity::Identity;
pub use super::token_rules::TokenRules;
use super::token_rules::{Kind, NotAccepted, TokenClaims};
use crate::claims::Claims;
use crate::error::{Error, ErrorCode, Result};
use crate::jose::jwks::KeySet;
use crate::jose::jws::claims_of_judged;
use crate::secret::{AccessToken, IdToken};

/// What one ID token must say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// The nonce of the authorization request; `None` if it is not known.
    pub nonce: Option<&'a str>,
    /// `at_hash` is compared with it.
    pub access_token: Option<&'a AccessToken>,
    /// How long ago the user may have logged in, in seconds. `auth_time` is then required.
    pub max_age: Option<i64>,
    /// Whether `auth_time` was asked for as essential.
    pub auth_time: bool,
    /// The values of which `acr` must be one, if there are any.
    pub acr_values: &'a [String],
    /// What an earlier ID token of the same login said.
    pub previous: Option<&'a Identity>,
}

/// What comes of an ID token.
#[derive(Clone, Debug)]
pub enum Judgement {
    /// It is good.
    Accepted(Claims),
    /// It is not.
    Refused(Error),
    /// It cannot be said: no key that is known verifies the signature, or none is known. With newer
    /// keys it may be good.
    NoKey,
}

const ID_TOKEN: Kind = Kind { name: "ID token", types: &["JWT"] };

/// Judges an ID token. `keys` are those of the server, if known; `now` is in seconds since 1970.
///
/// The signature is verified before any claim is looked at. The clock counts last: what is wrong by
/// its times alone is otherwise good.
pub fn judge(token: &IdToken, rules: &TokenRules, expected: Expected<'_>, keys: Option<&KeySet>, now: i64) -> Judgement {
    match judged(token, rules, expected, keys, now) {
        Ok(claims) => Judgement::Accepted(claims),
        Err(NotAccepted::Refused(error)) => Judgement::Refused(error),
        Err(NotAccepted::NoKey) => Judgement::NoKey,
    }
}

/// The error for a signature that none of the server's current keys can verify.
pub fn not_verified() -> Error {
    Error::new(ErrorCode::IdToken, "signature: no key of the server verifies the ID token; log in again")
}

/// The claims of an ID token that was judged before.
pub fn claims(token: &IdToken) -> Option<Claims> {
    claims_of_judged(token.reveal()).map(Claims::new)
}

fn judged(token: &IdToken, rules: &TokenRules, expected: Expected<'_>, keys: Option<&KeySet>, now: i64) -> Result<Claims, NotAccepted> {
    let claims = rules.verified(ID_TOKEN, token.reveal(), keys)?;
    rules.check_parties(&claims)?;
    check_authorized_party(&claims, &rules.client_id)?;
    claims.subject()?.ok_or_else(|| claims.missing("sub"))?;
    if expected.nonce.is_some() {
        check_nonce(&claims, expected.nonce)?;
    }
    if let Some(access_token) = expected.access_token {
        check_access_token_hash(&claims, access_token)?;
    }
    if !expected.acr_values.is_empty() {
        check_acr(&claims, expected.acr_values)?;
    }
    check_auth_time(&claims, expected, rules.leeway, now)?;
    if let Some(previous) = expected.previous {
        check_against_previous(&claims, previous)?;
    }
    rules.check_times(&claims, None, now)?;
    Ok(Claims::new(claims.into_members()))
}

fn check_authorized_party(claims: &TokenClaims, client_id: &str) -> Result<()> {
    match claims.text("azp") {
        Some(party) if party == client_id => Ok(()),
        Some(_) => Err(claims.refused("azp", &format!("was issued to {}, expected {client_id:?}", claims.shown("azp")))),
        None if claims.texts("aud").len() > 1 => Err(claims.refused("azp", "is for several, and does not say to whom it was issued")),
        None => Ok(()),
    }
}

fn check_nonce(claims: &TokenClaims, expected: Option<&str>) -> Result<()> {
    let is_same = |nonce: &str, expected: &str| bool::from(nonce.as_bytes().ct_eq(expected.as_bytes()));
    if claims.text("nonce").zip(expected).is_some_and(|(nonce, expected)| is_same(nonce, expected)) {
        return Ok(());
    }
    Err(claims.refused_as(ErrorCode::NonceMismatch, "nonce", "is not of this login; start a new one"))
}

/// OpenID Connect Core, section 3.1.3.6.
fn check_access_token_hash(claims: &TokenClaims, access_token: &AccessToken) -> Result<()> {
    let Some(hash) = claims.text("at_hash") else { return Ok(()) };
    let expected = digest(claims.algorithm().digest(), access_token.reveal().as_bytes());
    let (left_half, _) = expected.as_ref().split_at(expected.as_ref().len() / 2);
    if hash == URL_SAFE_NO_PAD.encode(left_half) {
        return Ok(());
    }
    Err(claims.refused("at_hash", "belongs to another access token than the one beside it"))
}

fn check_acr(claims: &TokenClaims, acceptable: &[String]) -> Result<()> {
    let acr = claims.text("acr").ok_or_else(|| claims.missing("acr"))?;
    if acceptable.iter().any(|acceptable| acceptable == acr) {
        return Ok(());
    }
    Err(claims.refused("acr", &format!("says that the user logged in by {}, expected {}", claims.shown("acr"), acceptable.join(" or "))))
}

fn check_auth_time(claims: &TokenClaims, expected: Expected<'_>, leeway: i64, now: i64) -> Result<()> {
    if expected.max_age.is_none() && !expected.auth_time {
        return Ok(());
    }
    let auth_time = claims.time("auth_time").ok_or_else(|| claims.missing("auth_time"))?;
    match expected.max_age {
        Some(max_age) if auth_time.saturating_add(max_age).saturating_add(leeway) < now => Err(claims.refused(
            "auth_time",
            &format!("says that the user logged in at {auth_time}, longer ago than {max_age} s; here it is {now}, in seconds since 1970"),
        )),
        _ => Ok(()),
    }
}

/// OpenID Connect Core, section 12.2.
fn check_against_previous(claims: &TokenClaims, previous: &Identity) -> Result<()> {
    let another = |name| Err(claims.refused(name, "is not about the same login as the first one"));
    if claims.text("sub") != Some(&previous.subject) {
        return another("sub");
    }
    if claims.text("azp") != previous.authorized_party.as_deref() {
        return another("azp");
    }
    // A later one is that of a user who logged in again meanwhile, in the same session: Keycloak
    // then moves it for all logins of the session.
    if claims.time("auth_time").zip(previous.auth_time).is_some_and(|(now, then)| now < then) {
        return another("auth_time");
    }
    if claims.time("iat").is_some_and(|issued_at| issued_at < previous.issued_at) {
        return Err(claims.refused("iat", "is older than the first one of the login"));
    }
    match claims.text("nonce") {
        Some(_) => check_nonce(claims, previous.nonce.as_deref()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
