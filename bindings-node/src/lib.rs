//! The native half of the npm package `sipgate-oauth2`. It converts, and does nothing else. Only
//! the package's own JavaScript calls it, and has checked the type of every argument before. An
//! error is thrown as a plain object with the error's fields; JavaScript makes an error class of
//! it.

pub mod authorization_request;
pub mod client;
pub mod custom_store;
pub mod discovery;
pub mod error;
pub mod events;
pub mod password;
pub mod peek;
pub mod replies;
pub mod store;
pub mod store_options;
pub mod task;
pub mod text;
pub mod thrown;
pub mod token_set;
pub mod token_source;

use std::ffi::OsString;
use std::time::Duration;

use napi_derive::napi;

#[napi_derive::module_init]
fn loaded() {
    sipgate_oauth2_memory::wipe_sqlite();
}

/// Waits, for at most so many milliseconds, until everything that has begun is finished and stored.
#[napi(catch_unwind)]
pub fn drain(milliseconds: u32) -> bool {
    sipgate_oauth2::drain(Duration::from_millis(milliseconds.into()))
}

/// Runs a command of the command line, of which the first argument is the program. Returns its exit
/// code.
#[napi(catch_unwind)]
pub fn run_command_line(arguments: Vec<String>) -> u32 {
    sipgate_oauth2_cli::run(arguments.into_iter().map(OsString::from)).into()
}

/// The version of this library.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    sipgate_oauth2::VERSION
}
