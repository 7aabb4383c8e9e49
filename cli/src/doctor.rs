//! Finds what is wrong, and says what to do. A check that cannot look says so: it is never `ok`.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use sipgate_oauth2::binding::{Probe, from_env_to_read, has_secret, is_missing, place, probe, store};
use sipgate_oauth2::{Client, Discovery, Error, ErrorCode, Event, Family, LoginState, VERSION};

use crate::account::check_store;
use crate::copies::{self, Installed};
use crate::failure::{DONE, FIX_CONFIGURATION, exit_code, message};
use crate::output::Output;

/// How far a clock may be off: as far as ID tokens allow by default.
const LEEWAY_SECONDS: i64 = 60;

/// A refresh token that no server has ever issued. A server looks at the client before it looks at
/// the token.
const NO_REFRESH_TOKEN: &str = "sipgate-oauth2-doctor";

/// What a check has found.
enum Finding {
    Ok(String),
    Problem { message: String, exit_code: u8 },
    Skipped(String),
}

use Finding::{Ok as Fine, Skipped};

/// Runs all checks, and returns one exit code for what they found.
pub(crate) fn run(output: &Output) -> u8 {
    let checks = checks();
    let width = checks.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let (mut lines, mut members, mut codes) = (Vec::new(), Vec::new(), vec![DONE]);
    for (name, finding) in &checks {
        let (result, message) = match finding {
            Fine(message) => ("ok", message),
            Skipped(message) => ("skipped", message),
            Finding::Problem { message, exit_code } => {
                codes.push(*exit_code);
                ("problem", message)
            }
        };
        lines.push(format!("{name:<width$}  {result:<7}  {message}"));
        members.push(json!({"check": name, "result": result, "message": message}));
    }
    output.result(&lines.join("\n"), &json!({"checks": Value::from(members)}));
    // A wrong setting comes first: it may be why all else fails.
    codes.into_iter().max_by_key(|code| (*code == FIX_CONFIGURATION, *code)).unwrap_or(DONE)
}

type Check = (&'static str, Finding);

fn checks() -> Vec<Check> {
    let mut checks = of_client();
    checks.push(("versions", versions(&copies::in_use())));
    checks
}

fn of_client() -> Vec<Check> {
    let mismatch = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&mismatch);
    let built = from_env_to_read().and_then(|builder| {
        let hear = move |event: &Event| {
            if let Event::RealmMismatch { named, used } = event {
                *heard.lock().unwrap_or_else(PoisonError::into_inner) = Some((named.clone(), used.clone()));
            }
        };
        builder.on_event(hear).build()
    });
    let client = match built {
        Ok(client) => client,
        Err(error) => return without_client(&error),
    };
    let mismatch = mismatch.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut checks = vec![("variables", Fine(format!("client {} at {}", client.client_id(), client.issuer()))), ("realm", realm(mismatch))];
    checks.extend(server(&client));
    let store = the_store(&client);
    let logins = match store {
        Fine(_) => logins(&client),
        Skipped(_) => Skipped("there is no store yet".to_owned()),
        Finding::Problem { .. } => Skipped("first correct what is wrong with the store".to_owned()),
    };
    checks.extend([("store", store), ("logins", logins)]);
    checks
}

/// A variable is wrong, or the store cannot be opened, which is the last thing that is tried.
fn without_client(error: &Error) -> Vec<Check> {
    let culprit = if error.family() == Family::Store { "store" } else { "variables" };
    let finding = |name| match name {
        _ if name == culprit => Finding::of(error),
        "variables" => Fine("they can be read".to_owned()),
        _ => Skipped(format!("first correct what is wrong with the {culprit}")),
    };
    ["variables", "realm", "connection", "clock", "metadata", "redirect URI", "client", "store", "logins"]
        .map(|name| (name, finding(name)))
        .into()
}

impl Finding {
    fn of(error: &Error) -> Self {
        Self::Problem { message: message(error), exit_code: exit_code(error) }
    }

    fn to_correct(message: String) -> Self {
        Self::Problem { message, exit_code: FIX_CONFIGURATION }
    }
}

