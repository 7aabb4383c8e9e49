//! The input is a sequence of C calls, one a line, as a C program could make them: handles come and go in any order, and any argument may be NULL, broken,
//! empty or huge. `line` says how a call is written, `calls` which there are.
//!
//! The C layer's modules are compiled into this crate as they stand: as a library for Rust they would cost users the link-time optimisation of
//! the one for C. Nothing here opens a connection; what would is given a call that is cancelled.

#![expect(non_camel_case_types, reason = "the names are C's")]

#[path = "../../../bindings-c/src/arguments.rs"]
mod arguments;
#[path = "../../../bindings-c/src/at_exit.rs"]
mod at_exit;
#[path = "../../../bindings-c/src/authorization_code.rs"]
mod authorization_code;
#[path = "../../../bindings-c/src/authorization_parameters.rs"]
mod authorization_parameters;
#[path = "../../../bindings-c/src/authorization_request.rs"]
mod authorization_request;
#[path = "../../../bindings-c/src/boundary.rs"]
mod boundary;
#[path = "../../../bindings-c/src/call.rs"]
mod call;
#[path = "../../../bindings-c/src/client.rs"]
mod client;
#[path = "../../../bindings-c/src/client_options.rs"]
mod client_options;
#[path = "../../../bindings-c/src/error.rs"]
mod error;
#[path = "../../../bindings-c/src/event.rs"]
mod event;
#[path = "../../../bindings-c/src/fork.rs"]
mod fork;
#[path = "../../../bindings-c/src/own_store.rs"]
mod own_store;
#[path = "../../../bindings-c/src/secret.rs"]
mod secret;
#[path = "../../../bindings-c/src/status.rs"]
mod status;
#[path = "../../../bindings-c/src/store.rs"]
mod store;
#[path = "../../../bindings-c/src/store_check.rs"]
mod store_check;
#[path = "../../../bindings-c/src/store_entry.rs"]
mod store_entry;
#[path = "../../../bindings-c/src/store_options.rs"]
mod store_options;
#[path = "../../../bindings-c/src/text.rs"]
mod text;
#[path = "../../../bindings-c/src/token_set.rs"]
mod token_set;
#[path = "../../../bindings-c/src/token_source.rs"]
mod token_source;
#[path = "../../../bindings-c/src/token_status.rs"]
mod token_status;
#[path = "../../../bindings-c/src/user_data.rs"]
mod user_data;

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
