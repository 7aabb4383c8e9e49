//! Tokens that the server signed, whatever they say.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sipgate_oauth2_protocol::jose::algorithm::Algorithm;
use sipgate_oauth2_protocol::openid::id_token::TokenRules;

use crate::{ISSUER, NOW};

pub(crate) const CLIENT_ID: &str = "client";

const SECRET: &str = "canary secret canary secret canary secret";

/// A client that shares a secret with its server.
pub(crate) fn rules() -> TokenRules {
    TokenRules {
        issuer: ISSUER.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        trusted_audiences: vec!["api".to_owned()],
        algorithms: vec![Algorithm::Hs256],
        client_secret: Some(SECRET.into()),
        leeway: 60,
    }
}

/// A token with a good signature.
pub(crate) fn token(header: &str, payload: &str) -> String {
    let signing_input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signing_input.as_bytes());
    format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims, if they can be read in one way only: they are written as JSON without need.
pub(crate) fn claims(payload: &str) -> Option<Value> {
    let claims: Value = serde_json::from_str(payload).ok()?;
    let written = claims.to_string();
    (claims.is_object() && written == payload && payload.len() < 16 * 1024 && depth(&claims) <= 32).then_some(claims)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// What holds for ID tokens and logout tokens.
pub(crate) fn is_from_the_server_and_for_the_client(claims: &Value) -> bool {
    let time = |name: &str| claims[name].as_f64().map(f64::floor);
    let texts = ["iss", "sub", "nonce", "acr", "azp", "at_hash", "sid", "jti"];
    let times = ["exp", "iat", "nbf", "auth_time"];
    let now = NOW as f64;
    claims["iss"] == ISSUER
        && audiences(claims).is_some_and(|all| all.contains(&CLIENT_ID) && all.iter().all(|one| [CLIENT_ID, "api"].contains(one)))
        && time("exp").is_some_and(|time| now < time + 60.0)
        && time("iat").is_some_and(|time| time <= now + 60.0)
        && time("nbf").is_none_or(|time| time <= now + 60.0)
        && texts.iter().all(|name| claims.get(name).is_none_or(Value::is_string))
        && times.iter().all(|name| claims.get(name).is_none_or(|_| time(name).is_some_and(|time| time.abs() < 9_007_199_254_740_992.0)))
        && claims.get("amr").is_none_or(|amr| amr.as_array().is_some_and(|all| all.iter().all(Value::is_string)))
        && claims.get("events").is_none_or(Value::is_object)
        && claims["sub"].as_str().is_none_or(|sub| (1..=255).contains(&sub.len()) && sub.is_ascii())
}

pub(crate) fn audiences(claims: &Value) -> Option<Vec<&str>> {
    match &claims["aud"] {
        Value::Array(all) => all.iter().map(Value::as_str).collect(),
        one => one.as_str().map(|one| vec![one]),
    }
}
