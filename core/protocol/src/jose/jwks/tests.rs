use serde_json::json;

use super::*;
use crate::jose::testing::{Signer, encode, with};

const ASYMMETRIC: [Algorithm; 10] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::EdDsa,
];

fn usable(key: &Value) -> bool {
    let set = KeySet::of([key.clone()]);
    assert_eq!(set.len(), usize::from(!set.is_empty()));
    !set.is_empty()
}

/// Whether what this signer signs is verified by the keys.
fn verifies(keys: &KeySet, algorithm: Algorithm, signer: &Signer, kid: Option<&str>) -> bool {
    keys.verifies(algorithm, kid, b"message", &signer.signature(algorithm, b"message"))
}

fn rsa_key(n: &[u8], e: &[u8]) -> Value {
    json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
}

/// An odd number of this many bits.
fn number(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0xA5; bits.div_ceil(8)];
    let first = 0x80_u8 >> ((8 - bits % 8) % 8);
    bytes[0] = first;
    bytes
}

#[test]
fn a_document_that_is_not_a_set_of_keys_is_refused() {
    for bad in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"keys":null}"#,
        r#"{"keys":{}}"#,
        r#"{"keys":[}"#,
        r#"{"keys":[]} {}"#,
        r#"[[{"kty":"RSA"}]]"#,
        r#"{"keys":[],"keys":[]}"#,
        "<html>",
        "\u{feff}{\"keys\":[]}",
    ] {
        assert_eq!(KeySet::parse(bad.as_bytes()).unwrap_err(), "is not a JWK Set: a JSON object with one array `keys`", "{bad}");
    }
    assert!(KeySet::parse(b"{\"keys\":[\"\xE4\"]}").is_err());
    assert_eq!(KeySet::parse(br#" {"other":1,"keys":[],"other":2} "#).unwrap().len(), 0);
}

#[test]
fn a_set_has_at_most_256_kib_and_100_keys() {
    let padded = |bytes: usize| format!("{{\"keys\":[]{}}}", " ".repeat(bytes - 11));
    assert!(KeySet::parse(padded(262_144).as_bytes()).is_ok());
    assert_eq!(KeySet::parse(padded(262_145).as_bytes()).unwrap_err(), "has 262145 bytes; a JWK Set may have 262144");
    let key = Signer::of(Algorithm::EdDsa).jwk();
    assert_eq!(KeySet::of(vec![key.clone(); 100]).len(), 100);
    assert_eq!(KeySet::parse(json!({"keys": vec![key; 101]}).to_string().as_bytes()).unwrap_err(), "has 101 keys; a JWK Set may have 100");
}

#[test]
fn a_key_verifies_what_its_pair_signs_with_every_algorithm_of_its_type() {
    for algorithm in ASYMMETRIC {
        let keys = KeySet::of([Signer::of(algorithm).jwk()]);
        assert!(verifies(&keys, algorithm, Signer::of(algorithm), None), "{algorithm:?}");
        assert!(!verifies(&keys, algorithm, &Signer::new(algorithm), None), "{algorithm:?}");
    }
}

#[test]
fn a_key_whose_private_half_is_published_is_skipped() {
    for algorithm in ASYMMETRIC {
        let key = Signer::of(algorithm).jwk();
        assert!(usable(&key), "{algorithm:?}");
        assert!(!usable(&with(key, &json!({"d": "AAAA"}))), "{algorithm:?}");
    }
}

#[test]
fn the_type_of_the_key_says_what_may_be_done_with_it() {
    for signed in ASYMMETRIC {
        for other in ASYMMETRIC.into_iter().filter(|other| !std::ptr::eq(Signer::of(*other), Signer::of(signed))) {
            assert!(!verifies(&KeySet::of([Signer::of(other).jwk()]), signed, Signer::of(signed), None), "{signed:?} {other:?}");
        }
    }
}

#[test]
fn a_key_that_names_an_algorithm_is_for_that_one_only() {
    for algorithm in ASYMMETRIC {
        for named in Algorithm::ALL {
            let key = with(Signer::of(algorithm).jwk(), &json!({"alg": named.as_str()}));
            let keys = KeySet::of([key]);
            assert_eq!(verifies(&keys, algorithm, Signer::of(algorithm), None), *named == algorithm, "{algorithm:?} {named:?}");
        }
    }
}

#[test]
fn a_key_that_is_not_for_signatures_is_skipped_and_no_error() {
    let good = Signer::of(Algorithm::Es256).jwk();
    for fine in [
        json!({"use": "sig"}),
        json!({"key_ops": ["verify"]}),
        json!({"key_ops": ["sign", "verify"]}),
        json!({"x5c": 1, "unknown": {}, "ext": true, "alg": "ES256", "kid": ""}),
    ] {
        assert!(usable(&with(good.clone(), &fine)), "{fine}");
    }
    for odd in [
        json!({"use": "enc"}),
        json!({"use": ""}),
        json!({"use": 1}),
        json!({"use": ["sig"]}),
        json!({"key_ops": []}),
        json!({"key_ops": ["encrypt", "decrypt"]}),
        json!({"key_ops": "verify"}),
        json!({"key_ops": [["verify"]]}),
        json!({"alg": "ES384"}),
        json!({"alg": "RSA-OAEP"}),
        json!({"alg": "none"}),
        json!({"alg": 1}),
        json!({"kid": 1}),
        json!({"kid": ["a"]}),
        json!({"kty": "oct"}),
        json!({"kty": "ec"}),
        json!({"kty": 1}),
        json!({"crv": "secp256k1"}),
        json!({"crv": "P-384"}),
        json!({"crv": 1}),
    ] {
        let odd = with(good.clone(), &odd);
        assert!(!usable(&odd), "{odd}");
        let beside = KeySet::of([odd, good.clone()]);
        assert_eq!(beside.len(), 1);
        assert!(verifies(&beside, Algorithm::Es256, Signer::of(Algorithm::Es256), None));
    }
    for member in ["kty", "crv", "x", "y"] {
        let key = with(good.clone(), &json!({ member: null }));
        assert!(!usable(&key), "{key}");
    }
    for null in ["kid", "use", "alg", "key_ops"] {
        let key = good.to_string().replacen('{', &format!("{{\"{null}\":null,"), 1);
        assert_eq!(KeySet::parse(format!("{{\"keys\":[{key}]}}").as_bytes()).unwrap().len(), 0, "{key}");
    }
    for value in ["null", "1", "\"a\"", "[]", "{}"] {
        assert_eq!(KeySet::parse(format!("{{\"keys\":[{value},{good}]}}").as_bytes()).unwrap().len(), 1, "{value}");
    }
    let broken = format!("{{\"keys\":[{{\"kid\":\"\\ud800\"}},{good}]}}");
    assert_eq!(KeySet::parse(broken.as_bytes()).unwrap().len(), 1, "a string that is no text");
    assert!(!usable(&json!({"kty": "oct", "k": encode([7; 32]), "alg": "HS256"})));
}

#[test]
fn a_point_that_is_not_on_its_curve_or_has_another_length_is_skipped() {
    for (algorithm, length) in [(Algorithm::Es256, 32), (Algorithm::Es384, 48), (Algorithm::Es512, 66)] {
        let key = Signer::of(algorithm).jwk();
        let decoded = |name: &str| bytes(key.as_object().unwrap(), name).unwrap();
        let (x, y) = (decoded("x"), decoded("y"));
        assert_eq!((x.len(), y.len()), (length, length));
        assert!(usable(&key));
        let mut off = y.clone();
        off[length - 1] ^= 1;
        for (x, y) in [
            (x.clone(), off),
            (vec![0; length], vec![0; length]),
            (vec![0xFF; length], y.clone()),
            ([&[0][..], &x].concat(), y.clone()),
            (x.clone(), [&[0][..], &y].concat()),
            ([&x[..], &y[..1]].concat(), y[1..].to_vec()),
            (vec![], [x.clone(), y.clone()].concat()),
        ] {
            let odd = with(key.clone(), &json!({"x": encode(x), "y": encode(y)}));
            assert!(!usable(&odd), "{odd}");
        }
    }
}

#[test]
fn an_edwards_key_has_32_bytes() {
    let key = Signer::of(Algorithm::EdDsa).jwk();
    assert!(usable(&key));
    for change in [
        json!({"crv": "Ed448"}),
        json!({"crv": "X25519"}),
        json!({"crv": null}),
        json!({"x": encode([7; 31])}),
        json!({"x": encode([7; 33])}),
        json!({"x": ""}),
        json!({"x": null}),
        json!({"x": 1}),
    ] {
        assert!(!usable(&with(key.clone(), &change)), "{change}");
    }
}

#[test]
fn an_rsa_key_has_2048_to_8192_bits() {
    let e = [1, 0, 1];
    for (bits, expected) in [(1024, false), (2047, false), (2048, true), (2049, true), (4096, true), (8192, true), (8193, false)] {
        assert_eq!(usable(&rsa_key(&number(bits), &e)), expected, "{bits}");
        assert_eq!(usable(&rsa_key(&[&[0, 0][..], &number(bits)].concat(), &e)), expected, "{bits}, after zeros");
    }
    let mut even = number(2048);
    even[255] = 0xA4;
    for n in [even, vec![], vec![0], vec![0; 256]] {
        assert!(!usable(&rsa_key(&n, &e)), "{n:?}");
    }
}

#[test]
fn the_exponent_of_an_rsa_key_is_odd_and_from_3_to_33_bits() {
    let n = number(2048);
    for (exponent, expected) in [
        (0, false),
        (1, false),
        (2, false),
        (3, true),
        (4, false),
        (17, true),
        (65_536, false),
        (65_537, true),
        ((1 << 33) - 1, true),
        ((1 << 33) + 1, false),
        (u64::MAX, false),
    ] {
        assert_eq!(usable(&rsa_key(&n, &exponent.to_be_bytes())), expected, "{exponent}");
    }
    assert!(!usable(&rsa_key(&n, &[])));
    assert!(!usable(&rsa_key(&n, &[1, 0, 0, 0, 0, 0, 0, 0, 3])), "it does not fit into 64 bits");
    assert!(!usable(&rsa_key(&n, &[0xFF; 300])));
    for member in ["n", "e"] {
        for value in [json!(null), json!(1), json!("AQAB="), json!("AQ AB"), json!("A+/B")] {
            let key = with(rsa_key(&n, &[1, 0, 1]), &json!({ member: value }));
            assert!(!usable(&key), "{key}");
        }
    }
}

/// A power of 65537 is one modulo every prime.
#[test]
fn an_rsa_key_that_gives_its_primes_away_is_skipped() {
    let mut power = vec![1_u8];
    for _ in 0..128 {
        // Times 65537: what it was, two bytes further left, and once more.
        let (mut product, mut carry) = ([&power[..], &[0, 0]].concat(), 0);
        for (at, byte) in power.iter().rev().enumerate() {
            let index = product.len() - 1 - at;
            let sum = u16::from(product[index]) + u16::from(*byte) + carry;
            (product[index], carry) = ((sum % 256) as u8, sum / 256);
        }
        for index in (0..product.len() - power.len()).rev() {
            let sum = u16::from(product[index]) + carry;
            (product[index], carry) = ((sum % 256) as u8, sum / 256);
        }
        power = if carry > 0 { [&[1][..], &product].concat() } else { product };
    }
    assert!(is_factorable(&power));
    assert!(!usable(&rsa_key(&power, &[1, 0, 1])));
    *power.last_mut().unwrap() ^= 2;
    assert!(!is_factorable(&power));
    assert!(usable(&rsa_key(&power, &[1, 0, 1])));
}

#[test]
fn t_dup_1_a_key_with_a_member_twice_is_skipped() {
    let good = Signer::of(Algorithm::Es256).jwk().to_string();
    for twice in [r#""kty":"EC""#, r#""kid":"a","kid":"a""#, r#""other":{"a":1,"a":1}"#] {
        let key = good.replacen('{', &format!("{{{twice},"), 1);
        let document = format!("{{\"keys\":[{key},{good}]}}");
        assert_eq!(KeySet::parse(document.as_bytes()).unwrap().len(), 1, "{key}");
    }
}

#[test]
fn a_kid_is_compared_exactly_and_a_token_without_one_tries_every_key() {
    let (one, other) = (Signer::of(Algorithm::Es256), Signer::new(Algorithm::Es256));
    let keys = KeySet::of([with(one.jwk(), &json!({"kid": "a"})), with(other.jwk(), &json!({"kid": "b"}))]);
    for (signer, kid, expected) in [
        (one, Some("a"), true),
        (one, Some("b"), false),
        (&other, Some("b"), true),
        (one, Some("A"), false),
        (one, Some(""), false),
        (one, None, true),
        (&other, None, true),
    ] {
        assert_eq!(verifies(&keys, Algorithm::Es256, signer, kid), expected, "{kid:?}");
    }
    assert!(!verifies(&KeySet::of([one.jwk()]), Algorithm::Es256, one, Some("a")), "a key without a name is not that of a name");
}

#[test]
fn two_keys_with_the_same_kid_are_both_tried() {
    let (one, other) = (Signer::of(Algorithm::Rs256), Signer::of(Algorithm::Es256));
    let third = Signer::new(Algorithm::Es256);
    let keys = KeySet::of([one, other, &third].map(|signer| with(signer.jwk(), &json!({"kid": "a"}))));
    assert!(verifies(&keys, Algorithm::Rs256, one, Some("a")));
    assert!(verifies(&keys, Algorithm::Es256, other, Some("a")));
    assert!(verifies(&keys, Algorithm::Es256, &third, Some("a")));
}

#[test]
fn at_most_eight_keys_that_fit_are_tried() {
    let (signer, other) = (Signer::of(Algorithm::Es256), Signer::new(Algorithm::Es256));
    let fitting = |others: usize| vec![other.jwk(); others].into_iter().chain([signer.jwk()]);
    assert!(verifies(&KeySet::of(fitting(7)), Algorithm::Es256, signer, None));
    assert!(!verifies(&KeySet::of(fitting(8)), Algorithm::Es256, signer, None));
    let rsa = vec![Signer::of(Algorithm::Rs256).jwk(); 20];
    assert!(verifies(&KeySet::of(rsa.into_iter().chain(fitting(7))), Algorithm::Es256, signer, None), "keys of another type do not count");
}

#[test]
fn t_jwks_1_a_removed_key_stops_verifying() {
    let (old, new) = (Signer::of(Algorithm::EdDsa), Signer::new(Algorithm::EdDsa));
    let both = KeySet::of([old.jwk(), new.jwk()]);
    assert!(verifies(&both, Algorithm::EdDsa, old, None) && verifies(&both, Algorithm::EdDsa, &new, None));
    let rotated = KeySet::of([new.jwk()]);
    assert!(!verifies(&rotated, Algorithm::EdDsa, old, None) && verifies(&rotated, Algorithm::EdDsa, &new, None));
}

#[test]
fn t_key_2_a_set_without_keys_verifies_nothing() {
    for algorithm in Algorithm::ALL {
        assert!(!verifies(&KeySet::of([]), *algorithm, Signer::of(*algorithm), None), "{algorithm:?}");
    }
}

#[test]
fn debug_names_the_keys() {
    let keys = KeySet::of([with(Signer::of(Algorithm::Es256).jwk(), &json!({"kid": "a"})), Signer::of(Algorithm::EdDsa).jwk()]);
    assert_eq!(format!("{keys:?}"), r#"[Some("a"), None]"#);
}
