//! The protocol of `sipgate-oauth2` without I/O: what a request to a login server says, what a
//! response means, and every decision of a refresh, a login and a logout.
//!
//! Values in, values out: nothing here opens a socket or a file, reads a clock, makes a random
//! number or starts a thread. The crate `sipgate-oauth2` does all of that, and re-exports the types
//! that its users need. Use that one; this one may change with every version.

#![forbid(unsafe_code)]

pub mod claims;
pub mod crypto;
pub mod encryption;
pub mod error;
pub mod http;
pub mod jose;
pub mod oauth;
pub mod openid;
pub mod refresh;
pub mod secret;
pub mod time;
pub mod wait_ended;
