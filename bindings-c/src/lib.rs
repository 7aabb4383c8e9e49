//! The C ABI of sipgate-oauth2: opaque handles over the core. `include/sipgate_oauth2.h` is generated from the prose here.
//!
//! Every function that can fail goes through [`boundary::run`], which catches panics and turns errors into a status. Pointers are read in
//! `arguments` and nowhere else.

#![expect(unreachable_pub, reason = "what C can reach is not what Rust can")]
#![expect(non_camel_case_types, reason = "the names are C's")]

// In the order of the header.
mod status;

mod error;

mod text;

mod secret;

mod call;

mod store_options;

mod store_entry;

mod own_store;

mod store;

mod store_check;

mod at_exit;
mod event;
mod fork;

mod client_options;

mod client;

mod authorization_parameters;

mod authorization_request;

mod authorization_code;

mod token_set;

mod token_status;

mod token_source;

mod arguments;
mod boundary;
mod user_data;

/// The library's version, such as "0.1.0". Never NULL, never freed. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_version() -> *const std::ffi::c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
