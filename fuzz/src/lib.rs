//! What must hold for any input, as functions that panic if it does not. Each module is a target: a
//! function that takes a text or bytes.

pub mod authorization_request;
pub mod authorization_request_restore;
pub mod callback;
pub mod client_authentication;
pub mod error_response;
pub mod http_response;
pub mod id_token;
pub mod jwks;
pub mod jws;
pub mod logout_token;
pub mod metadata;
pub mod postgres;
pub mod redis_replies;
pub mod token_response;
pub mod token_set;
pub mod userinfo;
pub mod www_authenticate;

mod signed;

use sipgate_oauth2_protocol::error::{Error, Result};
use sipgate_oauth2_protocol::http::{Body, Headers, Response};
use sipgate_oauth2_protocol::oauth::authorization_parameters::AuthorizationParameters;
use sipgate_oauth2_protocol::oauth::authorization_request::{AuthorizationRequest, RandomValues, build};
use sipgate_oauth2_protocol::oauth::client_auth::Credentials;
use sipgate_oauth2_protocol::oauth::endpoint_response::ResponseContext;
use sipgate_oauth2_protocol::oauth::grants::TokenRequest;
use sipgate_oauth2_protocol::oauth::metadata::ServerMetadata;
use sipgate_oauth2_protocol::oauth::token_response::{TokenResponse, process};

const NOW: i64 = 1_700_000_000;
const ISSUER: &str = "https://login.example/realms/r";
const STATE: &str = "the-state";
const REDIRECT_URI: &str = "https://app.example/cb";

/// Stand-ins for secrets. Their spaces and signs test how texts are cleaned.
const CODE: &str = "canary code";
const CODE_VERIFIER: &str = "canary-verifier.canary-verifier.canary-verifier";
const ACCESS_TOKEN: &str = "canary-access-token";
const REFRESH_TOKEN: &str = "canary refresh token";
const ID_TOKEN: &str = "canary.id.token";
const CLIENT_SECRET: &str = "canary: secret + %";

fn authorization_request(iss_required: bool, parameters: AuthorizationParameters) -> Result<AuthorizationRequest> {
    let mut metadata = ServerMetadata::new(ISSUER);
    metadata.authorization_endpoint = Some(format!("{ISSUER}/auth"));
    metadata.token_endpoint = Some(format!("{ISSUER}/token"));
    metadata.authorization_response_iss_parameter_supported = iss_required;
    let random = RandomValues { state: STATE.into(), nonce: "the-nonce".into(), code_verifier: CODE_VERIFIER.into() };
    build(&metadata, "1-0-a:r", Some(REDIRECT_URI), parameters, random, NOW)
}

/// Judges a response to this request, at a Keycloak and with a secret in the form.
fn judge(request: &TokenRequest, status: u16, headers: Headers, body: Body) -> Result<TokenResponse> {
    let credentials = Credentials::new("id".into(), Some(CLIENT_SECRET.into()), None)?;
    let url = "https://login.example/token";
    let context = ResponseContext::new(request.request(), url, &credentials, true, NOW);
    process(&context, &Response { status, headers, body })
}

/// What holds for every error: it is one short line, and none of these texts is in it, nor in what
/// a debugger or a log would print.
fn assert_fit_to_show(error: &Error, secrets: &[&str]) {
    let message = error.to_string();
    assert!(!message.is_empty() && message.len() < 6000, "{} bytes", message.len());
    assert!(!message.contains(char::is_control), "{message:?}");
    // The server's texts are checked one by one: punctuation that the library adds around them is
    // not from the server.
    let ours = message.split(" (the server says ").next().unwrap_or_default();
    let parts = [error.oauth_error(), error.oauth_error_description(), error.oauth_error_uri()];
    for text in parts.into_iter().flatten().chain([ours]) {
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text:?} shows a secret");
    }
    let debug = format!("{error:?}").replace(&format!("{message:?}"), "");
    assert!(!secrets.iter().any(|secret| debug.contains(secret)), "{debug} shows a secret");
}
