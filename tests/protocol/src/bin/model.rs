//! Explores every state of a few small worlds; see `protocol::model`.

use std::process::ExitCode;

fn main() -> ExitCode {
    protocol::model::main()
}
