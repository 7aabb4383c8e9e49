//! The input is a JWK Set document.

use serde_json::{Value, json};
use sipgate_oauth2_protocol::jose::jwks::KeySet;

/// Each key is used or skipped by itself, in any order and company; an error is one short line.
pub fn check(input: &str) {
    let keys = match KeySet::parse(input.as_bytes()) {
        Ok(keys) => keys,
        Err(error) => return assert!(error.len() < 200 && !error.contains(char::is_control), "{error}"),
    };
    assert!(keys.len() <= 100 && input.len() <= 256 * 1024);
    // A string that is no text is skipped with its key.
    let Ok(document) = serde_json::from_str::<Value>(input) else { return };
    let mut values = document["keys"].as_array().expect("an array").clone();
    // A document that has a member twice says more than its value.
    if document.to_string().len() != input.split_ascii_whitespace().map(str::len).sum::<usize>() {
        return;
    }
    let usable = |values: &[Value]| KeySet::parse(json!({ "keys": values }).to_string().as_bytes()).map(|keys| keys.len());
    let alone: Vec<usize> = values.iter().map(|value| usable(std::slice::from_ref(value)).expect("a set")).collect();
    assert_eq!(alone.iter().sum::<usize>(), keys.len());
    for (value, count) in values.iter().zip(alone) {
        assert!(count == 0 || matches!(value["kty"].as_str(), Some("RSA" | "EC" | "OKP")), "{value}");
        assert!(count == 0 || value.get("use").is_none_or(|purpose| purpose == "sig"), "{value}");
    }
    values.reverse();
    assert_eq!(usable(&values), Ok(keys.len()));
}