fn realm(mismatch: Option<(String, String)>) -> Finding {
    match mismatch {
        Some((named, used)) => Finding::to_correct(format!(
            "SIPGATE_REALM is {used}, and the client id is of the realm {named}; unset SIPGATE_REALM, or use a client of {used}"
        )),
        None if has_issuer() => Skipped("SIPGATE_ISSUER names it; only the client ids of sipgate end with their realm".to_owned()),
        None => Fine("that of the client id, or sipgate's usual one".to_owned()),
    }
}

/// Whether the address of the server is a setting.
fn has_issuer() -> bool {
    std::env::var_os("SIPGATE_ISSUER").is_some_and(|issuer| !issuer.is_empty())
}

/// What depends on the server. If it cannot be reached, nothing else is known of it.
fn server(client: &Client) -> Vec<Check> {
    let page = format!("{}/.well-known/openid-configuration", client.issuer());
    let probe = match probe(client, &page) {
        Ok(probe) => probe,
        Err(error) => {
            let skipped =
                ["clock", "metadata", "redirect URI", "client"].map(|name| (name, Skipped("the server was not reached".to_owned())));
            return [("connection", not_reached(client, &error))].into_iter().chain(skipped).collect();
        }
    };
    let metadata = metadata(client);
    let (redirect_uri, credentials) = match metadata {
        // Another server's responses say nothing of the client.
        Finding::Problem { .. } => {
            let skipped = || Skipped("first correct what is wrong with the metadata".to_owned());
            (skipped(), skipped())
        }
        _ => (redirect_uri(client), credentials(client)),
    };
    vec![
        ("connection", Fine(connected(&page, &probe))),
        ("clock", clock(probe.clock_ahead)),
        ("metadata", metadata),
        ("redirect URI", redirect_uri),
        ("client", credentials),
    ]
}

/// An address that is not reached may be a mistake, so it is named with where it is from.
fn not_reached(client: &Client, error: &Error) -> Finding {
    let issuer = client.issuer();
    let message = match error.family() {
        Family::Temporary if has_issuer() => format!("{error}; SIPGATE_ISSUER is {issuer}: check it, and whether that server runs"),
        Family::Temporary => format!("{error}; the address is that of sipgate, {issuer}"),
        _ => error.to_string(),
    };
    Finding::Problem { message, exit_code: exit_code(error) }
}

fn connected(page: &str, probe: &Probe) -> String {
    let certificate = if page.starts_with("https:") { ", its certificate is trusted" } else { ", without TLS, on this machine" };
    match &probe.proxy {
        Some(proxy) => format!("the server responds through the proxy {proxy}{certificate}"),
        None => format!("the server responds, without a proxy{certificate}"),
    }
}

fn clock(ahead: Option<i64>) -> Finding {
    match ahead {
        Some(ahead) if ahead.abs() > LEEWAY_SECONDS => {
            let direction = if ahead > 0 { "behind" } else { "ahead of" };
            Finding::to_correct(format!("the clock of this machine is {} s {direction} the server; synchronize it with NTP", ahead.abs()))
        }
        Some(_) => Fine(format!("it agrees with the server to within {LEEWAY_SECONDS} s")),
        None => Skipped("the server does not say its time".to_owned()),
    }
}

/// What the server says of itself, beside what the client knows of it.
fn metadata(client: &Client) -> Finding {
    let said = match Discovery::new(client.issuer()).discover() {
        Ok(said) => said,
        Err(error) if has_issuer() && error.family() != Family::Temporary => {
            let message = format!(
                "{error}; SIPGATE_ISSUER must be that of a Keycloak; make the client of another server from its metadata \
                 (docs/signing-in.md, \"Any other server\")"
            );
            return Finding::Problem { message, exit_code: exit_code(&error) };
        }
        Err(error) => return Finding::of(&error),
    };
    let known = client.metadata();
    let endpoints = [
        ("authorization_endpoint", &said.authorization_endpoint, &known.authorization_endpoint),
        ("token_endpoint", &said.token_endpoint, &known.token_endpoint),
    ];
    match endpoints.iter().find(|(_, said, known)| said != known) {
        None => Fine("issuer and endpoints are those that the server names".to_owned()),
        Some((name, said, known)) => Finding::to_correct(format!(
            "the server says that its {name} is {}, and the client uses {}; correct SIPGATE_ISSUER, or the server's host name",
            said.as_deref().unwrap_or("none"),
            known.as_deref().unwrap_or("none")
        )),
    }
}

