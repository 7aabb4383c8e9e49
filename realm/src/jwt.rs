//! Signed tokens in the compact form (RFC 7515, 7.1).

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::algorithm::{Algorithm, Family, Hash};
use crate::alteration::{self, Alteration, Kid, Signature};
use crate::bytes::{base64url, from_base64url};
use crate::keys::Keys;
use crate::signing_key::SigningKey;

/// What clients verify: an ID token, a logout token, signed userinfo, or an access token.
pub(crate) struct Unsigned<'a> {
    pub(crate) typ: &'static str,
    pub(crate) algorithm: Algorithm,
    /// Of the client, for the algorithms that need one.
    pub(crate) secret: &'a str,
    pub(crate) claims: Value,
}

impl Unsigned<'_> {
    pub(crate) fn sign(mut self, keys: &Keys, alteration: Option<&Alteration>) -> String {
        let key = keys.active(self.algorithm);
        let mut header = json!({"alg": self.algorithm.name, "typ": self.typ});
        if let Some(key) = &key {
            header["kid"] = key.kid.as_str().into();
        }
        let Some(alteration) = alteration else {
            return assemble(&header, &self.claims, |input| self.signature(key.as_deref(), self.secret, input));
        };
        if alteration.unsigned() {
            header["alg"] = "none".into();
        }
        match alteration.kid {
            None => {}
            Some(Kid::Remove) => drop(header.as_object_mut().map(|header| header.remove("kid"))),
            Some(Kid::Unknown) => header["kid"] = "a-key-that-nobody-lists".into(),
        }
        alteration::merge(&mut header, &alteration.header);
        alteration::merge(&mut self.claims, &alteration.claims);
        assemble(&header, &self.claims, |input| self.altered_signature(key.as_deref(), alteration, input))
    }

    fn altered_signature(&self, key: Option<&SigningKey>, alteration: &Alteration, input: &[u8]) -> Vec<u8> {
        let secret = alteration.secret.as_deref().unwrap_or(self.secret);
        match alteration.signature {
            _ if alteration.unsigned() => Vec::new(),
            None => self.signature(key, secret, input),
            Some(Signature::Empty) => Vec::new(),
            Some(Signature::OtherKey) => self.signature(Keys::stranger(self.algorithm).as_deref(), "another secret", input),
            Some(Signature::Broken) => {
                let mut signature = self.signature(key, secret, input);
                signature[0] ^= 1;
                signature
            }
        }
    }

    fn signature(&self, key: Option<&SigningKey>, secret: &str, input: &[u8]) -> Vec<u8> {
        match key {
            Some(key) => key.sign(input),
            None => hmac::sign(&hmac::Key::new(hmac_algorithm(self.algorithm), secret.as_bytes()), input).as_ref().to_vec(),
        }
    }
}

fn hmac_algorithm(algorithm: Algorithm) -> hmac::Algorithm {
    match algorithm.hash {
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
        Hash::Sha512 => hmac::HMAC_SHA512,
    }
}

pub(crate) fn assemble(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let encoded = |value| base64url(alteration::text(value).as_bytes());
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
    let key = hmac::Key::new(hmac_algorithm(algorithm), secret.as_bytes());
    hmac::verify(&key, parts.input, &parts.signature).is_ok().then_some(parts.claims)
}
