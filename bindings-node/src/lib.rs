//! The native half of the npm package `sipgate-oauth2`. It converts, nothing more, and only the package's own JavaScript calls it: that
//! has checked the type of every argument before. What fails is thrown as a plain object with the fields of the error; its class is JavaScript's.

pub mod authorization;
pub mod client;
pub mod events;
pub mod failure;
pub mod own_store;
pub mod peek;
pub mod running;
pub mod source;
pub mod store;
pub mod token;

use std::time::Duration;

use napi_derive::napi;

#[napi_derive::module_init]
fn loaded() {
    sipgate_oauth2_memory::wipe_sqlite();
}

/// Waits for so many milliseconds until what has begun is over and stored.
#[napi(catch_unwind)]
pub fn settle(milliseconds: u32) -> bool {
    sipgate_oauth2::settle(Duration::from_millis(milliseconds.into()))
}

/// The version of this library.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    sipgate_oauth2::VERSION
}
