//! Runs `protocol::simulation`.

use std::process::ExitCode;

fn main() -> ExitCode {
    protocol::simulation::main()
}
