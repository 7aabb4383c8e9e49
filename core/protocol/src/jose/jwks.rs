//! A server's signature keys (RFC 7517).

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519, ED25519_PUBLIC_KEY_LEN, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::json;

const MAX_DOCUMENT: usize = 256 * 1024;
const MAX_KEYS: usize = 100;

/// How many keys are tried for one signature.
const MAX_TRIES: usize = 8;

/// The keys of a document that may verify signatures. A clone shares them.
#[derive(Clone)]
pub struct KeySet(Arc<[Key]>);

impl KeySet {
    /// The usable keys of a JWK Set document. A key that cannot be used is skipped.
    ///
    /// # Errors
    ///
    /// What is wrong with the document, in words that fit after its URL.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        /// Serde refuses `keys` twice.
        #[derive(Deserialize)]
        struct Document<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }

        if document.len() > MAX_DOCUMENT {
            return Err(format!("has {} bytes; a JWK Set may have {MAX_DOCUMENT}", document.len()));
        }
        let not_a_set = || "is not a JWK Set: a JSON object with one array `keys`".to_owned();
        if document.trim_ascii_start().first() != Some(&b'{') {
            return Err(not_a_set());
        }
        let Document { keys } = serde_json::from_slice(document).map_err(|_| not_a_set())?;
        if keys.len() > MAX_KEYS {
            return Err(format!("has {} keys; a JWK Set may have {MAX_KEYS}", keys.len()));
        }
        Ok(Self(keys.into_iter().filter_map(|key| Key::parse(key.get())).collect()))
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no key can be used.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key verifies the signature: one with this `kid`, or any if the token has none. The
    /// first eight that fit are tried.
    pub(super) fn verifies(&self, algorithm: Algorithm, kid: Option<&str>, message: &[u8], signature: &[u8]) -> bool {
        self.0
            .iter()
            .filter(|key| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid)))
            .filter_map(|key| key.verifiers.iter().find(|(fitting, _)| *fitting == algorithm))
            .take(MAX_TRIES)
            .any(|(_, verifier)| verifier.verify_sig(message, signature).is_ok())
    }
}

#[cfg(test)]
impl KeySet {
    /// A set of these keys.
    pub(crate) fn of(keys: impl IntoIterator<Item = Value>) -> Self {
        let keys: Vec<_> = keys.into_iter().collect();
        Self::parse(serde_json::json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.kid)).finish()
    }
}

struct Key {
    kid: Option<String>,
    /// The algorithms that the key is good for, each ready for use. There is at least one.
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let members = json::object(text.as_bytes())?;
        let text = |name| members.get(name).map_or(Some(None), |value| value.as_str().map(Some));
        if text("use")?.is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let verifies = |operations: &Value| operations.as_array().is_some_and(|operations| operations.contains(&"verify".into()));
        if members.get("key_ops").is_some_and(|operations| !verifies(operations)) {
            return None;
        }
        // Anybody may sign with a key whose private half is published.
        if members.contains_key("d") {
            return None;
        }
        let only = match text("alg")? {
            Some(name) => Some(Algorithm::parse(name)?),
            None => None,
        };
        let mut verifiers = match text("kty")?? {
            "RSA" => rsa(&members)?,
            "EC" => vec![elliptic_curve(&members)?],
            "OKP" => vec![edwards_curve(&members)?],
            _ => return None,
        };
        verifiers.retain(|(algorithm, _)| only.is_none_or(|only| only == *algorithm));
        let kid = text("kid")?.map(str::to_owned);
        (!verifiers.is_empty()).then_some(Self { kid, verifiers })
    }
}

/// RFC 7518, section 6.3.1.
fn rsa(members: &Map<String, Value>) -> Option<Vec<(Algorithm, ParsedPublicKey)>> {
    const PARAMETERS: [(Algorithm, &RsaParameters); 6] = [
        (Algorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256),
        (Algorithm::Rs384, &RSA_PKCS1_2048_8192_SHA384),
        (Algorithm::Rs512, &RSA_PKCS1_2048_8192_SHA512),
        (Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256),
        (Algorithm::Ps384, &RSA_PSS_2048_8192_SHA384),
        (Algorithm::Ps512, &RSA_PSS_2048_8192_SHA512),
    ];

    // Some servers write zeros before the number, which change nothing.
    let number = |name| {
        let bytes = bytes(members, name)?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(bytes[zeros..].to_vec())
    };
    let (n, e) = (number("n")?, number("e")?);
    let bits = 8 * n.len() - n.first()?.leading_zeros() as usize;
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    // The library verifies nothing with an exponent of more than 33 bits.
    let exponent = e.iter().try_fold(0_u64, |value, byte| Some(value.checked_mul(256)? + u64::from(*byte)))?;
    if !(2048..=8192).contains(&bits) || !is_odd(&n) || !is_odd(&e) || !(3..1 << 33).contains(&exponent) || is_factorable(&n) {
        return None;
    }
    let components = RsaPublicKeyComponents { n, e };
    PARAMETERS.into_iter().map(|(algorithm, parameters)| Some((algorithm, components.to_parsed_public_key(parameters).ok()?))).collect()
}

/// Whether chips made the modulus from primes that give it away (CVE-2017-15361): modulo each small
/// prime, it is a power of 65537. Of other keys, one in 200 million is like that.
fn is_factorable(n: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131,
        137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.iter().all(|prime| {
        let remainder = n.iter().fold(0, |remainder, byte| (256 * remainder + u32::from(*byte)) % prime);
        std::iter::successors(Some(1), |power| Some(power * 65537 % prime)).take(*prime as usize).any(|power| power == remainder)
    })
}

/// RFC 7518, section 6.2.1. A coordinate has the curve's full length.
fn elliptic_curve(members: &Map<String, Value>) -> Option<(Algorithm, ParsedPublicKey)> {
    let (algorithm, verification, length): (_, &'static dyn VerificationAlgorithm, _) = match members.get("crv")?.as_str()? {
        "P-256" => (Algorithm::Es256, &ECDSA_P256_SHA256_FIXED, 32),
        "P-384" => (Algorithm::Es384, &ECDSA_P384_SHA384_FIXED, 48),
        "P-521" => (Algorithm::Es512, &ECDSA_P521_SHA512_FIXED, 66),
        _ => return None,
    };
    let (x, y) = (bytes(members, "x")?, bytes(members, "y")?);
    // The library checks the length of both together.
    if x.len() != length {
        return None;
    }
    let uncompressed_point = [&[4][..], &x, &y].concat();
    Some((algorithm, ParsedPublicKey::new(verification, uncompressed_point).ok()?))
}

/// RFC 8037, section 2.
fn edwards_curve(members: &Map<String, Value>) -> Option<(Algorithm, ParsedPublicKey)> {
    if members.get("crv")?.as_str()? != "Ed25519" {
        return None;
    }
    let x = bytes(members, "x")?;
    if x.len() != ED25519_PUBLIC_KEY_LEN {
        return None;
    }
    Some((Algorithm::EdDsa, ParsedPublicKey::new(&ED25519, x).ok()?))
}

fn bytes(members: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(members.get(name)?.as_str()?).ok()
}

#[cfg(test)]
mod tests;
