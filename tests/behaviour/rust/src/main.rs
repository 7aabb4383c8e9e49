//! The Rust shim of the behaviour suite. It reads lines `{"id", "op", "args"}`, runs each call on
//! its own thread, and writes a line per call. It uses only the public API and decides nothing.

mod args;
mod custom_store;
mod operations;
mod sources;
mod stores;
mod views;

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::args::{Args, Failure};
use crate::operations::Shim;

fn main() -> std::io::Result<()> {
    let shim = Arc::new(Shim::default());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let shim = Arc::clone(&shim);
        std::thread::spawn(move || write(&reply(&shim, &line)));
    }
    // In the other languages, the library does this by itself.
    sipgate_oauth2::drain(Duration::from_secs(5));
    Ok(())
}

fn reply(shim: &Shim, line: &str) -> Value {
    let call: Value = match serde_json::from_str(line) {
        Ok(call) => call,
        Err(problem) => return json!({"id": null, "error": {"message": format!("not a call: {problem}")}}),
    };
    let id = &call["id"];
    let op = call["op"].as_str().unwrap_or_default();
    match shim.run(op, Args::new(&call["args"])) {
        None => json!({"id": id, "unsupported": op}),
        Some(Ok(members)) => json!({"id": id, "ok": members}),
        Some(Err(Failure::Library(error))) => json!({"id": id, "error": views::error(&error)}),
        // Without a code, no case expects it as an error from the library.
        Some(Err(Failure::Call(problem))) => json!({"id": id, "error": {"code": null, "message": problem}}),
    }
}

fn write(line: &Value) {
    let mut out = std::io::stdout().lock();
    // If the runner has closed the pipe, there is nobody to report the error to.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