/// A server redirects nobody to an address that is not registered (RFC 6749, section 4.1.2.1).
fn redirect_uri(client: &Client) -> Finding {
    let Some(redirect_uri) = client.redirect_uri() else {
        return Skipped("SIPGATE_REDIRECT_URI is not set".to_owned());
    };
    let asked = client.authorization_request("openid").and_then(|request| probe(client, request.url()));
    match asked {
        Err(error) => Finding::of(&error),
        Ok(probe) if probe.status < 400 => Fine(format!("the server accepts {redirect_uri}")),
        Ok(probe) if probe.status < 500 => Finding::to_correct(format!(
            "the server refuses a login with {redirect_uri} (status {}); register it for this client, byte for byte, and check the client id",
            probe.status
        )),
        Ok(probe) => Finding::of(&Error::new(
            ErrorCode::ServerUnavailable,
            format!("the server failed at its authorization endpoint (status {}); try again later", probe.status),
        )),
    }
}

/// Whether the server accepts id and secret.
fn credentials(client: &Client) -> Finding {
    match client.refresh(NO_REFRESH_TOKEN) {
        Err(error) if error.code() == ErrorCode::LoginRequired => Fine(if has_secret(client) {
            "the server accepts a request with the client id and the secret".to_owned()
        } else {
            "the server accepts a request with the client id; no secret is set, and none was sent".to_owned()
        }),
        Err(error) => Finding::of(&error),
        Ok(_) => Skipped("the server accepts any refresh token, so it says nothing of the client".to_owned()),
    }
}

fn the_store(client: &Client) -> Finding {
    if let Err(error) = check_store(client) {
        return Finding::of(&error);
    }
    let Some(store) = store(client) else { return Skipped("there is none".to_owned()) };
    match store.check() {
        Err(error) => Finding::of(&error),
        Ok(problems) if problems.is_empty() && is_missing(store) => {
            Skipped(format!("there is no store at {} yet; login creates it, and may write there", place(store)))
        }
        Ok(problems) if problems.is_empty() => Fine("it can be read and written, and keeps what is written".to_owned()),
        Ok(problems) => Finding::to_correct(problems.join("; ")),
    }
}

/// Whether this version, with these keys, can read what others have stored.
fn logins(client: &Client) -> Finding {
    let (mut readable, mut unreadable) = (0, Vec::new());
    for stored in client.accounts() {
        match stored {
            Ok(stored) if stored.state() == LoginState::Unreadable => unreadable.extend(stored.last_error().cloned()),
            Ok(_) => readable += 1,
            Err(error) => return Finding::of(&error),
        }
    }
    match unreadable.first() {
        None => Fine(format!("{readable} in the store, and all can be read")),
        Some(error) => Finding::Problem {
            message: format!("{} cannot be read, and {readable} can: {error}", unreadable.len()),
            exit_code: exit_code(error),
        },
    }
}

/// Whether the programs here use this version. What another one does, only its own doctor sees.
fn versions(copies: &[Installed]) -> Finding {
    if copies.is_empty() {
        return Skipped(format!("this is {VERSION}; no package is in an active virtual environment or in node_modules here"));
    }
    match copies.iter().find(|copy| copy.version != VERSION) {
        None => Fine(format!(
            "{VERSION}, as in {}",
            copies.iter().map(|copy| copy.place.display().to_string()).collect::<Vec<_>>().join(" and ")
        )),
        Some(other) => Finding::to_correct(format!(
            "this is {VERSION}, and {} has {}; install the same version, or run the doctor of that one",
            other.place.display(),
            other.version
        )),
    }
}
