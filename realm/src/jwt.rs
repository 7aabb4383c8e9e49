//! Signed tokens in the compact form (RFC 7515, 7.1).

use aws_lc_rs::hmac;
use serde_json::Value;

use crate::algorithm::{Algorithm, Family, Hash};
use crate::altered_json;
use crate::bytes::{base64url, from_base64url};

pub(crate) fn assemble(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let encoded = |value| base64url(altered_json::text(value).as_bytes());
    let input = format!("{}.{}", encoded(header), encoded(claims));
    let signature = base64url(&sign(input.as_bytes()));
    format!("{input}.{signature}")
}

/// The decoded parts of a token that somebody sent. Nothing is verified.
pub(crate) struct Parts<'a> {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) input: &'a [u8],
    pub(crate) signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    pub(crate) fn of(token: &'a str) -> Option<Self> {
        let (input, signature) = token.rsplit_once('.')?;
        let (header, claims) = input.split_once('.')?;
        let json = |part: &str| serde_json::from_slice(&from_base64url(part)?).ok();
        Some(Self { header: json(header)?, claims: json(claims)?, input: input.as_bytes(), signature: from_base64url(signature)? })
    }
}

/// The claims, if they were signed with this secret.
pub(crate) fn verify_with_secret(token: &str, secret: &str) -> Option<Value> {
    let parts = Parts::of(token)?;
    let algorithm = Algorithm::named(parts.header["alg"].as_str()?).ok().filter(|algorithm| algorithm.family == Family::Hmac)?;
    hmac::verify(&hmac_key(algorithm, secret), parts.input, &parts.signature).is_ok().then_some(parts.claims)
}

/// For the algorithms that sign with a secret.
pub(crate) fn hmac_key(algorithm: Algorithm, secret: &str) -> hmac::Key {
    let algorithm = match algorithm.hash {
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
        Hash::Sha512 => hmac::HMAC_SHA512,
    };
    hmac::Key::new(algorithm, secret.as_bytes())
}
