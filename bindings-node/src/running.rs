//! Token requests under way: on threads of the core's, never on those of libuv, of which four slow ones would stall every file of the process.

use napi::Env;
use napi::bindgen_prelude::{External, Object};
use napi_derive::napi;
use sipgate_oauth2::{
    AuthorizationCode, AuthorizationRequest, Call, Client, GivenUp, RefreshParameters, Running, RunningHandle, Secret, TokenSet,
};

use crate::failure::IntoJavaScript;

/// Seconds that a call waits unless it says otherwise.
#[napi(catch_unwind)]
pub fn default_timeout() -> f64 {
    Call::DEFAULT_TIMEOUT.as_secs_f64()
}

/// The promise of the outcome, and what ends the wait for it. The promise keeps the event loop alive, as any I/O does.
fn started(env: Env, running: Running<TokenSet>) -> napi::Result<Object<'static>> {
    let (deferred, outcome) = env.create_deferred()?;
    let mut started = Object::new(&env)?;
    started.set("outcome", outcome)?;
    started.set("running", External::new(running.handle()))?;
    running.then(move |outcome| deferred.resolve(move |env| outcome.map(External::new).or_reject(env)));
    Ok(started)
}

/// Exchanges the code of a callback.
#[napi(catch_unwind)]
pub fn start_exchange_callback<'a>(
    env: Env,
    client: &External<Client>,
    pending: &External<AuthorizationRequest>,
    callback: String,
) -> napi::Result<Object<'a>> {
    started(env, client.start_exchange_callback(pending, Secret::from(callback).reveal()).or_throw(env)?)
}

/// What goes with a code.
#[napi(object, object_to_js = false)]
pub struct CodeOptions {
    /// The PKCE verifier.
    pub code_verifier: Option<String>,
    /// The redirect URI of the authorization URL.
    pub redirect_uri: Option<String>,
    /// The scope that was asked for.
    pub scope: Option<String>,
}

/// Exchanges a code.
#[napi(catch_unwind)]
pub fn start_exchange_code<'a>(env: Env, client: &External<Client>, code: String, options: CodeOptions) -> napi::Result<Object<'a>> {
    let mut code = AuthorizationCode::new(code);
    if let Some(verifier) = options.code_verifier {
        code = code.code_verifier(verifier);
    }
    if let Some(redirect_uri) = options.redirect_uri {
        code = code.redirect_uri(redirect_uri);
    }
    if let Some(scope) = options.scope {
        code = code.scope(scope);
    }
    started(env, client.start_exchange_code(code).or_throw(env)?)
}

/// Exchanges a refresh token.
#[napi(catch_unwind)]
pub fn start_refresh<'a>(env: Env, client: &External<Client>, refresh_token: String, scope: Option<String>) -> napi::Result<Object<'a>> {
    refresh(env, client, RefreshParameters::new(refresh_token), scope)
}

/// Exchanges the refresh token of a token set.
#[napi(catch_unwind)]
pub fn start_refresh_of<'a>(
    env: Env,
    client: &External<Client>,
    tokens: &External<TokenSet>,
    scope: Option<String>,
) -> napi::Result<Object<'a>> {
    let tokens: &TokenSet = tokens;
    refresh(env, client, tokens.try_into().or_throw(env)?, scope)
}

fn refresh(env: Env, client: &Client, mut parameters: RefreshParameters, scope: Option<String>) -> napi::Result<Object<'static>> {
    if let Some(scope) = scope {
        parameters = parameters.scope(scope);
    }
    started(env, client.start_refresh(parameters).or_throw(env)?)
}

/// Ends the wait because its caller cancelled.
#[napi(catch_unwind)]
pub fn cancel(running: &External<RunningHandle>) {
    running.give_up(GivenUp::Cancelled);
}

/// Ends the wait because its time ran out.
#[napi(catch_unwind)]
pub fn time_out(running: &External<RunningHandle>) {
    running.give_up(GivenUp::TimedOut);
}
