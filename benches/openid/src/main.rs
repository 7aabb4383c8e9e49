//! How long it takes to judge an ID token, compared with the crate `jsonwebtoken` on the same
//! crypto library, in one run and as a ratio. Both have the server's key ready.
//!
//! `jsonwebtoken` reads the claims into a struct, as its documentation does. It checks neither
//! `nonce` nor `at_hash`, which the library does.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal, that may fail by panicking")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode};
use serde::Deserialize;
use serde_json::{Value, json};
use sipgate_oauth2_protocol::jose::algorithm::Algorithm;
use sipgate_oauth2_protocol::jose::jwks::KeySet;
use sipgate_oauth2_protocol::openid::id_token::{Expected, Judgement, TokenRules, judge};
use sipgate_oauth2_protocol::secret::{AccessToken, IdToken};

const ISSUER: &str = "https://login.sipgate.com/auth/realms/third-party";
const CLIENT_ID: &str = "2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e:third-party";
const NONCE: &str = "PbYRTDIY1YzTIKcIPFGYSh7mbRtzX9kCHRIXbhVSpvk";
const GOAL: f64 = 0.9;

/// What an application wants to know of its user.
#[derive(Deserialize)]
#[expect(dead_code, reason = "read from the token, and then compared with nothing")]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: i64,
    nonce: String,
    email: String,
    name: String,
}

fn main() -> ExitCode {
    let now = i64::try_from(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let Signed { token, access_token, keys } = Signed::new(now);

    let rules = TokenRules {
        issuer: ISSUER.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        trusted_audiences: Vec::new(),
        algorithms: vec![Algorithm::Rs256],
        client_secret: None,
        leeway: 60,
    };
    let (id_token, access_token) = (IdToken::from(token.as_str()), AccessToken::from(access_token));
    let key_set = KeySet::parse(keys.to_string().as_bytes()).unwrap();
    let expected = Expected { nonce: Some(NONCE), access_token: Some(&access_token), ..Expected::default() };
    let mut ours = || {
        let judgement = judge(black_box(&id_token), &rules, expected, Some(&key_set), now);
        assert!(matches!(black_box(judgement), Judgement::Accepted(_)));
    };

    let key_set: JwkSet = serde_json::from_value(keys).unwrap();
    let key = DecodingKey::from_jwk(&key_set.keys[0]).unwrap();
    let mut validation = Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[CLIENT_ID]);
    let mut theirs = || {
        black_box(decode::<Claims>(black_box(&token), &key, &validation).unwrap());
    };

    let (ours, theirs, ratio) = compared(&mut ours, &mut theirs);
    let reached = ratio >= GOAL;
    let measured = format!("{:.1} µs, jsonwebtoken {:.1} µs", ours * 1e6, theirs * 1e6);
    let verdict = if reached { "reached" } else { "MISSED" };
    println!("{:<45} {measured:<50} {ratio:>6.2} (goal {GOAL}) {verdict}", "an ID token, RS256, times as fast");
    ExitCode::from(u8::from(!reached))
}

/// A token as sipgate's server makes them, and the server's keys.
struct Signed {
    token: String,
    access_token: String,
    keys: Value,
}

impl Signed {
    fn new(now: i64) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let access_token = "a".repeat(1200);
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE"});
        let claims = json!({
            "exp": now + 300, "iat": now, "auth_time": now - 20, "jti": "5a1e7d2f-3b21-4f55-9b0a-1f0a1f1d3c44", "iss": ISSUER,
            "aud": CLIENT_ID, "sub": "f:a1b2c3d4-0000-1111-2222-333344445555:1234567w0", "typ": "ID", "azp": CLIENT_ID, "nonce": NONCE,
            "sid": "0a6f6b5e-7d6b-4a58-8d0e-0f4cf9f7a1b2", "at_hash": encoded(&digest(&SHA256, access_token.as_bytes()).as_ref()[..16]),
            "acr": "1", "email_verified": true, "name": "Anna Example", "preferred_username": "anna", "given_name": "Anna",
            "family_name": "Example", "email": "anna@example.com",
        });
        let input = format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature).unwrap();
        let number = |bytes: &[u8]| encoded(&bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]);
        let public = pair.public_key();
        let (n, e) = (public.modulus().big_endian_without_leading_zero(), public.exponent().big_endian_without_leading_zero());
        let key = json!({"kid": header["kid"], "kty": "RSA", "alg": "RS256", "use": "sig", "n": number(n), "e": number(e)});
        Self { token: format!("{input}.{}", encoded(&signature)), access_token, keys: json!({ "keys": [key] }) }
    }
}

/// The median times of one call, and how many times as fast ours is. They take turns, so that other
/// load on the machine affects both.
fn compared(ours: &mut dyn FnMut(), theirs: &mut dyn FnMut()) -> (f64, f64, f64) {
    let mut taken: Vec<(f64, f64)> = (0..1_000).map(|_| (time(ours), time(theirs))).collect();
    let mut median = |value: fn(&(f64, f64)) -> f64| {
        taken.sort_by(|one, other| value(one).total_cmp(&value(other)));
        value(&taken[taken.len() / 2])
    };
    (median(|(ours, _)| *ours), median(|(_, theirs)| *theirs), median(|(ours, theirs)| theirs / ours))
}

fn time(call: &mut dyn FnMut()) -> f64 {
    const CALLS: u32 = 20;
    let started = Instant::now();
    (0..CALLS).for_each(|_| call());
    started.elapsed().as_secs_f64() / f64::from(CALLS)
}
