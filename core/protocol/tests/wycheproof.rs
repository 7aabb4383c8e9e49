//! The test vectors of the project Wycheproof for JSON Web Signature, Key and Encryption.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a test fails by panicking, and says what it left out")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sipgate_oauth2_protocol::jose::algorithm::Algorithm;
use sipgate_oauth2_protocol::jose::jwks::KeySet;
use sipgate_oauth2_protocol::jose::jws::{Jws, Refusal};

const FILES: [(&str, &str); 4] = [
    ("json_web_crypto", include_str!("../../../tests/openid/wycheproof/json_web_crypto_test.json")),
    ("json_web_encryption", include_str!("../../../tests/openid/wycheproof/json_web_encryption_test.json")),
    ("json_web_key", include_str!("../../../tests/openid/wycheproof/json_web_key_test.json")),
    ("json_web_signature", include_str!("../../../tests/openid/wycheproof/json_web_signature_test.json")),
];

/// What comes of a token.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Encrypted,
    Refused,
}

/// Cases with another verdict than the vectors say: file, number, verdict and reason. Encrypted
/// tokens are beside these.
const EXCLUSIONS: [(&str, u64, Verdict, &str); 10] = [
    ("json_web_crypto", 48, Verdict::Refused, SEVERAL_SECRETS),
    ("json_web_key", 2, Verdict::Refused, SEVERAL_SECRETS),
    ("json_web_signature", 346, Verdict::Refused, OTHER_ALGORITHM),
    ("json_web_signature", 347, Verdict::Refused, UNKNOWN_ALGORITHM),
    ("json_web_signature", 350, Verdict::Refused, OTHER_ALGORITHM),
    ("json_web_signature", 351, Verdict::Refused, UNKNOWN_ALGORITHM),
    ("json_web_signature", 367, Verdict::Accepted, SAME_AS_VALID),
    ("json_web_signature", 370, Verdict::Accepted, SAME_AS_VALID),
    ("json_web_signature", 372, Verdict::Refused, NOT_BASE64URL),
    ("json_web_signature", 373, Verdict::Refused, NOT_BASE64URL),
];
const SEVERAL_SECRETS: &str = "a set of several secrets: a client has one";
const OTHER_ALGORITHM: &str = "the key is for PS256, and the token is signed with PS384";
const UNKNOWN_ALGORITHM: &str = "the key is for ES521, which is no algorithm";
const SAME_AS_VALID: &str = "the padding that the case is about was lost: the token is that of case 357, which is valid";
const NOT_BASE64URL: &str = "header or payload has a question mark, which is not base64url";
const ENCRYPTED: &str = "encrypted tokens are not supported";

/// A case has the verdict of the vectors, or is excluded and has the verdict of its exclusion.
#[test]
fn every_vector_has_its_verdict() {
    let (mut right, mut excluded, mut wrong) = (0, Vec::new(), Vec::new());
    for (file, text) in FILES {
        for (group, case) in vectors(text) {
            let (number, is_valid, found) = (case["tcId"].as_u64().unwrap(), case["result"] == "valid", verdict(&group, &case));
            let exclusion = EXCLUSIONS.iter().find(|exclusion| (exclusion.0, exclusion.1) == (file, number));
            if (found == Verdict::Accepted) == is_valid {
                right += 1;
            } else if let Some((_, _, _, reason)) = exclusion.filter(|exclusion| exclusion.2 == found) {
                excluded.push(format!("{file} {number}: {reason}"));
            } else if is_valid && found == Verdict::Encrypted && case.get("jwe").is_some() {
                excluded.push(format!("{file} {number}: {ENCRYPTED}"));
            } else {
                wrong.push(format!("{file} {number} {}: {found:?}", case["comment"]));
            }
        }
    }
    println!("{} of 649, of which {} are excluded:\n{}", right + excluded.len(), excluded.len(), excluded.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((right, excluded.len()), (649 - 10 - 67, 10 + 67));
}

/// What makes 367 and 370 exclusions, and no tokens that should have been refused.
#[test]
fn the_cases_that_are_accepted_are_the_same_token_as_a_valid_one() {
    let tokens: Vec<Value> = [357, 367, 370]
        .into_iter()
        .map(|number| {
            let cases = vectors(FILES[3].1);
            cases.iter().find(|(_, case)| case["tcId"] == number).unwrap().1["jws"].clone()
        })
        .collect();
    assert!(tokens[0].is_string() && tokens.iter().all(|token| *token == tokens[0]));
}

/// Each case with its group.
fn vectors(text: &str) -> Vec<(Value, Value)> {
    let vectors: Value = serde_json::from_str(text).unwrap();
    let groups = vectors["testGroups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["tests"].as_array().unwrap().iter().map(|case| (group.clone(), case.clone()))).collect()
}

fn verdict(group: &Value, case: &Value) -> Verdict {
    let token = match case.get("jws").or(case.get("jwe")).unwrap() {
        Value::String(token) => token.clone(),
        Value::Null => String::new(),
        serialized => serialized.to_string(),
    };
    let key = group.get("public").or(group.get("private")).unwrap();
    let keys = key.get("keys").cloned().unwrap_or_else(|| json!([key]));
    let document = json!({ "keys": keys }).to_string();
    let secret = secret(&keys);
    let allowed = match &secret {
        Some((algorithm, _)) => vec![*algorithm],
        None => Algorithm::ALL.to_vec(),
    };
    match Jws::parse(&token, &allowed, &["JWT"]) {
        Err(Refusal::Encrypted) => Verdict::Encrypted,
        Ok(jws) if secret.as_ref().is_some_and(|(_, secret)| jws.is_signed_with(secret)) => Verdict::Accepted,
        Ok(jws) if jws.is_signed_by(&KeySet::parse(document.as_bytes()).unwrap()) => Verdict::Accepted,
        _ => Verdict::Refused,
    }
}

/// A single symmetric key, as a client has it: its secret, and the algorithm that it allows.
fn secret(keys: &Value) -> Option<(Algorithm, Vec<u8>)> {
    let [key] = keys.as_array()?.as_slice() else { return None };
    let algorithm = Algorithm::parse(key["alg"].as_str()?)?;
    Some((algorithm, URL_SAFE_NO_PAD.decode(key["k"].as_str()?).ok()?))
}
