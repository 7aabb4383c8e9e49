//! What must hold for any input, as functions that panic where it does not. Each module is a target; each takes a text.
//!
//! The core's pure modules are compiled into this crate as they stand: they are private to the core, and no feature there has to let them out.

#[expect(dead_code, reason = "the core uses all of it; the targets, part of it")]
#[path = "../../core/src/error.rs"]
mod error;
#[expect(dead_code, reason = "the core uses all of it; the targets, part of it")]
#[path = "../../core/src/oauth/mod.rs"]
mod oauth;
#[expect(dead_code, reason = "the core uses all of it; the targets, part of it")]
#[path = "../../core/src/provider.rs"]
mod provider;
#[path = "../../core/src/http/response/mod.rs"]
mod response;
#[path = "../../core/src/secret.rs"]
mod secret;

pub mod authorization_request;
pub mod callback;
pub mod client_authentication;
pub mod error_answer;
pub mod http_response;
pub mod pending_login;
pub mod token_answer;
pub mod token_set;

use error::Error;
use oauth::answer::ResponseContext;
use oauth::authorization::{AuthorizationRequest, RandomValues};
use oauth::authorization_parameters::AuthorizationParameters;
use oauth::client_auth::ClientAuthentication;
use oauth::grant::Grant;
use provider::Endpoints;
use secret::Secret;

const NOW: i64 = 1_700_000_000;
const REDIRECT_URI: &str = "https://app.example/cb";

/// Texts that stand for secrets. Their spaces and signs are what a cleaning of texts may trip over.
const CODE: &str = "canary code";
const CODE_VERIFIER: &str = "canary-verifier.canary-verifier.canary-verifier";
const REFRESH_TOKEN: &str = "canary refresh token";
const ID_TOKEN: &str = "canary.id.token";
const CLIENT_SECRET: &str = "canary: secret + %";

fn pending(iss_required: bool, parameters: AuthorizationParameters) -> error::Result<AuthorizationRequest> {
    let endpoints = Endpoints {
        issuer: "https://login.example/realms/r".into(),
        iss_required,
        authorization: "https://login.example/realms/r/auth".into(),
        token: "https://login.example/realms/r/token".into(),
        revocation: None,
        is_keycloak: true,
    };
    let drawn = RandomValues { state: "the-state".into(), nonce: "the-nonce".into(), code_verifier: CODE_VERIFIER.into() };
    AuthorizationRequest::new(&endpoints, "1-0-a:r", Some(REDIRECT_URI), parameters, drawn, NOW)
}

fn asked<'a>(grant: &'a Grant, secrets: &'a [Secret]) -> ResponseContext<'a> {
    let authentication = ClientAuthentication::ClientSecretPost;
    ResponseContext { grant, endpoint: "https://login.example/token", authentication, is_keycloak: true, secrets }
}

/// What holds for every error: one short line, none of these texts in it, and none of them in what a debugger or a log would print.
fn assert_fit_to_show(error: &Error, secrets: &[&str]) {
    let message = error.to_string();
    assert!(!message.is_empty() && message.len() < 6000, "{} bytes", message.len());
    assert!(!message.contains(char::is_control), "{message:?}");
    // The server's words count by themselves: what they are together with our signs around them, the server did not tell.
    let ours = message.split(" (the server says ").next().unwrap_or_default();
    let parts = [error.oauth_error(), error.oauth_error_description(), error.oauth_error_uri()];
    for text in parts.into_iter().flatten().chain([ours]) {
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text:?} shows a secret");
    }
    let debug = format!("{error:?}").replace(&format!("{message:?}"), "");
    assert!(!secrets.iter().any(|secret| debug.contains(secret)), "{debug} shows a secret");
}
