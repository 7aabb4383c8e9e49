//! What an authorization request asks for beside the scope.

use std::ffi::c_char;

use sipgate_oauth2::{AuthorizationParameters, ResponseMode};

use crate::arguments::text;
use crate::boundary::{set, settings};
use crate::error::sipgate_oauth2_error;
use crate::handle::{IntoHandle, boxed, free};
use crate::status::sipgate_oauth2_status;

/// What an authorization request asks for beside the scope, for
/// sipgate_oauth2_client_authorization_request; all of it is optional. They may be used any number
/// of times. A setter that fails changes nothing. Most values are checked when the parameters are
/// used.
#[derive(Default)]
pub struct sipgate_oauth2_authorization_parameters(Values);

#[derive(Clone, Default)]
pub(crate) struct Values {
    response_mode: Option<ResponseMode>,
    max_age: Option<i64>,
    texts: Vec<(Setter, String)>,
    extra: Vec<(String, String)>,
}

type Setter = fn(AuthorizationParameters, String) -> AuthorizationParameters;

boxed!(sipgate_oauth2_authorization_parameters);
settings!(sipgate_oauth2_authorization_parameters(Values), "parameters");

impl Values {
    fn with(mut self, setter: Setter, text: &str) -> Self {
        self.texts.push((setter, text.to_owned()));
        self
    }
}

impl sipgate_oauth2_authorization_parameters {
    pub(crate) fn with_scope(&self, scope: &str) -> AuthorizationParameters {
        let Values { response_mode, max_age, texts, extra } = &self.0;
        let mut parameters = AuthorizationParameters::new(scope);
        if let Some(mode) = response_mode {
            parameters = parameters.response_mode(*mode);
        }
        if let Some(seconds) = max_age {
            parameters = parameters.max_age(*seconds);
        }
        parameters = texts.iter().fold(parameters, |parameters, (set, text)| set(parameters, text.clone()));
        extra.iter().fold(parameters, |parameters, (name, value)| parameters.extra(name, value))
    }
}

/// New parameters, none of which is set. Never NULL. The caller owns them.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_authorization_parameters_new() -> *mut sipgate_oauth2_authorization_parameters {
    sipgate_oauth2_authorization_parameters::default().into_handle()
}

/// A redirect URI in place of the client's own, such as one with the port of a loopback listener.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_redirect_uri(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    redirect_uri: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.with(AuthorizationParameters::redirect_uri, text("redirect_uri", redirect_uri)?))) }
}

/// How the server sends the callback: "query" (the default) or "form_post".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_response_mode(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    response_mode: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(Values { response_mode: Some(text("response_mode", response_mode)?.parse()?), ..values })) }
}

/// Your own `state`, at most 512 printable ASCII characters. If it is not set, the library uses 256
/// random bits.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_state(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    state: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.with(AuthorizationParameters::state, text("state", state)?))) }
}

/// What your application needs again after the login. It is not sent to the server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_return_to(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    return_to: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.with(AuthorizationParameters::return_to, text("return_to", return_to)?))) }
}

/// "login", "consent", "none" or another value (OpenID Connect Core, section 3.1.2.1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_prompt(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    prompt: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.with(AuthorizationParameters::prompt, text("prompt", prompt)?))) }
}

/// The name or address that the login page suggests.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_login_hint(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    login_hint: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.with(AuthorizationParameters::login_hint, text("login_hint", login_hint)?))) }
}

/// Languages for the login page, in order of preference: "de en".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_ui_locales(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    ui_locales: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.with(AuthorizationParameters::ui_locales, text("ui_locales", ui_locales)?))) }
}

/// How long ago the user may have logged in, in seconds: 0 requires a login now. The ID token must
/// then prove it. Anyone who can change the exported request can take this out. Where it protects
/// something, keep the request on the server, or signed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_max_age(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    seconds: i64,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(Values { max_age: Some(seconds), ..values })) }
}

/// How the user is to log in, in order of preference, separated by spaces. The server may do
/// otherwise: see sipgate_oauth2_authorization_parameters_set_claims.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_acr_values(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    acr_values: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.with(AuthorizationParameters::acr_values, text("acr_values", acr_values)?))) }
}

/// Single claims to request, as a JSON object (OpenID Connect Core, section 5.5). With
/// {"id_token": {"acr": {"essential": true, "values": ["gold"]}}}, an ID token without this value
/// is refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_claims(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    claims: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.with(AuthorizationParameters::claims, text("claims", claims)?))) }
}

/// An ID token of the user who is to be logged in, for instance with the prompt "none".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_id_token_hint(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    id_token_hint: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(parameters, error, |values| Ok(values.with(AuthorizationParameters::id_token_hint, text("id_token_hint", id_token_hint)?)))
    }
}

/// Any other parameter. One that this library sets itself is refused when the parameters are used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_add_extra(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    name: *const c_char,
    value: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(parameters, error, |mut values| {
            values.extra.push((text("extra", name)?.to_owned(), text("extra", value)?.to_owned()));
            Ok(values)
        })
    }
}

/// Frees parameters. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_free(parameters: *mut sipgate_oauth2_authorization_parameters) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(parameters) };
}
