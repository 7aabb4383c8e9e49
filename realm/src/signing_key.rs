//! One key that the realm signs with.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding, UnparsedPublicKey, VerificationAlgorithm,
};
use rcgen::{PKCS_RSA_SHA256, SignatureAlgorithm};
use serde_json::{Value, json};

use crate::algorithm::{Algorithm, Family, Hash};
use crate::bytes::{base64url, sha256};
use crate::rsa_public::RsaPublicKey;

/// A key for one algorithm, because Keycloak has a key for each.
pub(crate) struct SigningKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: String,
    /// As `certs` lists it.
    pub(crate) jwk: Value,
    pair: Pair,
}

/// The RSA algorithms share one pair: it takes longer to generate than the rest of the start.
pub(crate) type SharedRsa = Arc<RsaKeyPair>;

enum Pair {
    Rsa(SharedRsa),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

pub(crate) fn generate_rsa() -> SharedRsa {
    Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be generated"))
}

impl SigningKey {
    /// `None` for the algorithms that need a secret. `rsa` is called for those that need it.
    pub(crate) fn generate(algorithm: Algorithm, rsa: impl FnOnce() -> SharedRsa) -> Option<Self> {
        let pair = match algorithm.family {
            Family::Rsa | Family::RsaPss => Pair::Rsa(rsa()),
            Family::Ecdsa => Pair::Ecdsa(EcdsaKeyPair::generate(curve(algorithm.hash).signing).expect("an EC key can be generated")),
            Family::Ed25519 => Pair::Ed25519(Ed25519KeyPair::generate().expect("an Ed25519 key can be generated")),
            Family::Hmac => return None,
        };
        let kid = base64url(&sha256(&[algorithm.name.as_bytes(), pair.public_key()].concat()));
        let jwk = pair.jwk(algorithm, &kid);
        Some(Self { algorithm, kid, jwk, pair })
    }

    pub(crate) fn sign(&self, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => sign_rsa(pair, rsa_encoding(self.algorithm), input),
            Pair::Ecdsa(pair) => pair.sign(&random, input).expect("an EC key signs").as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(input).as_ref().to_vec(),
        }
    }

    pub(crate) fn verifies(&self, input: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(verification(self.algorithm), self.pair.public_key()).verify(input, signature).is_ok()
    }
}

impl Pair {
    fn public_key(&self) -> &[u8] {
        match self {
            Self::Rsa(pair) => pair.public_key().as_ref(),
            Self::Ecdsa(pair) => pair.public_key().as_ref(),
            Self::Ed25519(pair) => pair.public_key().as_ref(),
        }
    }

    fn jwk(&self, algorithm: Algorithm, kid: &str) -> Value {
        match self {
            Self::Rsa(pair) => RsaPublicKey(self.public_key().to_vec()).jwk(algorithm.name, "sig", kid, CertificateIssuer(pair)),
            Self::Ecdsa(_) => {
                // An uncompressed point: the byte 4, then both coordinates.
                let (x, y) = self.public_key()[1..].split_at(self.public_key().len() / 2);
                let curve = curve(algorithm.hash).name;
                json!({"kid": kid, "kty": "EC", "alg": algorithm.name, "use": "sig", "crv": curve, "x": base64url(x), "y": base64url(y)})
            }
            Self::Ed25519(_) => {
                let x = base64url(self.public_key());
                json!({"kid": kid, "kty": "OKP", "alg": algorithm.name, "use": "sig", "crv": "Ed25519", "x": x})
            }
        }
    }
}

fn sign_rsa(pair: &RsaKeyPair, encoding: &'static dyn RsaEncoding, input: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), input, &mut signature).expect("a 2048 bit key signs");
    signature
}

struct Curve {
    name: &'static str,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static dyn VerificationAlgorithm,
}

/// Each ECDSA algorithm of JWS has one curve (RFC 7518, 3.4).
fn curve(hash: Hash) -> Curve {
    use signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING,
    };
    match hash {
        Hash::Sha256 => Curve { name: "P-256", signing: &ECDSA_P256_SHA256_FIXED_SIGNING, verification: &ECDSA_P256_SHA256_FIXED },
        Hash::Sha384 => Curve { name: "P-384", signing: &ECDSA_P384_SHA384_FIXED_SIGNING, verification: &ECDSA_P384_SHA384_FIXED },
        Hash::Sha512 => Curve { name: "P-521", signing: &ECDSA_P521_SHA512_FIXED_SIGNING, verification: &ECDSA_P521_SHA512_FIXED },
    }
}

fn rsa_encoding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match (algorithm.family, algorithm.hash) {
        (Family::RsaPss, Hash::Sha256) => &signature::RSA_PSS_SHA256,
        (Family::RsaPss, Hash::Sha384) => &signature::RSA_PSS_SHA384,
        (Family::RsaPss, Hash::Sha512) => &signature::RSA_PSS_SHA512,
        (_, Hash::Sha256) => &signature::RSA_PKCS1_SHA256,
        (_, Hash::Sha384) => &signature::RSA_PKCS1_SHA384,
        (_, Hash::Sha512) => &signature::RSA_PKCS1_SHA512,
    }
}

fn verification(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match (algorithm.family, algorithm.hash) {
        (Family::Ed25519, _) => &signature::ED25519,
        (Family::Ecdsa, hash) => curve(hash).verification,
        (Family::RsaPss, Hash::Sha256) => &signature::RSA_PSS_2048_8192_SHA256,
        (Family::RsaPss, Hash::Sha384) => &signature::RSA_PSS_2048_8192_SHA384,
        (Family::RsaPss, Hash::Sha512) => &signature::RSA_PSS_2048_8192_SHA512,
        (_, Hash::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (_, Hash::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (_, Hash::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
    }
}

/// Signs certificates.
pub(crate) struct CertificateIssuer<'a>(pub(crate) &'a RsaKeyPair);

impl rcgen::PublicKeyData for CertificateIssuer<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for CertificateIssuer<'_> {
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(sign_rsa(self.0, &signature::RSA_PKCS1_SHA256, input))
    }
}
