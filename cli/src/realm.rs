//! The local login server, which is a program of its own.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;

use sipgate_oauth2::{Error, ErrorCode, Remedy};

use crate::failure::Failure;

const PROGRAM: &str = "sipgate-oauth2-realm";

/// Runs it with these arguments. Where it can, it takes the place of this process: then signals
/// reach it, and it ends with what has started this one.
pub(crate) fn run<'a>(arguments: impl Iterator<Item = &'a OsString>, program: &OsStr) -> Result<u8, Failure> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let beside = Path::new(program).parent().map(|folder| folder.join(&name)).filter(|beside| beside.is_file());
    let mut command = Command::new(beside.unwrap_or_else(|| PathBuf::from(name)));
    carry_out(command.args(arguments)).map_err(|cause| {
        let message = if cause.kind() == ErrorKind::NotFound {
            "sipgate-oauth2-realm is not installed; install it with \
             pip install sipgate-oauth2-realm, npm install sipgate-oauth2-realm or cargo install sipgate-oauth2-realm"
        } else {
            "sipgate-oauth2-realm cannot be started; install it again"
        };
        Error::new(ErrorCode::Unsupported, message).with_remedy(Remedy::FixConfiguration).with_cause(cause).into()
    })
}

#[cfg(unix)]
fn carry_out(command: &mut Command) -> io::Result<u8> {
    use std::os::fd::AsFd;
    use std::os::unix::process::CommandExt;

    // Node.js marks its own as those that end with it. Copies do not.
    if let Ok(input) = io::stdin().as_fd().try_clone_to_owned() {
        command.stdin(input);
    }
    if let Ok(output) = io::stdout().as_fd().try_clone_to_owned() {
        command.stdout(output);
    }
    if let Ok(errors) = io::stderr().as_fd().try_clone_to_owned() {
        command.stderr(errors);
    }
    Err(command.exec())
}

#[cfg(not(unix))]
fn carry_out(command: &mut Command) -> io::Result<u8> {
    let status = command.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(crate::failure::DEFECT))
}
