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

/// The settings of a client that are variables here.
const VARIABLES: [(&str, &str); 3] =
    [("client_id", "SIPGATE_CLIENT_ID"), ("client_secret", "SIPGATE_CLIENT_SECRET"), ("redirect_uri", "SIPGATE_REDIRECT_URI")];

/// The error's message. What is to be corrected is named as this program's user sets it.
pub(crate) fn message(error: &Error) -> String {
    let message = error.to_string();
    if error.remedy() != Remedy::FixConfiguration {
        return message;
    }
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut before = ' ';
    let words = message.split_inclusive(|character| !is_part(character)).map(|word| {
        let name = word.trim_end_matches(|character| !is_part(character));
        let end = &word[name.len()..];
        // Not within a path, a host or a URL.
        let is_setting = !"/\\?&.-".contains(before) && !end.starts_with(['/', '=']);
        before = word.chars().next_back().unwrap_or(before);
        let variable = VARIABLES.iter().find(|(setting, _)| is_setting && *setting == name).map_or(name, |(_, variable)| variable);
        format!("{variable}{end}")
    });
    words.collect()
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { exit_code: exit_code(&error), error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_named_as_a_variable() {
        for (said, shown) in [
            ("check client_id, client_secret", "check SIPGATE_CLIENT_ID, SIPGATE_CLIENT_SECRET"),
            ("„client_id“ of many client_ids", "„SIPGATE_CLIENT_ID“ of many client_ids"),
            ("store /a/client_id/b: no https://a.example/?client_id=b", "store /a/client_id/b: no https://a.example/?client_id=b"),
            ("redirect_uri: is missing", "SIPGATE_REDIRECT_URI: is missing"),
            ("set it to client_secret_basic, not my_client_id", "set it to client_secret_basic, not my_client_id"),
        ] {
            assert_eq!(message(&Error::new(ErrorCode::InvalidClient, said)), shown);
        }
        assert_eq!(message(&Error::new(ErrorCode::LoginRequired, "redirect_uri")), "redirect_uri");
    }
}
