//! Token sources.

use napi::Env;
use napi::bindgen_prelude::External;
use napi_derive::napi;
use sipgate_oauth2::{AccessToken, Client, TokenSet, TokenSource, TokenStatus};

use crate::error::{ErrorFields, IntoJavaScript};
use crate::task::{Started, call_options, duration, started};
use crate::text::Text;

/// The tokens of an account.
#[napi(catch_unwind)]
pub fn token_source(env: Env, client: &External<Client>, account: String) -> napi::Result<External<TokenSource>> {
    client.token_source(account).map(External::new).or_throw(env)
}

/// The account.
#[napi(catch_unwind)]
pub fn account(source: &External<TokenSource>) -> &str {
    source.account()
}

/// What events call the account.
#[napi(catch_unwind)]
pub fn account_hash(source: &External<TokenSource>) -> String {
    source.account_hash().to_owned()
}

/// An access token, refreshed if need be.
#[napi(catch_unwind)]
pub fn start_access_token(env: Env, source: &External<TokenSource>, min_validity: f64, timeout: Option<f64>) -> Started {
    let min_validity = duration("min_validity", min_validity).or_throw(env)?;
    started(env, source.start_access_token(min_validity, &call_options(timeout)), Text)
}

/// A refreshed access token.
#[napi(catch_unwind)]
pub fn start_forced_refresh(env: Env, source: &External<TokenSource>, timeout: Option<f64>) -> Started {
    started(env, source.start_refresh(&call_options(timeout)), Text)
}

/// Replaces the login with these tokens.
#[napi(catch_unwind)]
pub fn start_save(env: Env, source: &External<TokenSource>, tokens: &External<TokenSet>, timeout: Option<f64>) -> Started {
    started(env, source.start_save(tokens, &call_options(timeout)), |()| ())
}

/// Ends the login.
#[napi(catch_unwind)]
pub fn start_logout(env: Env, source: &External<TokenSource>, timeout: Option<f64>) -> Started {
    started(env, source.start_logout(&call_options(timeout)), |outcome| outcome.as_str())
}

/// Ends the login, and forgets the user.
#[napi(catch_unwind)]
pub fn start_forget(env: Env, source: &External<TokenSource>, timeout: Option<f64>) -> Started {
    started(env, source.start_forget(&call_options(timeout)), |outcome| outcome.as_str())
}

/// The state of the login.
#[napi(catch_unwind)]
pub fn start_status(env: Env, source: &External<TokenSource>, timeout: Option<f64>) -> Started {
    started(env, source.start_status(&call_options(timeout)), Status::from)
}

/// What the login's ID token says about the user, as JSON text.
#[napi(catch_unwind)]
pub fn start_claims(env: Env, source: &External<TokenSource>, timeout: Option<f64>) -> Started {
    started(env, source.start_claims(&call_options(timeout)), |claims| claims.to_json())
}

/// What the server knows about the user, as JSON text.
#[napi(catch_unwind)]
pub fn start_userinfo(env: Env, source: &External<TokenSource>, timeout: Option<f64>) -> Started {
    started(env, source.start_userinfo(&call_options(timeout)), |claims| claims.to_json())
}

/// An API responded with 401 to this access token.
#[napi(catch_unwind)]
pub fn invalidate(source: &External<TokenSource>, access_token: String) {
    source.invalidate(&AccessToken::from(access_token));
}

/// Throws if something would be lost if the process exited now.
#[napi(catch_unwind)]
pub fn ensure_saved(env: Env, source: &External<TokenSource>) -> napi::Result<()> {
    source.ensure_saved().or_throw(env)
}

/// The state of a login.
#[napi(object, object_from_js = false)]
pub struct Status {
    /// `absent`, `active`, `rejected` or `logged_out`.
    pub state: &'static str,
    /// Counts the account's token sets.
    pub generation: i64,
    /// Seconds since 1970.
    pub expires_at: Option<i64>,
    /// Seconds since 1970.
    pub refresh_expires_at: Option<i64>,
    /// The scope that was granted.
    pub scope: Option<String>,
    /// Why the last refresh failed, or why the login has ended.
    pub last_error: Option<ErrorFields>,
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
            last_error: status.last_error.as_ref().map(ErrorFields::from),
            unsaved: status.unsaved,
        }
    }
}
