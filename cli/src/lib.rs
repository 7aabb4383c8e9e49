//! The command line: one entry, for the program, Python's console script and npm's `bin`. The
//! environment describes the client, as for every program, so a login is there for all of them.

#![forbid(unsafe_code)]

mod account;
mod arguments;
mod commands;
mod completion;
mod copies;
mod doctor;
mod failure;
mod output;
mod paste;
mod realm;

use std::ffi::OsString;
use std::time::Duration;

use crate::output::Output;

/// Runs a command, of which the first argument is the program's own name. Returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let program = arguments.first().cloned().unwrap_or_default();
    let json = arguments::ask_for_json(&arguments);
    let matches = match arguments::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return Output::new(json).usage(&error),
    };
    let output = Output::new(matches.get_flag(arguments::JSON));
    let code = match commands::run(&matches, &program, &output) {
        Ok(code) => code,
        Err(failure) => output.failed(&failure),
    };
    // What has begun is stored before the process ends.
    sipgate_oauth2::drain(Duration::from_secs(5));
    code
}
