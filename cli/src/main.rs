//! The program `sipgate-oauth2`.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(sipgate_oauth2_cli::run(env::args_os()))
}
