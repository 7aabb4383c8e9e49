//! Keys and tokens for tests.

use std::sync::LazyLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::algorithm::Algorithm;

/// As long as the longest hash.
pub(crate) const SECRET: &str = "canary-client-secret-canary-client-secret-canary-client-secret-64";

/// A key pair of a server.
pub(crate) enum Signer {
    Rsa(Box<RsaKeyPair>),
    EllipticCurve(&'static str, Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
    Secret(Vec<u8>),
}

impl Signer {
    /// A new key pair for this algorithm.
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Es256 => Self::EllipticCurve("P-256", EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().into()),
            Algorithm::Es384 => Self::EllipticCurve("P-384", EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap().into()),
            Algorithm::Es512 => Self::EllipticCurve("P-521", EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap().into()),
            Algorithm::EdDsa => Self::Ed25519(Ed25519KeyPair::generate().unwrap().into()),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => Self::Secret(SECRET.into()),
            _ => Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap().into()),
        }
    }

    /// The same key pair for all algorithms of its type, made once.
    pub(crate) fn of(algorithm: Algorithm) -> &'static Self {
        static SIGNERS: [LazyLock<Signer>; 6] = [
            LazyLock::new(|| Signer::new(Algorithm::Rs256)),
            LazyLock::new(|| Signer::new(Algorithm::Es256)),
            LazyLock::new(|| Signer::new(Algorithm::Es384)),
            LazyLock::new(|| Signer::new(Algorithm::Es512)),
            LazyLock::new(|| Signer::new(Algorithm::EdDsa)),
            LazyLock::new(|| Signer::new(Algorithm::Hs256)),
        ];
        let index = match algorithm {
            Algorithm::Es256 => 1,
            Algorithm::Es384 => 2,
            Algorithm::Es512 => 3,
            Algorithm::EdDsa => 4,
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => 5,
            _ => 0,
        };
        &SIGNERS[index]
    }

    /// The public key as a JSON Web Key without `kid` and `alg`.
    pub(crate) fn jwk(&self) -> Value {
        match self {
            Self::Rsa(pair) => json!({"kty": "RSA", "n": encode(modulus(pair)), "e": "AQAB"}),
            Self::EllipticCurve(curve, pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Self::Ed25519(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key())}),
            Self::Secret(secret) => json!({"kty": "oct", "k": encode(secret)}),
        }
    }

    /// The public key in other encodings: SubjectPublicKeyInfo, and PKCS #1 or the point.
    pub(crate) fn der(&self) -> [Vec<u8>; 2] {
        match self {
            Self::Rsa(pair) => [pair.public_key().as_der().unwrap().as_ref().to_vec(), pair.public_key().as_ref().to_vec()],
            Self::EllipticCurve(_, pair) => [pair.public_key().as_der().unwrap().as_ref().to_vec(), pair.public_key().as_ref().to_vec()],
            Self::Ed25519(pair) => [pair.public_key().as_der().unwrap().as_ref().to_vec(), pair.public_key().as_ref().to_vec()],
            Self::Secret(_) => unreachable!("a secret is not public"),
        }
    }

    /// A token of this header and payload, whatever they are.
    pub(crate) fn token(&self, algorithm: Algorithm, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.signed(algorithm, &format!("{}.{}", encode(header), encode(payload)))
    }

    /// A text with its signature.
    pub(crate) fn signed(&self, algorithm: Algorithm, signing_input: &str) -> String {
        format!("{signing_input}.{}", encode(self.signature(algorithm, signing_input.as_bytes())))
    }

    pub(crate) fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => {
                let encoding = match algorithm {
                    Algorithm::Rs256 => &RSA_PKCS1_SHA256,
                    Algorithm::Rs384 => &RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_SHA512,
                    Algorithm::Ps256 => &RSA_PSS_SHA256,
                    Algorithm::Ps384 => &RSA_PSS_SHA384,
                    _ => &RSA_PSS_SHA512,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
            Self::EllipticCurve(_, pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Secret(secret) => mac(algorithm, secret, message),
        }
    }
}

/// An HMAC with any secret.
pub(crate) fn mac(algorithm: Algorithm, secret: &[u8], message: &[u8]) -> Vec<u8> {
    let hmac = match algorithm {
        Algorithm::Hs384 => hmac::HMAC_SHA384,
        Algorithm::Hs512 => hmac::HMAC_SHA512,
        _ => hmac::HMAC_SHA256,
    };
    hmac::sign(&hmac::Key::new(hmac, secret), message).as_ref().to_vec()
}

/// An object with more members. `null` takes one away.
pub(crate) fn with(mut object: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().shift_remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Of a key of 2048 bits, whose PKCS #1 form has it after nine bytes.
fn modulus(pair: &RsaKeyPair) -> &[u8] {
    &pair.public_key().as_ref()[9..9 + 256]
}
