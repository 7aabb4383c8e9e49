//! Authorization requests.

use napi::Env;
use napi::bindgen_prelude::{Either, External, Uint8Array};
use napi_derive::napi;
use sipgate_oauth2::{AuthorizationParameters, AuthorizationRequest, Client, Result, Secret};

use crate::error::IntoJavaScript;
use crate::store_options::keys;
use crate::text::Text;

/// What can be requested beside a scope.
#[napi(object, object_to_js = false)]
pub struct AuthorizationOptions {
    /// A redirect URI in place of the client's own.
    pub redirect_uri: Option<String>,
    /// `query` or `form_post`.
    pub response_mode: Option<String>,
    /// The caller's own `state`.
    pub state: Option<String>,
    /// A value that the application gets back.
    pub return_to: Option<String>,
    /// `login`, `consent`, `none` …
    pub prompt: Option<String>,
    /// What the login page fills in.
    pub login_hint: Option<String>,
    /// Languages for the login page.
    pub ui_locales: Option<String>,
    /// Seconds since the user's login.
    pub max_age: Option<i64>,
    /// How the user is to log in.
    pub acr_values: Option<String>,
    /// Single claims, as JSON text.
    pub claims: Option<String>,
    /// An ID token of the user.
    pub id_token_hint: Option<String>,
    /// Any other parameters.
    pub extra: Option<Vec<(String, String)>>,
}

impl AuthorizationOptions {
    pub(crate) fn apply(self, mut parameters: AuthorizationParameters) -> Result<AuthorizationParameters> {
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
        if let Some(max_age) = self.max_age {
            parameters = parameters.max_age(max_age);
        }
        if let Some(acr_values) = self.acr_values {
            parameters = parameters.acr_values(acr_values);
        }
        if let Some(claims) = self.claims {
            parameters = parameters.claims(claims);
        }
        if let Some(id_token) = self.id_token_hint {
            parameters = parameters.id_token_hint(id_token);
        }
        Ok(self.extra.into_iter().flatten().fold(parameters, |parameters, (name, value)| parameters.extra(name, value)))
    }
}

/// A new authorization request: its URL and its export. Most callers need no more, and most
/// requests are never completed, so nothing is left for the garbage collector to free.
#[napi(catch_unwind)]
pub fn authorization_request(
    env: Env,
    client: &External<Client>,
    scope: String,
    options: Option<AuthorizationOptions>,
) -> napi::Result<(Text<Secret>, Text<Secret>)> {
    let parameters = AuthorizationParameters::new(scope);
    let parameters = match options {
        Some(options) => options.apply(parameters),
        None => Ok(parameters),
    };
    let request = parameters.and_then(|parameters| client.authorization_request(parameters)).or_throw(env)?;
    Ok((Text(request.url().into()), Text(request.export())))
}

/// An authorization request from its export.
#[napi(catch_unwind)]
pub fn restore_request(env: Env, exported: String) -> napi::Result<External<AuthorizationRequest>> {
    AuthorizationRequest::restore(Secret::from(exported).reveal()).map(External::new).or_throw(env)
}

/// An authorization request that this process made, from its export.
#[napi(catch_unwind)]
pub fn reopen_request(env: Env, exported: String) -> napi::Result<External<AuthorizationRequest>> {
    AuthorizationRequest::reopen(Secret::from(exported).reveal()).map(External::new).or_throw(env)
}

/// The export of an authorization request.
#[napi(catch_unwind)]
pub fn export_request(request: &External<AuthorizationRequest>) -> Text<Secret> {
    Text(request.export())
}

/// An authorization request as encrypted text.
#[napi(catch_unwind)]
pub fn seal_request(
    env: Env,
    request: &External<AuthorizationRequest>,
    encryption_keys: Vec<Either<Uint8Array, String>>,
) -> napi::Result<Text<Secret>> {
    keys(encryption_keys).and_then(|keys| request.seal(&keys)).map(Text).or_throw(env)
}

/// An authorization request from encrypted text.
#[napi(catch_unwind)]
pub fn unseal_request(
    env: Env,
    sealed: String,
    encryption_keys: Vec<Either<Uint8Array, String>>,
) -> napi::Result<External<AuthorizationRequest>> {
    let request = keys(encryption_keys).and_then(|keys| AuthorizationRequest::unseal(Secret::from(sealed).reveal(), &keys));
    request.map(External::new).or_throw(env)
}

/// An authorization request's members.
#[napi(object, object_from_js = false)]
pub struct RequestMembers<'a> {
    /// Where to send the user.
    pub url: &'a str,
    /// The `state` in the URL.
    pub state: &'a str,
    /// The `nonce`, which an ID token repeats.
    pub nonce: &'a str,
    /// The redirect URI in the URL.
    pub redirect_uri: &'a str,
    /// The requested scope.
    pub scope: &'a str,
    /// A value that the application gets back.
    pub return_to: Option<&'a str>,
    /// Seconds since 1970.
    pub created_at: i64,
    /// Seconds since 1970.
    pub expires_at: i64,
}

/// An authorization request's members.
#[napi(catch_unwind)]
pub fn request_members(request: &External<AuthorizationRequest>) -> RequestMembers<'_> {
    RequestMembers {
        url: request.url(),
        state: request.state(),
        nonce: request.nonce(),
        redirect_uri: request.redirect_uri(),
        scope: request.scope(),
        return_to: request.return_to(),
        created_at: request.created_at(),
        expires_at: request.expires_at(),
    }
}
