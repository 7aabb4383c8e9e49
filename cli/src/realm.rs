//! The local login server, which is a program of its own.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use sipgate_oauth2::{Error, ErrorCode, Remedy};

use crate::failure::{DEFECT, Failure};

const PROGRAM: &str = "sipgate-oauth2-realm";

/// Runs it with these arguments, and returns its exit code.
pub(crate) fn run<'a>(arguments: impl Iterator<Item = &'a OsString>, program: &OsStr) -> Result<u8, Failure> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let beside = Path::new(program).parent().map(|folder| folder.join(&name)).filter(|beside| beside.is_file());
    let status = Command::new(beside.unwrap_or_else(|| PathBuf::from(name))).args(arguments).status().map_err(|cause| {
        let message = if cause.kind() == ErrorKind::NotFound {
            "sipgate-oauth2-realm is not installed; install it with \
             pip install sipgate-oauth2-realm, npm install sipgate-oauth2-realm or cargo install sipgate-oauth2-realm"
        } else {
            "sipgate-oauth2-realm cannot be started; install it again"
        };
        Error::new(ErrorCode::Unsupported, message).with_remedy(Remedy::FixConfiguration).with_cause(cause)
    })?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(DEFECT))
}
