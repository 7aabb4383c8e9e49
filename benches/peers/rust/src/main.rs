//! Measures one operation of one library, used as in its documentation:
//!
//!     bench-peers sipgate-oauth2|oauth2|nothing url|response|token|refresh CALLS CALLERS
//!
//! Prints the CPU seconds of one call. `run.py` sets the environment.

use std::env;
use std::error::Error;
use std::sync::Arc;
use std::thread;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, RedirectUrl, RefreshToken, Scope,
    TokenResponse, TokenUrl, ureq,
};
use sipgate_oauth2::{ClientBuilder, TokenSet};

const SCOPE: &str = "balance:read";

/// An operation, and whether its result is what it should be.
type Operation = Box<dyn Fn() -> bool + Send + Sync>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [library, name, calls, callers] = arguments.as_slice() else { return Err("four arguments".into()) };
    let (calls, callers): (usize, usize) = (calls.parse()?, callers.parse()?);
    let operation: Operation = match library.as_str() {
        "sipgate-oauth2" => sipgate_oauth2(name)?,
        "nothing" => Box::new(|| true),
        _ => oauth2(name)?,
    };
    let started = cpu_seconds()?;
    thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| (0..calls / callers).for_each(|_| assert!(operation(), "an empty result")));
        }
    });
    println!("{}", (cpu_seconds()? - started) / calls as f64);
    Ok(())
}

fn sipgate_oauth2(name: &str) -> Result<Operation, Box<dyn Error>> {
    let client = ClientBuilder::from_env()?.build()?;
    let response = env::var("RESPONSE")?;
    let refresh_token = env::var("REFRESH_TOKEN")?;
    Ok(match name {
        "url" => Box::new(move || client.authorization_request(SCOPE).is_ok_and(|made| !made.url().is_empty())),
        "response" => Box::new(move || {
            TokenSet::restore(&response).is_ok_and(|tokens| !tokens.access_token().reveal().is_empty())
        }),
        "token" => {
            let source = client.token_source("user-42")?;
            source.save(&TokenSet::restore(&response)?)?;
            Box::new(move || source.access_token().is_ok_and(|token| !token.reveal().is_empty()))
        }
        _ => Box::new(move || client.refresh(refresh_token.as_str()).is_ok()),
    })
}

fn oauth2(name: &str) -> Result<Operation, Box<dyn Error>> {
    let server = env::var("SIPGATE_ISSUER")? + "/protocol/openid-connect";
    let client = BasicClient::new(ClientId::new(env::var("SIPGATE_CLIENT_ID")?))
        .set_client_secret(ClientSecret::new(env::var("SIPGATE_CLIENT_SECRET")?))
        .set_auth_uri(AuthUrl::new(format!("{server}/auth"))?)
        .set_token_uri(TokenUrl::new(format!("{server}/token"))?)
        .set_redirect_uri(RedirectUrl::new(env::var("SIPGATE_REDIRECT_URI")?)?)
        .set_auth_type(AuthType::RequestBody);
    let response = env::var("RESPONSE")?;
    let refresh_token = RefreshToken::new(env::var("REFRESH_TOKEN")?);
    Ok(match name {
        "url" => Box::new(move || {
            let (challenge, _) = PkceCodeChallenge::new_random_sha256();
            let asked = client.authorize_url(CsrfToken::new_random).add_scope(Scope::new(SCOPE.into()));
            !asked.set_pkce_challenge(challenge).url().0.as_str().is_empty()
        }),
        "response" => Box::new(move || {
            let read: Result<BasicTokenResponse, _> = serde_json::from_str(&response);
            read.is_ok_and(|tokens| !tokens.access_token().secret().is_empty())
        }),
        "token" => return Err("oauth2 keeps no token".into()),
        _ => {
            // A connection for each request, as there is one user for each.
            let http = ureq::builder().tls_config(tls()?).max_idle_connections(0).redirects(0).build();
            Box::new(move || client.exchange_refresh_token(&refresh_token).request(&http).is_ok())
        }
    })
}

fn tls() -> Result<Arc<rustls::ClientConfig>, Box<dyn Error>> {
    let mut trusted = rustls::RootCertStore::empty();
    trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(trusted).with_no_client_auth()))
}

fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let used = getrusage(UsageWho::RUSAGE_SELF)?;
    Ok((used.user_time().num_microseconds() + used.system_time().num_microseconds()) as f64 / 1e6)
}
