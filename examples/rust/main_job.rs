//! The main job: a complete login, an API call, a refresh, and the API call again. The
//! configuration is in the environment; the callback URL is read from standard input.

#![expect(clippy::print_stderr, reason = "a program for the terminal")]

use std::env;
use std::error::Error as StdError;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sipgate_oauth2::{ClientBuilder, Error, TokenSet, VERSION};

fn main() {
    if let Err(error) = run() {
        match error.downcast_ref::<Error>() {
            Some(error) => eprintln!("error: {}: {error} (remedy: {})", error.code(), error.remedy()),
            None => eprintln!("error: {error}"),
        }
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn StdError>> {
    let mut builder = ClientBuilder::keycloak(env::var("DEMO_BASE_URL")?, env::var("DEMO_REALM")?, env::var("SIPGATE_CLIENT_ID")?)
        .client_secret(env::var("SIPGATE_CLIENT_SECRET")?)
        .redirect_uri(env::var("SIPGATE_REDIRECT_URI")?);
    if let Ok(file) = env::var("DEMO_CA_FILE") {
        builder = builder.ca_certificates(std::fs::read(file)?);
    }
    let client = builder.build()?;

    let request = client.authorization_request("balance:read")?;
    say("authorize", request.url())?;
    let mut callback = String::new();
    io::stdin().read_line(&mut callback)?;

    let tokens = client.exchange_callback(&request, callback.trim())?;
    say("callback", "state and issuer match")?;
    let refresh_life = tokens.refresh_expires_at().map_or("an unknown time".to_owned(), |at| format!("{} s", at - now()));
    let scope = tokens.scope().unwrap_or_default();
    say("tokens", &format!("access token for {} s, refresh token for {refresh_life}, scope {scope}", life(&tokens)))?;
    say("api", &balance(&tokens)?)?;

    let lived = life(&tokens);
    while life(&tokens) >= 0 {
        thread::sleep(Duration::from_millis(200));
    }
    say("expired", &format!("the access token expired after {lived} s"))?;

    let tokens = client.refresh(&tokens)?;
    say("refresh", &format!("new access token for {} s", life(&tokens)))?;
    say("api", &balance(&tokens)?)?;
    say("done", &format!("rust {VERSION}"))?;
    Ok(())
}

/// The API call, with the HTTP client of your choice.
fn balance(tokens: &TokenSet) -> Result<String, Box<dyn StdError>> {
    let agent = match env::var("DEMO_CA_FILE") {
        Ok(file) => agent_with(&std::fs::read(file)?)?,
        Err(_) => ureq::agent(),
    };
    let mut response = agent.get(env::var("DEMO_API_URL")?).header("authorization", tokens.authorization_header().reveal()).call()?;
    Ok(response.body_mut().read_to_string()?.trim().to_owned())
}

fn agent_with(pem: &[u8]) -> Result<ureq::Agent, ureq::Error> {
    let tls = ureq::tls::TlsConfig::builder()
        .root_certs(ureq::tls::RootCerts::new_with_certs(&[ureq::tls::Certificate::from_pem(pem)?]))
        .unversioned_rustls_crypto_provider(rustls::crypto::aws_lc_rs::default_provider().into())
        .build();
    Ok(ureq::Agent::config_builder().tls_config(tls).build().into())
}

fn life(tokens: &TokenSet) -> i64 {
    tokens.expires_at().map_or(0, |at| at - now())
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

fn say(step: &str, text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{step}: {text}")?;
    out.flush()
}
