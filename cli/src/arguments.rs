//! The commands and their arguments.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, Command, value_parser};

pub(crate) const JSON: &str = "json";
pub(crate) const ACCOUNT: &str = "account";
pub(crate) const SCOPE: &str = "scope";
pub(crate) const PORT: &str = "port";
pub(crate) const PASTE: &str = "paste";
pub(crate) const TIMEOUT: &str = "timeout";
pub(crate) const MIN_VALIDITY: &str = "min-validity";
pub(crate) const FORGET: &str = "forget";
pub(crate) const IDLE: &str = "idle";
pub(crate) const SHELL: &str = "shell";
pub(crate) const ARGUMENTS: &str = "arguments";

const AFTER: &str = "The client is described by variables: SIPGATE_CLIENT_ID, SIPGATE_CLIENT_SECRET (or \
                     SIPGATE_CLIENT_SECRET_FILE), SIPGATE_REDIRECT_URI and SIPGATE_STORE.\n\n\
                     Exit codes: 0 done, 1 a defect, 2 wrong arguments, 3 log in again, 4 correct a setting, 5 try later, \
                     6 access was denied, 7 a security check failed.";

/// The whole command line.
pub(crate) fn command() -> Command {
    Command::new("sipgate-oauth2")
        .bin_name("sipgate-oauth2")
        .version(sipgate_oauth2::VERSION)
        .about("Log in once, and get access tokens ever after")
        .after_help(AFTER)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .arg(flag(JSON, "Write results and errors as JSON").global(true))
        .subcommands([
            Command::new("login").about("Log in with the browser, and store the login").args([
                account("The name of the login; the user's id at the server, if the scope has openid"),
                option(SCOPE, "SCOPE", "What is requested, such as balance:read; may be repeated").action(ArgAction::Append).required(true),
                option(PORT, "PORT", "The port at which the browser comes back, in place of that of SIPGATE_REDIRECT_URI")
                    .value_parser(value_parser!(u16).range(1..)),
                flag(PASTE, "Open no browser: print the URL, and read the address at which the login ends"),
                seconds(TIMEOUT, "How long to wait for the user; 300 by default"),
            ]),
            Command::new("token").about("Print an access token that is valid now").args(of_token()),
            Command::new("header").about("Print an Authorization header, as for curl -H").args(of_token()),
            Command::new("status").about("Show a login, without the network").args([account(ONLY)]),
            Command::new("accounts").about("List the logins in the store"),
            Command::new("logout")
                .about("End a login, here and at the server")
                .args([account(ONLY), flag(FORGET, "Remove what the store knows of it, too")]),
            Command::new("keep-alive")
                .about("Refresh logins that nobody uses, so that the server does not end them")
                .args([seconds(IDLE, "Those that were last refreshed longer ago; a week by default")]),
            Command::new("doctor").about("Find what is wrong with settings, server and store, and say what to do"),
            Command::new("completion")
                .about("Print the completion of a shell")
                .args([Arg::new(SHELL).required(true).value_parser(["bash", "zsh", "fish"])]),
            Command::new("realm").about("Run a local login server for tests").disable_help_flag(true).args([Arg::new(ARGUMENTS)
                .num_args(..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString))]),
        ])
}

/// Whether results and errors are JSON, errors in the arguments too. Those after `--`, and those of
/// the realm, are not ours.
pub(crate) fn ask_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().skip(1).take_while(|argument| *argument != "--" && *argument != "realm").any(|argument| *argument == "--json")
}

const ONLY: &str = "The name of the login; may be left out if the store has only one";

fn of_token() -> [Arg; 2] {
    [account(ONLY), seconds(MIN_VALIDITY, "How much longer the token must be valid")]
}

fn account(help: &'static str) -> Arg {
    option(ACCOUNT, "NAME", help)
}

fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn seconds(name: &'static str, help: &'static str) -> Arg {
    option(name, "SECONDS", help).value_parser(ValueParser::new(read_seconds))
}

fn read_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "must be a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "must be a number of seconds, 0 or more".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_consistent() {
        command().debug_assert();
    }

    #[test]
    fn no_argument_takes_a_secret() {
        for command in command().get_subcommands() {
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str();
                assert!(!["secret", "password", "token", "code"].iter().any(|word| name.contains(word)), "{name}");
            }
        }
    }
}
