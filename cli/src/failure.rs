//! Why a command failed, and its exit code.

use sipgate_oauth2::{Error, ErrorCode, Remedy};

/// See the module.
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) exit_code: u8,
}

pub(crate) const DONE: u8 = 0;
pub(crate) const DEFECT: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const LOG_IN_AGAIN: u8 = 3;
pub(crate) const FIX_CONFIGURATION: u8 = 4;
pub(crate) const TRY_LATER: u8 = 5;
const DENIED: u8 = 6;
const SECURITY_CHECK: u8 = 7;

impl Failure {
    /// The arguments do not name what is wanted.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { error: Error::new(ErrorCode::InvalidArgument, message), exit_code: USAGE }
    }
}

/// By what there is to do, so that a script need not know every code.
pub(crate) fn exit_code(error: &Error) -> u8 {
    match error.remedy() {
        Remedy::LogInAgain => LOG_IN_AGAIN,
        Remedy::FixConfiguration => FIX_CONFIGURATION,
        Remedy::TryLater => TRY_LATER,
        Remedy::ShowDenied => DENIED,
        Remedy::DiscardInput => SECURITY_CHECK,
        _ => DEFECT,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { exit_code: exit_code(&error), error }
    }
}
