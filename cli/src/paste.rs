//! A login in the browser of another machine: its user pastes the address at which it ends.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use sipgate_oauth2::binding::check_callback;
use sipgate_oauth2::{AuthorizationRequest, Client, Error, ErrorCode, Remedy};

use crate::output::Output;

/// Asks for the address until one fits. What does not fit is no attack: the user has copied
/// something else.
pub(crate) fn callback(client: &Client, request: &AuthorizationRequest, timeout: Duration, output: &Output) -> Result<String, Error> {
    output.note(&format!(
        "Open this address in a browser on any machine:\n\n  {}\n\nIt ends at an address that begins with {}, which may not load. Paste that one here:",
        request.url(),
        request.redirect_uri()
    ));
    let until = Instant::now().checked_add(timeout);
    let lines = lines();
    let mut misfit = None;
    loop {
        let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let pasted = match lines.recv_timeout(left) {
            Ok(line) => line?,
            Err(RecvTimeoutError::Timeout) => return Err(timed_out()),
            Err(RecvTimeoutError::Disconnected) => return Err(misfit.unwrap_or_else(nothing_pasted)),
        };
        if pasted.trim().is_empty() {
            continue;
        }
        match check_callback(client, request, &pasted) {
            Err(error) if is_misfit(&error) => {
                let error = Error::new(error.code(), problem(&error)).with_remedy(error.remedy());
                output.note(&format!("{error}. Copy the whole address from the browser, and paste it here:"));
                misfit = Some(error);
            }
            // A response to this login, good or bad, or one that comes too late.
            _ => return Ok(pasted),
        }
    }
}

/// The lines of standard input. Nothing ends a read, so a thread waits for them.
fn lines() -> mpsc::Receiver<Result<String, Error>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in io::stdin().lines() {
            let line = line.map_err(|cause| {
                Error::invalid_argument("callback", "cannot be read from standard input; paste the address there").with_cause(cause)
            });
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}

/// Whether it is no response to this request.
fn is_misfit(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::StateMismatch | ErrorCode::CallbackRefused | ErrorCode::InvalidArgument)
}

fn problem(error: &Error) -> String {
    let message = error.to_string();
    let why = match error.code() {
        ErrorCode::StateMismatch => "its state is missing, or is that of another login".to_owned(),
        ErrorCode::InvalidArgument => "its scheme, host or port is another".to_owned(),
        // The remedy behind the semicolon is for applications.
        _ => format!("it {}", message.trim_start_matches("callback: ").split(';').next().unwrap_or_default()),
    };
    format!("what was pasted is not the address at which this login ends: {why}")
}

fn timed_out() -> Error {
    Error::new(ErrorCode::Timeout, "the timeout elapsed before the address was pasted; start the login again")
}

fn nothing_pasted() -> Error {
    let message = "standard input ended before an address was pasted; start the login again, and paste the address at which it ends";
    Error::new(ErrorCode::CallbackRefused, message).with_remedy(Remedy::LogInAgain)
}
