//! The input is a sequence of C calls, one a line, as a C program could make them: handles come and go in any order, and any argument may be NULL, broken,
//! empty or huge. `line` says how a call is written, `calls` which there are.
//!
//! Nothing here opens a connection; what would is given call options that are cancelled.

mod c_program;
mod calls;
mod handles;
mod line;
mod outcome;
mod source_calls;

use calls::Calls;
use line::Line;

/// Enough for every handle to be made, used and freed; more only makes it slow.
const MOST_CALLS: usize = 64;

/// No call crashes, each writes what it should and nothing else, and what a handle says stays the same until it is freed.
pub fn check(input: &[u8]) {
    let mut calls = Calls::default();
    for line in input.split(|byte| *byte == b'\n').filter_map(Line::parse).take(MOST_CALLS) {
        calls.make(&line);
    }
}
