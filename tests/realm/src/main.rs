//! A local sipgate login: one process that speaks Keycloak's dialect at sipgate's paths, with a
//! login page, a small protected API, and faults on demand. Tests and the demo use it instead of
//! the real server.

mod algorithm;
mod alteration;
mod api;
mod authorize;
mod backchannel;
mod bytes;
mod client_auth;
mod control;
mod control_login;
mod endpoints;
mod faults;
mod form;
mod jwt;
mod keys;
mod ledger;
mod login;
mod logout;
mod oauth_error;
mod odd_keys;
mod pages;
mod realm;
mod router;
mod rsa_public;
mod scopes;
mod server;
mod session;
mod settings;
mod signing_key;
mod site;
mod tls;
mod token_endpoint;
mod tokens;
mod wire;

use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal;

use crate::realm::{CLIENTS, USERS};
use crate::site::{App, REALMS};
use crate::tls::Tls;

const HELP: &str = "\
A local sipgate login for tests and demonstrations. Listens on 127.0.0.1 only.

Usage: realm [--port N] [--tls-port N] [--human] [--stay]

  --port N      port for plain HTTP (default: any free one)
  --tls-port N  port for HTTPS (default: any free one)
  --human       print addresses and accounts as text, not JSON; implies --stay
  --stay        keep running when standard input closes

Without --human, it prints one line of JSON on standard output when it is ready.
";

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        Err(problem) => return fail(&problem),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(run(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => fail(&problem),
    }
}

async fn run(options: &Options) -> Result<(), String> {
    let plain = listen(options.port).await?;
    let secure = listen(options.tls_port).await?;
    let wrong_name = listen(0).await?;
    let self_signed = listen(0).await?;
    let addresses =
        Addresses { http: port(&plain)?, https: port(&secure)?, wrong_name: port(&wrong_name)?, self_signed: port(&self_signed)? };

    let app = Arc::new(App::new());
    let tls = Tls::new().map_err(|error| format!("cannot generate certificates: {error}"))?;
    tokio::spawn(server::serve(Arc::clone(&app), plain, None));
    tokio::spawn(server::serve(Arc::clone(&app), secure, Some(Arc::clone(&tls.localhost))));
    tokio::spawn(server::serve(Arc::clone(&app), wrong_name, Some(Arc::clone(&tls.wrong_name))));
    tokio::spawn(server::serve(Arc::clone(&app), self_signed, Some(Arc::clone(&tls.self_signed))));

    say(&if options.human { addresses.in_words() } else { addresses.in_json(&tls) });
    wait_for_the_end(options.stay).await
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}"))
}

fn port(listener: &TcpListener) -> Result<u16, String> {
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

/// Exits when standard input closes, so that no realm outlives the test that started it.
async fn wait_for_the_end(stay: bool) -> Result<(), String> {
    if !stay {
        // A separate thread: a blocking read of standard input would delay the runtime's shutdown.
        std::thread::spawn(|| {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(0);
        });
    }
    told_to_end().await.map_err(|error| error.to_string())
}

#[cfg(unix)]
async fn told_to_end() -> io::Result<()> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = signal::ctrl_c() => interrupted,
    }
}

#[cfg(not(unix))]
async fn told_to_end() -> io::Result<()> {
    signal::ctrl_c().await
}

struct Options {
    port: u16,
    tls_port: u16,
    human: bool,
    stay: bool,
}

impl Options {
    /// `None` if the user asked for help.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self { port: 0, tls_port: 0, human: false, stay: false };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--port" => options.port = number(arguments.next())?,
                "--tls-port" => options.tls_port = number(arguments.next())?,
                "--human" => (options.human, options.stay) = (true, true),
                "--stay" => options.stay = true,
                "--help" | "-h" => return Ok(None),
                unknown => return Err(format!("unknown option {unknown}; see --help")),
            }
        }
        Ok(Some(options))
    }
}

fn number(argument: Option<String>) -> Result<u16, String> {
    argument.and_then(|text| text.parse().ok()).ok_or_else(|| "a port is a number from 0 to 65535".to_owned())
}

struct Addresses {
    http: u16,
    https: u16,
    wrong_name: u16,
    self_signed: u16,
}

impl Addresses {
    fn in_json(&self, tls: &Tls) -> String {
        let clients: Vec<_> = REALMS
            .iter()
            .flat_map(|realm| CLIENTS.iter().map(move |client| (realm, client)))
            .map(|(realm, client)| json!({"realm": realm, "client_id": client.id_in(realm), "secret": client.secret, "consent": client.consent}))
            .collect();
        let ready = json!({
            "http": format!("http://127.0.0.1:{}", self.http),
            "https": format!("https://localhost:{}", self.https),
            "https_wrong_name": format!("https://localhost:{}", self.wrong_name),
            "https_self_signed": format!("https://localhost:{}", self.self_signed),
            "https_without_tls": format!("https://localhost:{}", self.http),
            "self_signed_pem": tls.self_signed_pem,
            "ca_pem": tls.ca_pem,
            "ca_pem_unrelated": tls.unrelated_ca_pem,
            "clients": clients,
            "user": {"username": USERS[0].username, "password": USERS[0].password},
        });
        format!("{ready}\n")
    }

    fn in_words(&self) -> String {
        let mut text = format!(
            "A local sipgate login is ready (a test realm; nothing here is real).\n\n\
             Base URL   http://127.0.0.1:{}/auth   or   https://localhost:{}/auth\n\
             API        http://127.0.0.1:{}/v2/balance\n",
            self.http, self.https, self.http
        );
        for realm in REALMS {
            text += &format!("\nRealm {realm}\n");
            for client in &CLIENTS {
                let secret = client.secret.map_or_else(|| "no secret, PKCE required".to_owned(), |secret| format!("secret {secret}"));
                text += &format!("  client {:34} {secret}\n", client.id_in(realm));
            }
        }
        text += "\nUsers\n";
        for user in &USERS {
            text += &format!("  {} / {}\n", user.username, user.password);
        }
        text + "\nStop with Ctrl-C.\n"
    }
}

fn say(text: &str) {
    let mut out = io::stdout().lock();
    // If standard output is closed, there is nobody to tell.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn fail(problem: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "realm: {problem}");
    ExitCode::FAILURE
}
