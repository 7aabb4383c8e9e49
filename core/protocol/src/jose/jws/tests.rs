use serde_json::json;

use super::*;
use crate::jose::testing::{SECRET, Signer, encode, mac};

const ALGORITHM: Algorithm = Algorithm::Es256;
const HEADER: &str = r#"{"alg":"ES256"}"#;

fn parse(token: &str) -> Result<Jws<'_>, Refusal> {
    Jws::parse(token, &[ALGORITHM, Algorithm::Rs256], &["JWT"])
}

/// What is wrong with the token, as in an error.
fn problem(token: &str) -> String {
    match parse(token).map(|_| ()).unwrap_err() {
        Refusal::Encrypted => "encrypted".to_owned(),
        Refusal::Wrong { member, problem } => format!("{member}: {problem}"),
    }
}

/// A token with this header. Only the header matters.
fn headed(header: &str) -> String {
    format!("{}.{}.AA", encode(header), encode("{}"))
}

#[test]
fn a_token_is_read_and_verified() {
    let signer = Signer::of(ALGORITHM);
    let token = signer.token(ALGORITHM, HEADER, r#"{"sub":"u"}"#);
    let jws = parse(&token).unwrap();
    assert_eq!(jws.algorithm(), ALGORITHM);
    assert!(jws.is_signed_by(&KeySet::of([signer.jwk()])));
    assert!(!jws.is_signed_by(&KeySet::of([Signer::new(ALGORITHM).jwk()])));
    assert_eq!(Value::from(jws.claims().unwrap()), json!({"sub": "u"}));
}

#[test]
fn t_alg_2_no_algorithm_is_none() {
    for name in
        ["\"none\"", "\"None\"", "\"NONE\"", "\"nOnE\"", "\"\"", "null", "1", "0.5", "true", "[\"ES256\"]", "{}", "\"es256\"", "\"ES256 \""]
    {
        let token = headed(&format!("{{\"alg\":{name}}}"));
        let unsigned = token.trim_end_matches("AA");
        for token in [&token, unsigned] {
            assert_eq!(problem(token), format!("alg: is signed with {name}, expected ES256 or RS256"));
            let all = Jws::parse(token, Algorithm::ALL, &["JWT"]);
            assert!(matches!(all, Err(Refusal::Wrong { member: "alg", .. })), "{name}");
        }
    }
    assert_eq!(problem(&headed("{}")), "alg: does not say how it is signed");
    assert_eq!(problem(&headed(r#"{"Alg":"ES256"}"#)), "alg: does not say how it is signed");
}

#[test]
fn t_alg_3_an_algorithm_that_is_not_allowed_is_refused() {
    for algorithm in Algorithm::ALL {
        let token = headed(&format!("{{\"alg\":\"{}\"}}", algorithm.as_str()));
        for allowed in Algorithm::ALL {
            let read = Jws::parse(&token, &[*allowed], &["JWT"]);
            assert_eq!(read.is_ok(), allowed == algorithm, "{algorithm:?} {allowed:?}");
        }
        assert!(Jws::parse(&token, &[], &["JWT"]).is_err());
    }
}

#[test]
fn the_algorithm_is_judged_before_anything_else_of_the_header() {
    assert!(problem(&headed(r#"{"alg":"HS256","crit":["b64"],"typ":1,"kid":1}"#)).starts_with("alg: "));
}

#[test]
fn t_ser_1_only_the_compact_form_is_read() {
    let signer = Signer::of(ALGORITHM);
    let token = signer.token(ALGORITHM, HEADER, "{}");
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let flattened = json!({"protected": header, "payload": payload, "signature": signature});
    let general = json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]});
    for other in [
        flattened.to_string(),
        general.to_string(),
        format!("{flattened}.{payload}.{signature}"),
        String::new(),
        ".".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{signature}."),
        format!(".{header}.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}.."),
        format!("{header}..{payload}.{signature}.a.b"),
        "..".to_owned(),
    ] {
        assert!(parse(&other).is_err(), "{other}");
    }
    for (odd, part) in [
        (format!("{header}=.{payload}.{signature}"), "header"),
        (format!("{header}.{payload}=.{signature}"), "payload"),
        (format!("{header}.{payload}.{signature}=="), "signature"),
        (format!(" {token}"), "header"),
        (format!("{token} "), "signature"),
        (format!("{token}\n"), "signature"),
        (format!("{header}.\n{payload}.{signature}"), "payload"),
        (format!("{header}.{payload}.{}\t{}", &signature[..9], &signature[9..]), "signature"),
        (format!("{header}.{payload}.+/"), "signature"),
        (format!("{header}.{payload}.A"), "signature"),
        (format!("{header}.{payload}.AB"), "signature"),
        (format!("{header}.e31.{signature}"), "payload"),
        (format!("{header}.ä.{signature}"), "payload"),
        (format!("{header}.{payload}.\0"), "signature"),
    ] {
        assert_eq!(problem(&odd), format!("{part}: has a {part} that is not base64url"), "{odd}");
    }
    // Signed as it is, and still not base64url.
    for odd in [format!("{header}=.{payload}"), format!("{header}.{payload}="), format!("{header}. {payload}"), format!("{header}.e31")] {
        assert!(parse(&signer.signed(ALGORITHM, &odd)).is_err(), "{odd}");
    }
}

#[test]
fn the_header_is_one_json_object() {
    for odd in ["", "null", "[]", "\"ES256\"", "1", "{", r#"{"alg":"ES256"}{}"#, r#"{"alg":"ES256",}"#, "\u{feff}{\"alg\":\"ES256\"}"] {
        assert_eq!(problem(&headed(odd)), "header: has a header that is not one JSON object with each member once", "{odd}");
    }
    let latin = format!("{}.e30.AA", encode(b"{\"alg\":\"ES256\",\"kid\":\"\xE4\"}"));
    assert!(problem(&latin).starts_with("header: "));
    assert!(parse(&headed(" { \"alg\" : \"\\u0045S256\" }\n")).is_ok());
}

#[test]
fn t_dup_1_a_member_twice_in_header_or_payload_is_refused() {
    for header in [r#"{"alg":"ES256","alg":"ES256"}"#, r#"{"alg":"none","alg":"ES256"}"#, r#"{"alg":"ES256","a":{"b":1,"b":1}}"#] {
        assert!(problem(&headed(header)).starts_with("header: "), "{header}");
    }
    for payload in [r#"{"sub":"a","sub":"a"}"#, r#"{"a":[{"b":1,"b":1}]}"#, r#"{"sub":"a","\u0073ub":"b"}"#] {
        let token = Signer::of(ALGORITHM).token(ALGORITHM, HEADER, payload);
        let refusal = parse(&token).unwrap().claims().unwrap_err();
        let problem = "has a payload that is not one JSON object with each member once".to_owned();
        assert_eq!(refusal, Refusal::Wrong { member: "payload", problem });
    }
}

#[test]
fn t_jwe_1_an_encrypted_token_is_not_supported() {
    let plain = Signer::of(ALGORITHM).token(ALGORITHM, HEADER, "{}");
    let encrypted = format!("{}..{}.{}.AA", encode(r#"{"alg":"dir","enc":"A128GCM","cty":"JWT"}"#), encode([7; 12]), encode(&plain));
    for token in [&encrypted, "....", "a.b.c.d.e", &format!("{plain}.{}.AA", encode("x"))] {
        assert_eq!(problem(token), "encrypted", "{token}");
    }
}

#[test]
fn t_crit_1_an_extension_is_refused() {
    for crit in [r#"["exp"]"#, "[]", "null", "1", "\"b64\"", r#"["alg"]"#, r#"["b64"]"#, r#"["b64","b64"]"#, "{}"] {
        let header = format!(r#"{{"alg":"ES256","crit":{crit},"b64":false,"exp":1}}"#);
        assert_eq!(problem(&headed(&header)), "crit: needs an extension that is not supported");
    }
    assert!(problem(&headed(r#"{"alg":"ES256","crit":["a"],"crit":["a"]}"#)).starts_with("header: "));
}

#[test]
fn t_key_1_keys_in_the_header_are_never_used() {
    let (server, attacker) = (Signer::of(ALGORITHM), Signer::new(ALGORITHM));
    let keys = KeySet::of([server.jwk()]);
    for header in [
        json!({"alg": "ES256", "jwk": attacker.jwk()}),
        json!({"alg": "ES256", "jku": "https://attacker.example/jwks"}),
        json!({"alg": "ES256", "x5u": "https://attacker.example/cert"}),
        json!({"alg": "ES256", "x5c": ["AAAA"]}),
        json!({"alg": "ES256", "jwk": 1, "jku": 1, "x5u": 1, "x5c": 1, "b64": false, "zip": "DEF"}),
    ] {
        let verified = |signer: &Signer| parse(&signer.token(ALGORITHM, header.to_string(), "{}")).unwrap().is_signed_by(&keys);
        assert!(!verified(&attacker), "{header}");
        assert!(verified(server), "{header}");
    }
}

#[test]
fn the_type_fits_or_is_absent() {
    for fine in ["JWT", "jwt", "Jwt", "application/jwt", "APPLICATION/JWT"] {
        assert!(parse(&headed(&json!({"alg": "ES256", "typ": fine}).to_string())).is_ok(), "{fine}");
    }
    for other in [
        "",
        "JWS",
        "dpop+jwt",
        "at+jwt",
        "application/at+jwt",
        "logout+jwt",
        "JWT ",
        "text/jwt",
        "application/",
        "applicationjwt",
        "ä",
        "äpplication/jwt",
    ] {
        let found = problem(&headed(&json!({"alg": "ES256", "typ": other}).to_string()));
        assert_eq!(found, format!("typ: has the type \"{other}\", expected JWT"));
    }
    for odd in ["null", "1", "[\"JWT\"]", "{}", "true"] {
        for name in ["typ", "kid"] {
            let found = problem(&headed(&format!(r#"{{"alg":"ES256","{name}":{odd}}}"#)));
            assert_eq!(found, format!("{name}: has a header in which this is not a string"));
        }
    }
    let logout = headed(r#"{"alg":"ES256","typ":"application/Logout+JWT"}"#);
    assert!(Jws::parse(&logout, &[ALGORITHM], &["logout+jwt", "JWT"]).is_ok());
    let other = headed(r#"{"alg":"ES256","typ":"x"}"#);
    let refusal = Jws::parse(&other, &[ALGORITHM], &["logout+jwt", "JWT"]).map(|_| ()).unwrap_err();
    assert_eq!(refusal, Refusal::Wrong { member: "typ", problem: "has the type \"x\", expected logout+jwt or JWT".to_owned() });
}

#[test]
fn t_lim_1_a_large_token_is_refused_before_it_is_decoded() {
    // Bytes that base64url does not have show which check is first.
    let sized = |header: usize, token: usize| format!("{}.{}.", "!".repeat(header), "!".repeat(token - header - 2));
    assert_eq!(problem(&sized(10, 65_536)), "header: has a header that is not base64url");
    assert_eq!(problem(&sized(10, 65_537)), "token: has 65537 bytes; 65536 are the most");
    assert_eq!(problem(&sized(8192, 20_000)), "header: has a header that is not base64url");
    assert_eq!(problem(&sized(8193, 20_000)), "header: has a header of 8193 bytes; 8192 are the most");
    assert!(problem(&"A".repeat(10_000_000)).starts_with("token: has 10000000 bytes"));
    assert!(problem(&".".repeat(1_000_000)).starts_with("token: has 1000000 bytes"));
    assert!(problem(&".".repeat(60_000)).starts_with("token: is not three parts"));
    assert!(problem(&headed(&"[".repeat(6_000))).starts_with("header: "));
}

/// Every bit of the signature, and every bit of the text.
#[test]
fn t_sig_1_a_token_with_one_bit_changed_is_refused() {
    for algorithm in Algorithm::ALL {
        let signer = Signer::of(*algorithm);
        let token = signer.token(*algorithm, format!(r#"{{"alg":"{}"}}"#, algorithm.as_str()), r#"{"s":"u"}"#);
        let keys = KeySet::of([signer.jwk()]);
        let is_accepted = |token: &str| {
            let jws = Jws::parse(token, Algorithm::ALL, &["JWT"]);
            jws.is_ok_and(|jws| jws.is_signed_by(&keys) || jws.is_signed_with(SECRET.as_bytes()))
        };
        assert!(is_accepted(&token));
        for (at, bit) in (0..token.len()).flat_map(|at| (0..7).map(move |bit| (at, bit))) {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(!is_accepted(&changed), "{changed}");
        }
        let (signing_input, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for other in [
            vec![],
            signature[1..].to_vec(),
            signature[..signature.len() - 1].to_vec(),
            [&signature[..], &[0]].concat(),
            [&[0], &signature[..]].concat(),
            vec![0; signature.len()],
            [&signature[..], &signature[..]].concat(),
        ] {
            assert!(!is_accepted(&format!("{signing_input}.{}", encode(&other))), "{algorithm:?} {other:?}");
        }
    }
}

#[test]
fn an_ecdsa_signature_in_asn_1_is_refused() {
    let signer = Signer::of(ALGORITHM);
    let token = signer.token(ALGORITHM, HEADER, "{}");
    let (signing_input, signature) = token.rsplit_once('.').unwrap();
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let integer = |bytes: &[u8]| [&[2, 33, 0], bytes].concat();
    let asn_1 = [&[0x30, 70][..], &integer(&raw[..32]), &integer(&raw[32..])].concat();
    let token = format!("{signing_input}.{}", encode(asn_1));
    assert!(!parse(&token).unwrap().is_signed_by(&KeySet::of([signer.jwk()])));
}

#[test]
fn a_secret_verifies_hmac_if_it_is_as_long_as_the_hash() {
    for (algorithm, length) in [(Algorithm::Hs256, 32), (Algorithm::Hs384, 48), (Algorithm::Hs512, 64)] {
        let secret = &[b's'; 100];
        for (used, expected) in [(&secret[..length], true), (&secret[..], true), (&secret[..length - 1], false), (&[], false)] {
            let signing_input = format!("{}.e30", encode(format!(r#"{{"alg":"{}"}}"#, algorithm.as_str())));
            let token = format!("{signing_input}.{}", encode(mac(algorithm, used, signing_input.as_bytes())));
            let jws = Jws::parse(&token, Algorithm::ALL, &[]).unwrap();
            assert_eq!(jws.is_signed_with(used), expected, "{algorithm:?} with {} bytes", used.len());
            assert!(!jws.is_signed_with(SECRET.as_bytes()));
        }
    }
}

#[test]
fn t_alg_1_a_secret_never_verifies_a_signature_of_a_key() {
    for algorithm in Algorithm::ALL.iter().filter(|algorithm| !algorithm.is_symmetric()) {
        let signing_input = format!("{}.e30", encode(format!(r#"{{"alg":"{}"}}"#, algorithm.as_str())));
        for hmac in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
            let token = format!("{signing_input}.{}", encode(mac(hmac, SECRET.as_bytes(), signing_input.as_bytes())));
            assert!(!Jws::parse(&token, Algorithm::ALL, &[]).unwrap().is_signed_with(SECRET.as_bytes()));
        }
    }
}

#[test]
fn what_an_error_shows_is_short() {
    let long = "ä".repeat(2000);
    let shown = problem(&headed(&json!({ "alg": long }).to_string()));
    assert_eq!(shown.chars().count(), "alg: is signed with , expected ES256 or RS256".len() + 101, "{shown}");
    assert_eq!(super::shown(&json!("a".repeat(98))), format!("\"{}\"", "a".repeat(98)));
    assert_eq!(super::shown(&json!("a".repeat(99))), format!("\"{}…", "a".repeat(99)));
}

#[test]
fn the_claims_of_a_judged_token_are_read_without_a_key() {
    let token = Signer::of(ALGORITHM).token(ALGORITHM, HEADER, r#"{"sub":"u"}"#);
    assert_eq!(claims_of_judged(&token).map(Value::from), Some(json!({"sub": "u"})));
    for bad in ["", "a.b.c", "....", &headed("{}").replace("e30", "e30="), &format!("AA.{}.AA", encode("[]"))] {
        assert_eq!(claims_of_judged(bad), None, "{bad}");
    }
}
