//! The keys of one realm: RS256 for tokens that clients may verify, HS512 for refresh tokens, which
//! only the realm verifies.

use std::sync::OnceLock;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use aws_lc_rs::{hmac, rand::SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, DnType, Issuer, PKCS_RSA_SHA256, SignatureAlgorithm};
use serde_json::{Value, json};

pub(crate) struct Keys {
    /// Generated when first needed, because it takes longer than the rest of the start.
    signing: OnceLock<SigningKey>,
    /// Nothing is encrypted for a realm, so this key has no private half: a modulus without known
    /// factors.
    encryption: PublicKey,
    jwks: OnceLock<Value>,
    refresh: hmac::Key,
    refresh_kid: String,
}

impl Keys {
    pub(crate) fn generate() -> Self {
        let mut secret = [0; 64];
        fill(&mut secret);
        Self {
            signing: OnceLock::new(),
            encryption: PublicKey::without_private_half(),
            jwks: OnceLock::new(),
            refresh: hmac::Key::new(hmac::HMAC_SHA512, &secret),
            refresh_kid: uuid(),
        }
    }

    /// Generates the signing key now, so that no token request has to wait for it.
    pub(crate) fn prepare(&self) {
        self.signing();
    }

    fn signing(&self) -> &SigningKey {
        self.signing.get_or_init(SigningKey::generate)
    }

    /// As in Keycloak, the encryption key is first: a client that verifies with the first RSA key
    /// fails here too.
    pub(crate) fn jwks(&self) -> &Value {
        self.jwks.get_or_init(|| {
            let signing = self.signing();
            let signed = PublicKey(signing.pair.public_key().as_ref().to_vec());
            json!({"keys": [self.encryption.jwk("RSA-OAEP", "enc", signing), signed.jwk("RS256", "sig", signing)]})
        })
    }

    pub(crate) fn sign_rs256(&self, claims: &Value) -> String {
        let signing = self.signing();
        let input = signing_input(&json!({"alg": "RS256", "typ": "JWT", "kid": signing.kid}), claims);
        format!("{input}.{}", base64url(&signing.signature(input.as_bytes())))
    }

    pub(crate) fn sign_hs512(&self, claims: &Value) -> String {
        let input = signing_input(&json!({"alg": "HS512", "typ": "JWT", "kid": self.refresh_kid}), claims);
        let tag = hmac::sign(&self.refresh, input.as_bytes());
        format!("{input}.{}", base64url(tag.as_ref()))
    }

    /// The claims, if this realm signed them as `RS256`. Expiry is the caller's concern.
    pub(crate) fn verify_rs256(&self, token: &str) -> Option<Value> {
        let (input, claims, signature) = split(token, "RS256")?;
        // Without a key, nothing has been signed yet.
        let signing = self.signing.get()?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, signing.pair.public_key().as_ref());
        key.verify(input.as_bytes(), &signature).ok()?;
        Some(claims)
    }

    /// The claims, if this realm signed them as `HS512`. Expiry is the caller's concern.
    pub(crate) fn verify_hs512(&self, token: &str) -> Option<Value> {
        let (input, claims, signature) = split(token, "HS512")?;
        hmac::verify(&self.refresh, input.as_bytes(), &signature).ok()?;
        Some(claims)
    }
}

/// The left half of the hash, as OpenID Connect Core 3.1.3.6 has it for RS256.
pub(crate) fn at_hash(access_token: &str) -> String {
    base64url(&sha256(access_token.as_bytes())[..16])
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// 24 characters, like the session ids of Keycloak 26.
pub(crate) fn random_id() -> String {
    let mut bytes = [0; 18];
    fill(&mut bytes);
    base64url(&bytes)
}

pub(crate) fn uuid() -> String {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn fill(bytes: &mut [u8]) {
    rand::fill(bytes).expect("the operating system provides random bytes");
}

struct SigningKey {
    pair: KeyPair,
    kid: String,
}

impl SigningKey {
    fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be generated");
        let kid = base64url(&sha256(pair.public_key().as_ref()));
        Self { pair, kid }
    }

    fn signature(&self, input: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature).expect("a 2048 bit key signs");
        signature
    }
}

impl rcgen::PublicKeyData for SigningKey {
    fn der_bytes(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for SigningKey {
    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.signature(input))
    }
}

/// An `RSAPublicKey` (RFC 8017, A.1.1) in DER.
struct PublicKey(Vec<u8>);

impl PublicKey {
    fn without_private_half() -> Self {
        let mut modulus = [0; 256];
        fill(&mut modulus);
        // Full length and odd, like a product of two large primes.
        modulus[0] |= 0x80;
        modulus[255] |= 1;
        // A sequence of two integers: the modulus, with a zero byte to keep it positive, and 65537.
        Self([&[0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00][..], &modulus, &[0x02, 0x03, 0x01, 0x00, 0x01]].concat())
    }

    fn jwk(&self, algorithm: &str, usage: &str, issuer: &SigningKey) -> Value {
        let [modulus, exponent] = integers(&self.0);
        let certificate = self.certificate(issuer);
        json!({
            "kid": base64url(&sha256(&self.0)), "kty": "RSA", "alg": algorithm, "use": usage,
            "x5c": [STANDARD.encode(&certificate)],
            "x5t": base64url(digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate).as_ref()), "x5t#S256": base64url(&sha256(&certificate)),
            "n": base64url(modulus), "e": base64url(exponent),
        })
    }

    /// Keycloak's certificates are self-signed; a key without a private half cannot sign.
    fn certificate(&self, issuer: &SigningKey) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Local test realm");
        let issuer = Issuer::from_params(&params, issuer);
        params.signed_by(self, &issuer).expect("a certificate can be issued").der().to_vec()
    }
}

impl rcgen::PublicKeyData for PublicKey {
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

fn signing_input(header: &Value, claims: &Value) -> String {
    format!("{}.{}", base64url(header.to_string().as_bytes()), base64url(claims.to_string().as_bytes()))
}

fn split<'a>(token: &'a str, algorithm: &str) -> Option<(&'a str, Value, Vec<u8>)> {
    let (input, signature) = token.rsplit_once('.')?;
    let (header, claims) = input.split_once('.')?;
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    if header["alg"] != algorithm {
        return None;
    }
    let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    Some((input, claims, URL_SAFE_NO_PAD.decode(signature).ok()?))
}
