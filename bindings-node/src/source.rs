//! Token sources.

#![expect(clippy::needless_pass_by_value, reason = "this is how napi hands arguments over")]

use std::time::Duration;

use napi::Env;
use napi::bindgen_prelude::{External, Object};
use napi_derive::napi;
use sipgate_oauth2::{AccessToken, AuthorizationRequest, Call, Client, Result, Secret, TokenSet, TokenSource, TokenStatus};

use crate::failure::{Failure, IntoJavaScript};
use crate::running::{Revealed, duration, started};

/// The tokens of an account.
#[napi(catch_unwind)]
pub fn token_source(env: Env, client: &External<Client>, account: String) -> napi::Result<External<TokenSource>> {
    client.token_source(account).map(External::new).or_throw(env)
}

/// Exchanges the code of a callback and stores the login.
#[napi(catch_unwind)]
pub fn start_complete_login<'a>(
    env: Env,
    client: &External<Client>,
    pending: &External<AuthorizationRequest>,
    callback: String,
    account: String,
) -> napi::Result<Object<'a>> {
    started(env, client.start_complete_login(pending, Secret::from(callback).reveal(), account).or_throw(env)?, External::new)
}

/// What events call the account.
#[napi(catch_unwind)]
pub fn account_hash(source: &External<TokenSource>) -> String {
    source.account_hash().to_owned()
}

/// How long a caller waits, and for what.
#[napi(object, object_to_js = false)]
pub struct Limits {
    /// Seconds.
    pub timeout: f64,
    /// Seconds that the token must still live.
    pub min_validity: Option<f64>,
}

impl Limits {
    fn call(&self) -> Result<Call> {
        let min_validity = self.min_validity.map_or(Ok(Duration::ZERO), |seconds| duration("min_validity", seconds))?;
        Ok(Call::new().timeout(duration("timeout", self.timeout)?).min_validity(min_validity))
    }
}

/// An access token, renewed if need be.
#[napi(catch_unwind)]
pub fn start_access_token<'a>(env: Env, source: &External<TokenSource>, limits: Limits) -> napi::Result<Object<'a>> {
    started(env, source.start_access_token(&limits.call().or_throw(env)?), Revealed)
}

/// A renewed access token.
#[napi(catch_unwind)]
pub fn start_refresh_now<'a>(env: Env, source: &External<TokenSource>, limits: Limits) -> napi::Result<Object<'a>> {
    started(env, source.start_refresh(&limits.call().or_throw(env)?), Revealed)
}

/// Puts tokens in the place of the login.
#[napi(catch_unwind)]
pub fn start_save<'a>(env: Env, source: &External<TokenSource>, tokens: &External<TokenSet>, limits: Limits) -> napi::Result<Object<'a>> {
    let running = limits.call().and_then(|call| source.start_save(tokens, &call)).or_throw(env)?;
    started(env, running, |()| ())
}

/// Ends the login.
#[napi(catch_unwind)]
pub fn start_logout<'a>(env: Env, source: &External<TokenSource>, limits: Limits) -> napi::Result<Object<'a>> {
    started(env, source.start_logout(&limits.call().or_throw(env)?), |outcome| outcome.as_str())
}

/// How the login stands.
#[napi(catch_unwind)]
pub fn start_status<'a>(env: Env, source: &External<TokenSource>, limits: Limits) -> napi::Result<Object<'a>> {
    started(env, source.start_status(&limits.call().or_throw(env)?), Status::from)
}

/// An API answered 401 to this access token.
#[napi(catch_unwind)]
pub fn invalidate(source: &External<TokenSource>, access_token: String) {
    source.invalidate(&AccessToken::from(access_token));
}

/// Whether nothing is lost if the process ends now.
#[napi(catch_unwind)]
pub fn ensure_saved(env: Env, source: &External<TokenSource>) -> napi::Result<()> {
    source.ensure_saved().or_throw(env)
}

/// How a login stands.
#[napi(object, object_from_js = false)]
pub struct Status {
    /// `absent`, `active`, `refused` or `logged_out`.
    pub state: &'static str,
    /// Counts the account's token sets.
    pub generation: i64,
    /// Seconds since 1970.
    pub expires_at: Option<i64>,
    /// Seconds since 1970.
    pub refresh_expires_at: Option<i64>,
    /// The scope that was granted.
    pub scope: Option<String>,
    /// Why the last refresh failed, or why the login is over.
    pub last_error: Option<Failure>,
    /// Whether new tokens are in memory only.
    pub unsaved: bool,
}

impl From<TokenStatus> for Status {
    fn from(status: TokenStatus) -> Self {
        Self {
            state: status.state.as_str(),
            generation: i64::try_from(status.generation).unwrap_or(i64::MAX),
            expires_at: status.expires_at,
            refresh_expires_at: status.refresh_expires_at,
            scope: status.scope,
            last_error: status.last_error.as_ref().map(Failure::from),
            unsaved: status.unsaved,
        }
    }
}
