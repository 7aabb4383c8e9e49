//! The input is a sequence of C calls, one per line, as a C program could make them: handles are
//! made and freed in any order, and any argument may be NULL, invalid, empty or huge. `line`
//! describes the format of a call; `calls`, `source_calls`, `store_calls` and `openid_calls` have
//! the functions.
//!
//! No connection is opened: calls that would connect have cancelled call options.

mod c_program;
mod calls;
mod handles;
mod line;
mod openid_calls;
mod outcome;
mod source_calls;
mod store_calls;

use calls::Calls;
use line::Line;

/// Enough to make, use and free every handle. More calls would only be slow.
const MOST_CALLS: usize = 64;

/// No call crashes, each writes only what it should, and the getters of a handle return the same
/// until it is freed.
pub fn check(input: &[u8]) {
    let mut calls = Calls::default();
    for line in input.split(|byte| *byte == b'\n').filter_map(Line::parse).take(MOST_CALLS) {
        calls.make(&line);
    }
}
