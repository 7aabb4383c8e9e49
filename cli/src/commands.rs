//! What each command does.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use clap::ArgMatches;
use serde_json::{Value, json};
use sipgate_oauth2::binding::{LOGIN_TIMEOUT, check_can_log_in, left_out};
use sipgate_oauth2::{
    AuthorizationParameters, BrowserLogin, CallOptions, Client, Error, KeepAlive, KeepAliveReport, LoginState, LogoutOutcome, TokenSource,
};

use crate::account::{client, client_to_log_in, has_no_login, login as login_of, source};
use crate::arguments as given;
use crate::failure::{DONE, Failure, LOG_IN_AGAIN, TRY_LATER};
use crate::output::{Output, error_json};
use crate::{completion, doctor, paste, realm};

type Outcome = Result<u8, Failure>;

/// What to do without a login.
const TO_LOG_IN: &str = "log in with: sipgate-oauth2 login --scope SCOPE --account NAME";

pub(crate) fn run(matches: &ArgMatches, program: &OsStr, output: &Output) -> Outcome {
    let (name, given) = matches.subcommand().unwrap_or(("", matches));
    match name {
        "login" => login(given, output),
        "token" => token(given, output),
        "header" => header(given, output),
        "status" => status(given, output),
        "accounts" => accounts(output),
        "logout" => logout(given, output),
        "keep-alive" => keep_alive(given, output),
        "doctor" => Ok(doctor::run(output)),
        "completion" => Ok(completion::write(given.get_one::<String>(given::SHELL).map_or("", String::as_str), output)),
        _ => realm::run(given.get_many::<OsString>(given::ARGUMENTS).unwrap_or_default(), program),
    }
}

fn login(given: &ArgMatches, output: &Output) -> Outcome {
    let client = client_to_log_in()?;
    let scope: Vec<&str> = given.get_many::<String>(given::SCOPE).unwrap_or_default().map(String::as_str).collect();
    let mut parameters = AuthorizationParameters::new(scope.join(" ").as_str());
    if let Some(port) = given.get_one::<u16>(given::PORT) {
        parameters = parameters.redirect_uri(with_port(client.redirect_uri(), *port)?);
    }
    let account = given.get_one::<String>(given::ACCOUNT);
    check_can_log_in(&client, account.map(String::as_str), &parameters).map_err(|error| match account {
        None => {
            Failure::usage("name the login with --account, or request the scope openid: its name is then the id of the user at the server")
        }
        Some(_) => error.into(),
    })?;
    let timeout = given.get_one::<Duration>(given::TIMEOUT).copied().unwrap_or(LOGIN_TIMEOUT);
    let source = if given.get_flag(given::PASTE) {
        let request = client.authorization_request(parameters)?;
        let callback = paste::callback(&client, &request, timeout, output)?;
        client.start_complete_login(&request, &callback, account.map(String::as_str), &CallOptions::new()).wait()?
    } else {
        let told = *output;
        let mut login = BrowserLogin::new(parameters).on_url(move |url| {
            told.note(&format!("If no browser opens, open this address:\n\n  {url}\n"));
        });
        if let Some(account) = account {
            login = login.account(account);
        }
        client.start_login_in_browser(login, &CallOptions::new().timeout(timeout)).wait().map_err(or_paste)?
    };
    let (account, account_hash) = (source.account(), source.account_hash());
    output.result(&format!("logged in as {account}"), &json!({"account": account, "account_hash": account_hash}));
    Ok(DONE)
}

/// The way to log in with a redirect URI that is not on this machine.
fn or_paste(error: Error) -> Error {
    let message = error.to_string();
    match message.strip_prefix("redirect_uri: is not on this machine") {
        Some(rest) => Error::invalid_argument("redirect_uri", format!("is not on this machine{rest}, or log in with --paste")),
        None => error,
    }
}

/// The redirect URI at another port of this machine.
fn with_port(redirect_uri: Option<&str>, port: u16) -> Result<String, Failure> {
    let redirect_uri = redirect_uri.unwrap_or("http://127.0.0.1/");
    let elsewhere = || {
        let problem = "is not on this machine, so --port has no meaning for it; set one such as http://127.0.0.1:8400/callback";
        Error::invalid_argument("SIPGATE_REDIRECT_URI", problem)
    };
    let rest = redirect_uri.strip_prefix("http://").ok_or_else(elsewhere)?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let end_of_host = authority.rfind(']').map_or_else(|| authority.rfind(':').unwrap_or(authority.len()), |bracket| bracket + 1);
    Ok(format!("http://{}:{port}{path}", &authority[..end_of_host]))
}

fn access_token(given: &ArgMatches) -> Result<(TokenSource, sipgate_oauth2::AccessToken), Failure> {
    let source = login_of(&client()?, given.get_one(given::ACCOUNT), TO_LOG_IN)?;
    let min_validity = given.get_one::<Duration>(given::MIN_VALIDITY).copied().unwrap_or_default();
    let token = source.start_access_token(min_validity, &CallOptions::new()).wait()?;
    Ok((source, token))
}

fn token(given: &ArgMatches, output: &Output) -> Outcome {
    let (source, token) = access_token(given)?;
    let expires_at = source.status()?.expires_at;
    output.result(token.reveal(), &json!({"access_token": token.reveal(), "expires_at": expires_at}));
    Ok(DONE)
}

fn header(given: &ArgMatches, output: &Output) -> Outcome {
    let header = access_token(given)?.1.authorization_header();
    output.result(&format!("Authorization: {}", header.reveal()), &json!({"Authorization": header.reveal()}));
    Ok(DONE)
}

