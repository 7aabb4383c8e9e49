//! RSA public keys as JWKs with certificates, as Keycloak lists them.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, Issuer, PKCS_RSA_SHA256, SignatureAlgorithm};
use serde_json::{Value, json};

use crate::bytes::{base64url, fill, sha256};

/// An `RSAPublicKey` (RFC 8017, A.1.1) in DER.
pub(crate) struct RsaPublicKey(pub(crate) Vec<u8>);

impl RsaPublicKey {
    pub(crate) fn without_private_half() -> Self {
        let mut modulus = [0; 256];
        fill(&mut modulus);
        // Full length and odd, like a product of two large primes.
        modulus[0] |= 0x80;
        modulus[255] |= 1;
        // A sequence of two integers: the modulus, with a zero byte to keep it positive, and 65537.
        Self([&[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00][..], &modulus, &[0x02, 0x03, 0x01, 0x00, 0x01]].concat())
    }

    pub(crate) fn jwk(&self, algorithm: &str, usage: &str, kid: &str, issuer: impl rcgen::SigningKey) -> Value {
        let [modulus, exponent] = integers(&self.0);
        let certificate = self.certificate(issuer);
        json!({
            "kid": kid, "kty": "RSA", "alg": algorithm, "use": usage,
            "x5c": [STANDARD.encode(&certificate)],
            "x5t": base64url(digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate).as_ref()), "x5t#S256": base64url(&sha256(&certificate)),
            "n": base64url(modulus), "e": base64url(exponent),
        })
    }

    /// Keycloak's certificates are self-signed; a key without a private half cannot sign.
    fn certificate(&self, issuer: impl rcgen::SigningKey) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Local test realm");
        let issuer = Issuer::from_params(&params, issuer);
        params.signed_by(self, &issuer).expect("a certificate can be issued").der().to_vec()
    }
}

impl rcgen::PublicKeyData for RsaPublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

/// Modulus and exponent of an `RSAPublicKey`, without the zero byte that keeps DER integers
/// positive.
fn integers(mut der: &[u8]) -> [&[u8]; 2] {
    element(&mut der, true);
    [element(&mut der, false), element(&mut der, false)].map(|integer| integer.strip_prefix(&[0]).unwrap_or(integer))
}

/// Reads one DER element and advances past it or, if `enter` is set, to its content.
fn element<'a>(der: &mut &'a [u8], enter: bool) -> &'a [u8] {
    let (length, start) = match usize::from(der[1]) {
        short @ 0..0x80 => (short, 2),
        long => {
            let end = 2 + (long & 0x7f);
            (der[2..end].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), end)
        }
    };
    let content = &der[start..start + length];
    *der = if enter { content } else { &der[start + length..] };
    content
}
