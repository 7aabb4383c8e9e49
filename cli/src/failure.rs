//! Why a command failed, and its exit code.

use sipgate_oauth2::{Error, Remedy};

/// See the module.
pub(crate) enum Failure {
    /// The arguments do not name what is wanted.
    Usage(String),
    /// An error of the library.
    Library(Error),
}

/// The exit codes that are not about an error.
pub(crate) const DONE: u8 = 0;
pub(crate) const USAGE: u8 = 2;
pub(crate) const LOG_IN_AGAIN: u8 = 3;
pub(crate) const FIX_CONFIGURATION: u8 = 4;
pub(crate) const TRY_LATER: u8 = 5;

impl Failure {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Library(error) => exit_code(error),
        }
    }
}

/// By what there is to do, so that a script need not know every code.
pub(crate) fn exit_code(error: &Error) -> u8 {
    match error.remedy() {
        Remedy::LogInAgain => LOG_IN_AGAIN,
        Remedy::FixConfiguration => FIX_CONFIGURATION,
        Remedy::TryLater => TRY_LATER,
        Remedy::ShowDenied => 6,
        Remedy::DiscardInput => 7,
        _ => 1,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}