fn status(given: &ArgMatches, output: &Output) -> Outcome {
    let client = client()?;
    let source = source(&client, given.get_one(given::ACCOUNT), TO_LOG_IN)?;
    let status = source.status()?;
    let mut text = format!("{}: {}", source.account(), status.state);
    if status.state == LoginState::Absent {
        text.push_str(&format!("; {}", has_no_login(&client, Some(source.account()))));
    }
    if let Some(scope) = &status.scope {
        text.push_str(&format!("\nscope: {scope}"));
    }
    if let Some(error) = &status.last_error {
        text.push_str(&format!("\nlast error: {error}"));
    }
    let json = json!({
        "account": source.account(),
        "account_hash": source.account_hash(),
        "state": status.state.as_str(),
        "scope": status.scope,
        "expires_at": status.expires_at,
        "refresh_expires_at": status.refresh_expires_at,
        "last_error": status.last_error.as_ref().map(error_json),
    });
    output.result(&text, &json);
    Ok(if status.state == LoginState::Active { DONE } else { LOG_IN_AGAIN })
}

fn accounts(output: &Output) -> Outcome {
    let (mut lines, mut members) = (Vec::new(), Vec::new());
    let client = client()?;
    for stored in client.accounts() {
        let stored = stored?;
        let (account, state) = (stored.account(), stored.state().as_str());
        let named = if account.is_empty() { stored.account_hash() } else { account };
        let why = stored.last_error().map_or_else(String::new, |error| format!("; {error}"));
        lines.push(format!("{named}: {state}{why}"));
        members.push(json!({
            "account": account,
            "account_hash": stored.account_hash(),
            "state": state,
            "last_error": stored.last_error().map(error_json),
        }));
    }
    let text = if lines.is_empty() { has_no_login(&client, None) } else { lines.join("\n") };
    output.result(&text, &json!({"accounts": Value::from(members)}));
    Ok(DONE)
}

fn logout(given: &ArgMatches, output: &Output) -> Outcome {
    // A mistyped name must not look like a logout.
    let source = login_of(&client()?, given.get_one(given::ACCOUNT), "nothing was logged out")?;
    let was_logged_out = source.status()?.state == LoginState::LoggedOut;
    let outcome = if given.get_flag(given::FORGET) { source.forget()? } else { source.logout()? };
    let text = match outcome {
        LogoutOutcome::Revoked => "logged out, here and at the server",
        _ if was_logged_out && given.get_flag(given::FORGET) => "was logged out before, and is forgotten",
        _ if was_logged_out => "was logged out before",
        _ => "logged out here; the server was not told",
    };
    output.result(&format!("{}: {text}", source.account()), &json!({"account": source.account(), "outcome": outcome.as_str()}));
    Ok(DONE)
}

fn keep_alive(given: &ArgMatches, output: &Output) -> Outcome {
    let settings = given.get_one::<Duration>(given::IDLE).map_or_else(KeepAlive::new, |idle| KeepAlive::new().idle(*idle));
    let client = client()?;
    let report = client.keep_alive(&settings)?;
    let reason = if report.seen == 0 && report.failed == 0 { why_none(&client, &report)? } else { None };
    let logins = if report.seen == 1 { "login" } else { "logins" };
    let mut text = format!("looked at {} {logins}, refreshed {}, failed {}", report.seen, report.renewed, report.failed);
    if let Some((_, reason)) = &reason {
        text.push_str(&format!(": {reason}"));
    }
    for account in &report.login_required {
        text.push_str(&format!("\n{account} must log in again"));
    }
    let json = json!({
        "seen": report.seen,
        "renewed": report.renewed,
        "failed": report.failed,
        "login_required": report.login_required,
        "reason": reason.map(|(name, _)| name),
    });
    output.result(&text, &json);
    Ok(match () {
        () if report.failed > 0 => TRY_LATER,
        () if !report.login_required.is_empty() => LOG_IN_AGAIN,
        () => DONE,
    })
}

/// Why no login was looked at: one word for scripts, and a sentence. `None` if there was no time.
fn why_none(client: &Client, report: &KeepAliveReport) -> Result<Option<(&'static str, String)>, Error> {
    for stored in client.accounts() {
        if stored?.state() != LoginState::LoggedOut {
            return Ok(match left_out(report) {
                (_, 1..) => Some(("elsewhere", "another keep-alive is looking at them".to_owned())),
                (1.., _) => Some(("not_due", "none is due, because a keep-alive looked at them before".to_owned())),
                _ => None,
            });
        }
    }
    Ok(Some(("no_login", has_no_login(client, None))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FIX_CONFIGURATION;

    #[test]
    fn a_port_replaces_that_of_the_redirect_uri() {
        let with_port = |redirect_uri| with_port(redirect_uri, 8400).map_err(|failure| failure.exit_code);
        for (redirect_uri, expected) in [
            (None, "http://127.0.0.1:8400/"),
            (Some("http://127.0.0.1/cb"), "http://127.0.0.1:8400/cb"),
            (Some("http://localhost:1/cb?a=b:c"), "http://localhost:8400/cb?a=b:c"),
            (Some("http://[::1]:1/cb"), "http://[::1]:8400/cb"),
            (Some("http://[::1]"), "http://[::1]:8400"),
        ] {
            assert_eq!(with_port(redirect_uri).unwrap(), expected);
        }
        assert_eq!(with_port(Some("https://example.com/auth")), Err(FIX_CONFIGURATION));
    }
}
