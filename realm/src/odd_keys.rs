//! Keys that a realm does not list by itself, for `certs`.

use serde_json::{Value, json};

use crate::algorithm::Algorithm;
use crate::bytes::{base64url, fill};
use crate::keys::Keys;

const NAMES: [&str; 10] =
    ["active", "encryption", "even_exponent", "off_curve", "small_rsa", "stranger", "symmetric", "twin", "unknown_curve", "unknown_type"];

/// A key is a name, or a JWK. In a JWK, `"like": "name"` stands for the members of that key.
pub(crate) fn check(key: &Value) -> Result<(), String> {
    match (key, key.get("like")) {
        (Value::String(name), _) | (_, Some(Value::String(name))) if NAMES.contains(&name.as_str()) => Ok(()),
        (Value::Object(_), None) => Ok(()),
        _ => Err(format!("not a JWK, and not a name: {key}; there are {}", NAMES.join(", "))),
    }
}

pub(crate) fn jwk(key: &Value, listed: &[Value]) -> Value {
    let name = key.as_str().or_else(|| key["like"].as_str());
    let Some(mut jwk) = name.map(|name| named(name, listed)) else { return key.clone() };
    for (name, value) in key.as_object().into_iter().flatten().filter(|(name, _)| *name != "like") {
        jwk[name] = value.clone();
    }
    jwk
}

fn named(name: &str, listed: &[Value]) -> Value {
    let active = || listed.iter().find(|key| key["alg"] == "RS256").cloned().unwrap_or_default();
    let stranger = || Keys::stranger(Algorithm::RS256).map(|key| key.jwk.clone()).unwrap_or_default();
    let altered = |mut jwk: Value, name: &str, value: Value| {
        jwk[name] = value;
        jwk
    };
    match name {
        "active" => active(),
        // Signs what has `"signature": "other_key"`.
        "stranger" => stranger(),
        // The stranger, under the id of the realm's own key.
        "twin" => altered(stranger(), "kid", active()["kid"].clone()),
        "encryption" => altered(altered(stranger(), "use", "enc".into()), "alg", "RSA-OAEP".into()),
        "even_exponent" => altered(altered(stranger(), "e", "Ag".into()), "kid", "even exponent".into()),
        "small_rsa" => json!({"kid": "small", "kty": "RSA", "alg": "RS256", "use": "sig", "n": base64url(&small_modulus()), "e": "AQAB"}),
        "off_curve" => {
            let coordinate = base64url(&[1; 32]);
            json!({"kid": "off", "kty": "EC", "alg": "ES256", "use": "sig", "crv": "P-256", "x": coordinate, "y": coordinate})
        }
        "unknown_curve" => {
            let coordinate = base64url(&[1; 32]);
            json!({"kid": "crv", "kty": "EC", "alg": "ES256K", "use": "sig", "crv": "secp256k1", "x": coordinate, "y": coordinate})
        }
        "symmetric" => json!({"kid": "oct", "kty": "oct", "alg": "HS256", "use": "sig", "k": base64url(&[1; 32])}),
        _ => json!({"kid": "akp", "kty": "AKP", "alg": "ML-DSA-65", "use": "sig", "pub": base64url(&[1; 32])}),
    }
}

/// Of 1024 bits.
fn small_modulus() -> [u8; 128] {
    let mut modulus = [0; 128];
    fill(&mut modulus);
    modulus[0] |= 0x80;
    modulus[127] |= 1;
    modulus
}
