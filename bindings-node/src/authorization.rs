//! Pending logins.

use napi::bindgen_prelude::External;
use napi::{Env, JsString};
use napi_derive::napi;
use sipgate_oauth2::{AuthorizationParameters, AuthorizationRequest, Client, Result, Secret};

use crate::failure::IntoJavaScript;

/// What can be asked for beside a scope.
#[napi(object, object_to_js = false)]
pub struct AuthorizationOptions {
    /// Another redirect URI than the client's.
    pub redirect_uri: Option<String>,
    /// `query` or `form_post`.
    pub response_mode: Option<String>,
    /// The caller's own `state`.
    pub state: Option<String>,
    /// What the application wants to find again.
    pub return_to: Option<String>,
    /// `login`, `consent`, `none` …
    pub prompt: Option<String>,
    /// What to fill in on the login page.
    pub login_hint: Option<String>,
    /// Languages for the login page.
    pub ui_locales: Option<String>,
    /// Any other parameters.
    pub extra: Option<Vec<(String, String)>>,
}

impl AuthorizationOptions {
    fn apply(self, mut parameters: AuthorizationParameters) -> Result<AuthorizationParameters> {
        if let Some(redirect_uri) = self.redirect_uri {
            parameters = parameters.redirect_uri(redirect_uri);
        }
        if let Some(mode) = self.response_mode {
            parameters = parameters.response_mode(mode.parse()?);
        }
        if let Some(state) = self.state {
            parameters = parameters.state(state);
        }
        if let Some(return_to) = self.return_to {
            parameters = parameters.return_to(return_to);
        }
        if let Some(prompt) = self.prompt {
            parameters = parameters.prompt(prompt);
        }
        if let Some(login_hint) = self.login_hint {
            parameters = parameters.login_hint(login_hint);
        }
        if let Some(ui_locales) = self.ui_locales {
            parameters = parameters.ui_locales(ui_locales);
        }
        Ok(self.extra.into_iter().flatten().fold(parameters, |parameters, (name, value)| parameters.extra(name, value)))
    }
}

/// A new pending login: its URL and its export. It needs no more until its callback comes, and most are given up before: nothing is left for
/// the garbage collector to give back.
#[napi(catch_unwind)]
pub fn authorization_request<'a>(
    env: &'a Env,
    client: &External<Client>,
    scope: String,
    options: Option<AuthorizationOptions>,
) -> napi::Result<(JsString<'a>, JsString<'a>)> {
    let parameters = AuthorizationParameters::new(scope);
    let parameters = match options {
        Some(options) => options.apply(parameters),
        None => Ok(parameters),
    };
    let pending = parameters.and_then(|parameters| client.authorization_request(parameters)).or_throw(*env)?;
    Ok((env.create_string(pending.url())?, env.create_string(pending.export().reveal())?))
}

/// A pending login from its export.
#[napi(catch_unwind)]
pub fn restore_pending(env: Env, exported: String) -> napi::Result<External<AuthorizationRequest>> {
    AuthorizationRequest::restore(Secret::from(exported).reveal()).map(External::new).or_throw(env)
}

/// A pending login that was made here, from its export.
#[napi(catch_unwind)]
pub fn reopen_pending(env: Env, exported: String) -> napi::Result<External<AuthorizationRequest>> {
    AuthorizationRequest::reopen(Secret::from(exported).reveal()).map(External::new).or_throw(env)
}

/// The export of a pending login.
#[napi(catch_unwind)]
pub fn export_pending<'a>(env: &'a Env, pending: &External<AuthorizationRequest>) -> napi::Result<JsString<'a>> {
    env.create_string(pending.export().reveal())
}

/// What a pending login says about itself.
#[napi(object, object_from_js = false)]
pub struct PendingMembers<'a> {
    /// Where to send the person.
    pub url: &'a str,
    /// The `state` in the URL.
    pub state: &'a str,
    /// The `nonce`, which an ID token repeats.
    pub nonce: &'a str,
    /// The redirect URI in the URL.
    pub redirect_uri: &'a str,
    /// The scope that is asked for.
    pub scope: &'a str,
    /// What the application wants to find again.
    pub return_to: Option<&'a str>,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970.
    pub ends_at: i64,
}

/// A pending login's members.
#[napi(catch_unwind)]
pub fn pending_members(pending: &External<AuthorizationRequest>) -> PendingMembers<'_> {
    PendingMembers {
        url: pending.url(),
        state: pending.state(),
        nonce: pending.nonce(),
        redirect_uri: pending.redirect_uri(),
        scope: pending.scope(),
        return_to: pending.return_to(),
        created_at: pending.created_at(),
        ends_at: pending.ends_at(),
    }
}
