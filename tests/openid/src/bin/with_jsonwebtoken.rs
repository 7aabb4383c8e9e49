//! The verdicts of the crate `jsonwebtoken` on the corpus, used as its documentation says for a
//! client that has the server's key set.

use jsonwebtoken::errors::Error;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use openid_tests::{Case, judge_corpus};
use serde::Deserialize;
use serde_json::{Map, Value};

fn main() -> std::io::Result<()> {
    judge_corpus(verdict)
}

fn verdict(case: &Case) -> Result<(), String> {
    let described = |error: Error| format!("{:?}", error.kind());
    let header = decode_header(&case.token).map_err(described)?;
    if !case.algorithms.iter().any(|name| name.parse() == Ok(header.alg)) {
        return Err("an algorithm that the client does not accept".to_owned());
    }
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[&case.issuer]);
    validation.set_audience(&[&case.client_id]);
    validation.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    validation.leeway = case.leeway.into();
    validation.validate_nbf = true;
    let claims = match header.alg {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            let secret = case.client_secret.as_deref().ok_or("no secret")?;
            decode::<Map<String, Value>>(&case.token, &DecodingKey::from_secret(secret.as_bytes()).map_err(described)?, &validation)
        }
        _ => {
            let keys = key_set(&case.keys)?;
            let key = match &header.kid {
                Some(kid) => keys.find(kid),
                None => keys.keys.first(),
            };
            let key = DecodingKey::from_jwk(key.ok_or("no key of this kid")?).map_err(described)?;
            decode::<Map<String, Value>>(&case.token, &key, &validation)
        }
    };
    let claims = claims.map_err(described)?.claims;
    if case.nonce.is_some() && claims.get("nonce").and_then(Value::as_str) != case.nonce.as_deref() {
        return Err("nonce".to_owned());
    }
    Ok(())
}

/// The keys that it can read: one of another kind must not hide the others (RFC 7517, section 5).
fn key_set(document: &str) -> Result<JwkSet, String> {
    #[derive(Deserialize)]
    struct Document {
        keys: Vec<Value>,
    }
    let document: Document = serde_json::from_str(document).map_err(|error| format!("key set: {error}"))?;
    Ok(JwkSet { keys: document.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect() })
}
