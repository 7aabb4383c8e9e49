//! Databases that a test uses if the environment names them.

use std::env;
use std::io::{Write as _, stderr};
use std::sync::Once;

/// The URL in this variable. Without it, says once that nothing is tested.
#[expect(clippy::explicit_write, reason = "what `eprintln` prints is not shown of a test that passes")]
pub(crate) fn url(variable: &str) -> Option<String> {
    let url = env::var(variable).ok();
    if url.is_none() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| writeln!(stderr(), "NOTHING WAS TESTED: {variable} has no URL of a server").unwrap());
    }
    url
}
