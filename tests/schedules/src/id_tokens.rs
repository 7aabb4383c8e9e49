//! The ID tokens and logout tokens of the server of an execution, and its key.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

pub(crate) const ALGORITHM: &str = "EdDSA";

const LIFETIME: i64 = 300;

/// The user of all logins.
const USER: &str = "user-42";

/// Whether the key that signs is in the document at the `jwks_uri`.
#[derive(Clone, Copy)]
pub(crate) enum Signer {
    Published,
    Unknown,
}

fn key(signer: Signer) -> Ed25519KeyPair {
    let seed = match signer {
        Signer::Published => [7; 32],
        Signer::Unknown => [8; 32],
    };
    Ed25519KeyPair::from_seed_unchecked(&seed).expect("a good seed")
}

/// The document at the `jwks_uri`.
pub(crate) fn keys() -> Value {
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": URL_SAFE_NO_PAD.encode(key(Signer::Published).public_key())}]})
}

/// An ID token of a session. One that `is_bad` is about another user.
pub(crate) fn id_token(session: usize, is_bad: bool, signer: Signer, now: i64) -> String {
    let user = if is_bad { "another" } else { USER };
    signed("JWT", claims(json!({"sub": user, "sid": format!("s{session}")}), now), signer)
}

/// A logout token about all sessions of the user.
pub(crate) fn logout_token(number: usize, now: i64) -> String {
    let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    signed("logout+jwt", claims(json!({"sub": USER, "jti": format!("j{number}"), "events": events}), now), Signer::Published)
}

fn claims(mut claims: Value, now: i64) -> Value {
    claims["iss"] = json!("https://login.example/");
    claims["aud"] = json!("client");
    claims["iat"] = json!(now);
    claims["exp"] = json!(now + LIFETIME);
    claims
}

fn signed(kind: &str, claims: Value, signer: Signer) -> String {
    let encoded = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!("{}.{}", encoded(json!({"alg": ALGORITHM, "typ": kind, "kid": "k"})), encoded(claims));
    let signature = URL_SAFE_NO_PAD.encode(key(signer).sign(text.as_bytes()));
    format!("{text}.{signature}")
}
