//! Tokens and keys, decoded and verified without the realm's code.

use aws_lc_rs::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// A token, decoded. Nothing is verified.
pub(crate) struct Token {
    pub(crate) input: String,
    pub(crate) header: Value,
    pub(crate) payload: String,
    /// Null if the payload has a number that is none.
    pub(crate) claims: Value,
    pub(crate) signature: Vec<u8>,
}

impl Token {
    pub(crate) fn of(token: &Value) -> Self {
        let token = token.as_str().expect("a token");
        let (input, signature) = token.rsplit_once('.').expect("a JWT");
        let (header, payload) = input.split_once('.').expect("a JWT");
        let payload = String::from_utf8(decode(payload)).expect("text");
        Self {
            input: input.to_owned(),
            header: serde_json::from_slice(&decode(header)).expect("JSON"),
            claims: serde_json::from_str(&payload).unwrap_or_default(),
            payload,
            signature: decode(signature),
        }
    }

    pub(crate) fn verifies(&self, key: &Value) -> bool {
        let member = |name: &str| decode(key[name].as_str().expect("a member of the key"));
        let (input, signature) = (self.input.as_bytes(), self.signature.as_slice());
        let rsa = |algorithm| RsaPublicKeyComponents { n: member("n"), e: member("e") }.verify(algorithm, input, signature).is_ok();
        let unparsed = |algorithm: &'static dyn VerificationAlgorithm, bytes: Vec<u8>| {
            UnparsedPublicKey::new(algorithm, bytes).verify(input, signature).is_ok()
        };
        let point = || [vec![4], member("x"), member("y")].concat();
        match key["alg"].as_str().expect("an algorithm") {
            "RS256" => rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            "RS384" => rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            "RS512" => rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            "PS256" => rsa(&signature::RSA_PSS_2048_8192_SHA256),
            "PS384" => rsa(&signature::RSA_PSS_2048_8192_SHA384),
            "PS512" => rsa(&signature::RSA_PSS_2048_8192_SHA512),
            "ES256" => unparsed(&signature::ECDSA_P256_SHA256_FIXED, point()),
            "ES384" => unparsed(&signature::ECDSA_P384_SHA384_FIXED, point()),
            "ES512" => unparsed(&signature::ECDSA_P521_SHA512_FIXED, point()),
            "EdDSA" => unparsed(&signature::ED25519, member("x")),
            other => panic!("an unexpected algorithm: {other}"),
        }
    }
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
