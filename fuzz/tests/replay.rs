//! Every committed input, on any toolchain: the seeds, and each crash that was ever found.

use std::fs;
use std::path::Path;

use sipgate_oauth2_fuzz as targets;

fn replay(target: &str, check: fn(&str)) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut replayed = 0;
    for seed in fs::read_dir(&seeds).expect("each target has seeds") {
        let path = seed.expect("a readable directory").path();
        let input = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
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
            replay(stringify!($target), targets::$target::check);
        }
    )*};
}

replays! { authorization_request callback client_authentication error_answer pending_login token_answer token_set }
