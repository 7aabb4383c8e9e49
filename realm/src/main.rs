//! A local sipgate login: one process that speaks Keycloak's dialect at sipgate's paths, with a
//! login page, a small protected API, and faults on demand. Tests of applications and of the
//! library use it instead of the real server.

mod algorithm;
mod alteration;
mod altered_json;
mod announcement;
mod api;
mod authorization_request;
mod authorize;
mod backchannel;
mod bytes;
mod callback;
mod client_auth;
mod clock;
mod control;
mod control_login;
mod ending;
mod endpoints;
mod faults;
mod fixtures;
mod form;
mod jwt;
mod keys;
mod ledger;
mod login;
mod logout;
mod oauth_error;
mod odd_keys;
mod options;
mod order;
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
mod unsigned;
mod wire;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::announcement::Announcement;
use crate::ending::Parent;
use crate::options::{Asked, HELP, Options};
use crate::site::App;
use crate::tls::Tls;

fn main() -> ExitCode {
    let parent = Parent::now();
    let Ok(arguments) = std::env::args_os().skip(1).map(OsString::into_string).collect::<Result<Vec<_>, _>>() else {
        return fail("an argument is not valid UTF-8");
    };
    let options = match Options::parse(arguments.into_iter()) {
        Ok(Asked::Run(options)) => options,
        Ok(Asked::Login { authorization_url }) => return tell(order::login(&authorization_url)),
        Ok(Asked::Order { name, order }) => return tell(order::order(&name, &order)),
        Ok(Asked::Help) => return say(HELP),
        Ok(Asked::Version) => return say(concat!("sipgate-oauth2-realm ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(problem) => return fail(&problem),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(run(&parent, &options))) {
        Ok(status) => status,
        Err(problem) => fail(&problem),
    }
}

async fn run(parent: &Parent, options: &Options) -> Result<ExitCode, String> {
    let plain = listen(options.port).await?;
    let secure = listen(options.tls_port).await?;
    let wrong_name = listen(0).await?;
    let self_signed = listen(0).await?;
    let tls = Tls::new().map_err(|error| format!("cannot generate certificates: {error}"))?;
    let announcement = Announcement {
        http: port(&plain)?,
        https: port(&secure)?,
        wrong_name: port(&wrong_name)?,
        self_signed: port(&self_signed)?,
        redirect_uri: options.redirect_uris.first().map(String::as_str),
    };

    let app = Arc::new(App::new(options.redirect_uris.clone()));
    tokio::spawn(server::serve(Arc::clone(&app), plain, None));
    tokio::spawn(server::serve(Arc::clone(&app), secure, Some(Arc::clone(&tls.localhost))));
    tokio::spawn(server::serve(Arc::clone(&app), wrong_name, Some(Arc::clone(&tls.wrong_name))));
    tokio::spawn(server::serve(Arc::clone(&app), self_signed, Some(Arc::clone(&tls.self_signed))));

    if !options.command.is_empty() {
        return ending::with_command(parent, &options.command, announcement.environment()).await;
    }
    say(&if options.human { announcement.in_words() } else { announcement.in_json(&tls) });
    ending::when_told(parent, options.stay).await.map_err(|error| error.to_string())?;
    Ok(ExitCode::SUCCESS)
}

async fn listen(port: u16) -> Result<TcpListener, String> {
    TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}; choose another port, or none for any free one"))
}

fn port(listener: &TcpListener) -> Result<u16, String> {
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

fn say(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    // If standard output is closed, there is nobody to tell.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    ExitCode::SUCCESS
}

fn tell(outcome: Result<String, String>) -> ExitCode {
    match outcome {
        Ok(text) => say(&format!("{text}\n")),
        Err(problem) => fail(&problem),
    }
}

fn fail(problem: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "sipgate-oauth2-realm: {problem}");
    ExitCode::FAILURE
}
