//! The keys of one realm: those that clients verify with, and one for refresh tokens, which only
//! the realm verifies.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::algorithm::Algorithm;
use crate::bytes::{base64url, fill, sha256, uuid};
use crate::jwt;
use crate::rsa_public::RsaPublicKey;
use crate::signing_key::{CertificateIssuer, SharedRsa, SigningKey, generate_rsa};

pub(crate) struct Keys {
    ring: Mutex<Ring>,
    encryption: OnceLock<Value>,
    refresh: hmac::Key,
    refresh_kid: String,
}

/// Each key is generated when it is first needed.
struct Ring {
    rsa: Option<SharedRsa>,
    /// The first key of an algorithm is the active one. Later ones are passive: they only verify.
    keys: Vec<Arc<SigningKey>>,
    /// What the next responses of `certs` list instead, and how many responses.
    outdated: Option<(Value, u32)>,
}

/// Keys that no realm lists.
static STRANGERS: Mutex<Ring> = Mutex::new(Ring::EMPTY);

/// How to rotate.
pub(crate) struct Rotation {
    /// Whether the old keys stay, as passive ones.
    pub(crate) keep_old: bool,
    /// The number of responses of `certs` that do not know of the rotation yet.
    pub(crate) outdated_responses: u32,
}

impl Keys {
    pub(crate) fn generate() -> Self {
        let mut secret = [0; 64];
        fill(&mut secret);
        Self {
            ring: Mutex::new(Ring::EMPTY),
            encryption: OnceLock::new(),
            refresh: hmac::Key::new(hmac::HMAC_SHA512, &secret),
            refresh_kid: uuid(),
        }
    }

    /// Generates the default key now, so that no token request has to wait for it.
    pub(crate) fn prepare(&self) {
        self.ring().active(Algorithm::RS256);
    }

    /// `None` for the algorithms that need a secret.
    pub(crate) fn active(&self, algorithm: Algorithm) -> Option<Arc<SigningKey>> {
        self.ring().active(algorithm)
    }

    /// A key that the realm does not list.
    pub(crate) fn stranger(algorithm: Algorithm) -> Option<Arc<SigningKey>> {
        lock(&STRANGERS).active(algorithm)
    }

    pub(crate) fn rotate(&self, rotation: &Rotation) {
        let mut ring = self.ring();
        ring.active(Algorithm::RS256);
        ring.outdated = (rotation.outdated_responses > 0).then(|| (self.listed(&mut ring), rotation.outdated_responses));
        let old = std::mem::take(&mut ring.keys);
        ring.rsa = None;
        for key in &old {
            ring.active(key.algorithm);
        }
        if rotation.keep_old {
            ring.keys.extend(old);
        }
    }

    /// Forgets passive keys and outdated responses, so that the list does not grow for ever.
    pub(crate) fn reset(&self) {
        let mut ring = self.ring();
        ring.outdated = None;
        let keys = std::mem::take(&mut ring.keys);
        for key in keys {
            if ring.keys.iter().all(|active| active.algorithm != key.algorithm) {
                ring.keys.push(key);
            }
        }
    }

    /// The response of `certs`.
    pub(crate) fn jwks(&self) -> Value {
        let mut ring = self.ring();
        match ring.outdated.take() {
            Some((listed, left)) => {
                ring.outdated = (left > 1).then(|| (listed.clone(), left - 1));
                listed
            }
            None => self.listed(&mut ring),
        }
    }

    /// The encryption key is first: a client that verifies with the first RSA key fails here too.
    fn listed(&self, ring: &mut Ring) -> Value {
        // A realm always has a key of the default algorithm.
        ring.active(Algorithm::RS256);
        let encryption = self.encryption.get_or_init(|| {
            // Nothing is encrypted for a realm, so this key is a modulus without known factors.
            let key = RsaPublicKey::without_private_half();
            let kid = base64url(&sha256(&key.0));
            key.jwk("RSA-OAEP", "enc", &kid, CertificateIssuer(&ring.rsa()))
        });
        let keys: Vec<_> = std::iter::once(encryption).chain(ring.keys.iter().map(|key| &key.jwk)).collect();
        json!({"keys": keys})
    }

    /// The claims, if an active or passive key of this realm signed them. Expiry is the caller's
    /// concern.
    pub(crate) fn verify(&self, token: &str) -> Option<Value> {
        let parts = jwt::Parts::of(token)?;
        let ring = self.ring();
        let key = ring.keys.iter().find(|key| parts.header["kid"] == key.kid && parts.header["alg"] == key.algorithm.name)?;
        key.verifies(parts.input, &parts.signature).then_some(parts.claims)
    }

    pub(crate) fn sign_refresh_token(&self, claims: &Value) -> String {
        let header = json!({"alg": "HS512", "typ": "JWT", "kid": self.refresh_kid});
        jwt::assemble(&header, claims, |input| hmac::sign(&self.refresh, input).as_ref().to_vec())
    }

    /// The claims, if this realm signed them as a refresh token. Expiry is the caller's concern.
    pub(crate) fn verify_refresh_token(&self, token: &str) -> Option<Value> {
        let parts = jwt::Parts::of(token).filter(|parts| parts.header["alg"] == "HS512")?;
        hmac::verify(&self.refresh, parts.input, &parts.signature).is_ok().then_some(parts.claims)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        lock(&self.ring)
    }
}

impl Ring {
    const EMPTY: Self = Self { rsa: None, keys: Vec::new(), outdated: None };

    fn rsa(&mut self) -> SharedRsa {
        Arc::clone(self.rsa.get_or_insert_with(generate_rsa))
    }

    fn active(&mut self, algorithm: Algorithm) -> Option<Arc<SigningKey>> {
        if let Some(key) = self.keys.iter().find(|key| key.algorithm == algorithm) {
            return Some(Arc::clone(key));
        }
        let key = Arc::new(SigningKey::generate(algorithm, || self.rsa())?);
        self.keys.push(Arc::clone(&key));
        Some(key)
    }
}

fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}
