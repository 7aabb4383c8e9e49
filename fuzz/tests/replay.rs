//! Runs every committed input, on any toolchain: the seeds, and each crash that was ever found.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sipgate_oauth2_fuzz as targets;
use sipgate_oauth2_protocol::jose::algorithm::Algorithm;
use sipgate_oauth2_protocol::jose::jws::Jws;
use sipgate_oauth2_protocol::oauth::authorization_request::AuthorizationRequest;

fn replay(target: &str, check: impl Fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut replayed = 0;
    for seed in fs::read_dir(&seeds).expect("each target has seeds") {
        let path = seed.expect("a readable directory").path();
        let input = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        println!("{}", path.display());
        check(&input);
        replayed += 1;
    }
    assert!(replayed > 0, "{} is empty", seeds.display());
}

macro_rules! replays {
    ($($target:ident)*) => {$(
        #[test]
        fn $target() {
            replay(stringify!($target), |input| targets::$target::check(std::str::from_utf8(input).expect("a text")));
        }
    )*};
}

replays! {
    authorization_request authorization_request_restore callback client_authentication error_response id_token jwks jws logout_token
    metadata token_set userinfo www_authenticate
}

#[test]
fn c_calls() {
    replay("c_calls", ::c_calls::check);
}

#[test]
fn token_response() {
    replay("token_response", targets::token_response::check);
}

#[test]
fn redis_replies() {
    replay("redis_replies", targets::redis_replies::check);
}

#[test]
fn http_response() {
    replay("http_response", targets::http_response::check);
}

#[test]
fn postgres() {
    replay("postgres", targets::postgres::check);
}

/// All but the version, which is in the manifest: each function that the header declares is in the
/// target that makes calls.
#[test]
fn every_c_function_is_called() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("c_calls/src");
    let calls = ["calls.rs", "handles.rs", "outcome.rs", "c_program.rs", "source_calls.rs", "store_calls.rs", "openid_calls.rs"]
        .map(|file| fs::read_to_string(target.join(file)).expect("a source"));
    let header = fs::read_to_string("../include/sipgate_oauth2.h").expect("the header");
    let words = |text: &str| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(str::to_owned).collect::<HashSet<_>>();
    let known: HashSet<String> = calls.iter().flat_map(|source| words(source)).collect();
    let declared =
        header.match_indices('(').filter_map(|(at, _)| header[..at].rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next());
    let functions: HashSet<&str> =
        declared.filter(|name| name.starts_with("sipgate_oauth2_") && *name != "sipgate_oauth2_version").collect();
    assert!(functions.len() > 50, "only {functions:?}");
    let missing: Vec<&&str> = functions.iter().filter(|name| !known.contains(**name)).collect();
    assert!(missing.is_empty(), "not called: {missing:?}");
}

/// Seeds that no longer restore would leave the fuzzer far from what it is to explore.
#[test]
fn the_seeds_that_are_whole_still_restore() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/authorization_request_restore");
    for name in ["export", "export-full", "json", "json-full"] {
        let seed = fs::read_to_string(seeds.join(name)).expect("a text");
        let exported = if seed.starts_with('{') { URL_SAFE_NO_PAD.encode(&seed) } else { seed };
        if let Err(error) = AuthorizationRequest::restore(&exported) {
            panic!("{name}: {error}");
        }
    }
}

/// The same for tokens: without them, the fuzzer does not know what a good signature is.
#[test]
fn the_seeds_that_are_signed_are_verified() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/jws");
    for name in ["rs256", "es256", "ed25519"] {
        let seed = fs::read_to_string(seeds.join(name)).expect("a text");
        assert!(Jws::parse(&seed, Algorithm::ALL, &[]).is_ok_and(|jws| targets::jws::is_verified(&jws)), "{name}");
    }
}
