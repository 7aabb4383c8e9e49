//! Runs `protocol::model`.

use std::process::ExitCode;

fn main() -> ExitCode {
    protocol::model::main()
}
