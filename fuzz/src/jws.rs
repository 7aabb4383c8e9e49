//! The input is a token, as an attacker may send it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sipgate_oauth2_protocol::jose::algorithm::Algorithm;
use sipgate_oauth2_protocol::jose::jwks::KeySet;
use sipgate_oauth2_protocol::jose::jws::{Jws, Refusal};

/// The public keys of RFC 7515, appendices A.2 and A.3, and of RFC 8037, appendix A.2.
const KEYS: &str = r#"{"keys":[
{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"},
{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// What their owners signed in those appendices.
const SIGNED: [&str; 3] = [
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.",
];

/// What is read is in the token, and written in one way only. Nothing is verified but what a key's
/// owner signed.
pub fn check(input: &str) {
    let jws = match Jws::parse(input, Algorithm::ALL, &["JWT"]) {
        Ok(jws) => jws,
        Err(Refusal::Encrypted) => return assert_eq!(input.matches('.').count(), 4),
        Err(Refusal::Wrong { member, problem }) => {
            assert!(!member.is_empty() && problem.len() < 1000, "{member}: {problem}");
            return;
        }
    };
    let parts: Vec<&str> = input.split('.').collect();
    let decoded = parts.iter().map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url")).collect::<Vec<_>>();
    assert_eq!(decoded.iter().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).collect::<Vec<_>>(), parts);
    let [header, payload, _] = &decoded[..] else { panic!("{} parts", decoded.len()) };
    let header: Value = serde_json::from_slice(header).expect("JSON");
    assert_eq!(header["alg"], jws.algorithm().as_str());
    assert!(header.get("crit").is_none());
    if let Ok(claims) = jws.claims() {
        assert_eq!(Value::from(claims), serde_json::from_slice::<Value>(payload).expect("JSON"));
    }
    assert!(!is_verified(&jws) || SIGNED.iter().any(|signed| input.starts_with(signed)), "a signature was forged");
    assert!(!jws.is_signed_with(&[]) && !jws.is_signed_with(KEYS.as_bytes()), "a secret was guessed");
}

/// Whether one of the keys verifies the token.
pub fn is_verified(jws: &Jws<'_>) -> bool {
    let keys = KeySet::parse(KEYS.as_bytes()).expect("good keys");
    assert_eq!(keys.len(), 3);
    jws.is_signed_by(&keys)
}
