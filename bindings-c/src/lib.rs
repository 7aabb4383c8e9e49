//! The C ABI of sipgate-oauth2: opaque handles over the core. `include/sipgate_oauth2.h` is
//! generated from the comments here; `library` builds the shared and the static library.
//!
//! Every function that can fail goes through [`boundary::run`], which catches panics and turns
//! errors into a status. Only `arguments` reads pointers; `handle` says who frees them.

#![expect(non_camel_case_types, reason = "the names are C's")]
#![expect(clippy::missing_safety_doc, reason = "pointers must be what the header says; its first comment says it for all functions")]

// In the order of the header.
mod status;
pub use status::*;

mod error;
pub use error::*;

mod text;
pub use text::*;

mod secret;
pub use secret::*;

mod json;
pub use json::*;

mod cancel_token;
pub use cancel_token::*;

mod call_options;
pub use call_options::*;

mod store_options;
pub use store_options::*;

mod store_entry;
pub use store_entry::*;

mod custom_store;
pub use custom_store::*;

mod password;
pub use password::*;

mod store;
pub use store::*;

mod store_check;
pub use store_check::*;

mod store_findings;
pub use store_findings::*;

mod event;
pub use event::*;

mod discovery;
pub use discovery::*;

mod client_options;
pub use client_options::*;

mod client;
pub use client::*;

mod authorization_parameters;
pub use authorization_parameters::*;

mod authorization_request;
pub use authorization_request::*;

mod authorization_code;
pub use authorization_code::*;

mod logout_parameters;
pub use logout_parameters::*;

mod token_set;
pub use token_set::*;

mod token_status;
pub use token_status::*;

mod token_source;
pub use token_source::*;

mod arguments;
mod at_exit;
mod boundary;
mod fork;
mod handle;
mod user_data;

/// The version of the library, such as "0.1.0"; SIPGATE_OAUTH2_VERSION_MAJOR, _MINOR and _PATCH are
/// the version of the header. Never NULL. Static: do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_version() -> *const std::ffi::c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
