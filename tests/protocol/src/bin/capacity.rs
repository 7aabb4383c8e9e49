//! Runs `protocol::capacity`.

use std::process::ExitCode;

fn main() -> ExitCode {
    protocol::capacity::main()
}
