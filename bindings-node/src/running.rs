//! Token requests under way: on threads of the core's, never on those of libuv, of which four slow ones would stall every file of the process.

use std::time::Duration;

use napi::bindgen_prelude::{External, Object, ToNapiValue};
use napi::{Env, sys};
use napi_derive::napi;
use sipgate_oauth2::{
    AccessToken, AuthorizationCode, AuthorizationRequest, Call, Client, Error, GivenUp, RefreshParameters, Result, Running, RunningHandle,
    Secret, TokenSet,
};

use crate::failure::IntoJavaScript;

/// Seconds that a call waits unless it says otherwise.
#[napi(catch_unwind)]
pub fn default_timeout() -> f64 {
    Call::DEFAULT_TIMEOUT.as_secs_f64()
}

/// The promise of the outcome, and what ends the wait for it. The promise keeps the event loop alive, as any I/O does. An outcome that is there
/// already is given at once, or thrown.
pub(crate) fn started<T: Send + 'static, Shown: ToNapiValue + 'static>(
    env: Env,
    running: Running<T>,
    show: fn(T) -> Shown,
) -> napi::Result<Object<'static>> {
    let mut started = Object::new(&env)?;
    if let Some(outcome) = running.wait_for(Duration::ZERO) {
        started.set("value", show(outcome.or_throw(env)?))?;
        return Ok(started);
    }
    let (deferred, outcome) = env.create_deferred()?;
    started.set("outcome", outcome)?;
    started.set("running", External::new(running.handle()))?;
    running.then(move |outcome| deferred.resolve(move |env| outcome.map(show).or_reject(env)));
    Ok(started)
}

/// A token for JavaScript, copied where it will be wiped to where it will not, and nowhere else.
pub(crate) struct Revealed(pub(crate) AccessToken);

impl ToNapiValue for Revealed {
    unsafe fn to_napi_value(env: sys::napi_env, token: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller's promise, that `env` is the current environment, is what this needs.
        unsafe { <&str>::to_napi_value(env, token.0.reveal()) }
    }
}

/// A time that JavaScript gave in seconds, 0 or more.
pub(crate) fn duration(field: &str, seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| Error::invalid_argument(field, "is longer than any time; pass a number of seconds"))
}

/// Exchanges the code of a callback.
#[napi(catch_unwind)]
pub fn start_exchange_callback<'a>(
    env: Env,
    client: &External<Client>,
    pending: &External<AuthorizationRequest>,
    callback: String,
) -> napi::Result<Object<'a>> {
    started(env, client.start_exchange_callback(pending, Secret::from(callback).reveal()).or_throw(env)?, External::new)
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
    started(env, client.start_exchange_code(code).or_throw(env)?, External::new)
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
    started(env, client.start_refresh(parameters).or_throw(env)?, External::new)
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
