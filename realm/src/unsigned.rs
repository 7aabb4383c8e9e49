//! Tokens before they are signed, and what an alteration makes of them.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::algorithm::Algorithm;
use crate::alteration::{Alteration, Kid, Signature};
use crate::altered_json::merge;
use crate::jwt::{assemble, hmac_key};
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
        merge(&mut header, &alteration.header);
        merge(&mut self.claims, &alteration.claims);
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
            None => hmac::sign(&hmac_key(self.algorithm, secret), input).as_ref().to_vec(),
        }
    }
}
