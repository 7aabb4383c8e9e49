//! The input is what a PostgreSQL server says on a connection.

use sipgate_oauth2::fuzzing::postgres_answered_by;

use crate::assert_fit_to_show;

const PASSWORD: &str = "canary password";

/// The result does not depend on how the bytes are split, and without TLS the password is neither
/// sent nor shown.
pub fn check(input: &[u8]) {
    let (whole, split) = (postgres_answered_by(input, usize::MAX, PASSWORD), postgres_answered_by(input, 1, PASSWORD));
    match (whole, split) {
        (Ok((seen, sent)), Ok((seen_split, _))) => {
            assert_eq!(seen, seen_split, "it matters how the bytes are split");
            assert!(!sent.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()), "the password was sent");
        }
        (Err(error), Err(split)) => {
            assert_eq!(error.to_string(), split.to_string(), "it matters how the bytes are split");
            assert_fit_to_show(&error, &[PASSWORD]);
        }
        (whole, split) => panic!("it matters how the bytes are split: {whole:?}, {split:?}"),
    }
}
