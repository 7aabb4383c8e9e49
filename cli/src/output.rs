//! What a command writes: results to standard output, everything else to standard error.

use std::io::{self, Write};

use serde_json::{Value, json};
use sipgate_oauth2::Error;

use crate::failure::{DONE, Failure, USAGE, message};

/// See the module.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// The result of a command, as text or as JSON.
    pub(crate) fn result(&self, text: &str, json: &Value) {
        if self.json { line(io::stdout(), &json.to_string()) } else { line(io::stdout(), text) }
    }

    /// Something for the user, which is no result.
    pub(crate) fn note(&self, text: &str) {
        line(io::stderr(), text);
    }

    /// An error in the library's own words. Returns the exit code.
    pub(crate) fn failed(&self, failure: &Failure) -> u8 {
        let error = &failure.error;
        let text = if self.json { json!({"error": error_json(error)}).to_string() } else { format!("error: {}", message(error)) };
        line(io::stderr(), &text);
        failure.exit_code
    }

    /// What clap says of the arguments: help, or a mistake.
    pub(crate) fn usage(&self, error: &clap::Error) -> u8 {
        let text = error.render().to_string();
        if !error.use_stderr() {
            line(io::stdout(), text.trim_end());
            return DONE;
        }
        if self.json {
            return self.failed(&Failure::usage(mistake(&text)));
        }
        line(io::stderr(), text.trim_end());
        USAGE
    }
}

pub(crate) fn error_json(error: &Error) -> Value {
    json!({
        "code": error.code().as_str(),
        "remedy": error.remedy().as_str(),
        "message": message(error),
        "retry_after": error.retry_after().map(|wait| wait.as_secs()),
        "oauth_error": error.oauth_error(),
    })
}

/// The mistake alone, in one line, of what clap shows with the usage.
fn mistake(text: &str) -> String {
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    let text = text.strip_prefix("error:").unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A reader that has gone, such as `head`, needs no more.
fn line(mut to: impl Write, text: &str) {
    let _ = writeln!(to, "{text}");
    let _ = to.flush();
}
