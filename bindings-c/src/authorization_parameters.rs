//! What to ask for beside the scope.

use std::ffi::c_char;

use sipgate_oauth2::{AuthorizationParameters, ResponseMode, Result};

use crate::arguments::{self, handle_mut, text};
use crate::boundary;
use crate::error::sipgate_oauth2_error;
use crate::status::sipgate_oauth2_status;

/// What to ask for beside the scope when sending a person to log in, for sipgate_oauth2_client_authorization_request; all of it is optional. May be used any
/// number of times. For one thread at a time while it is changed. A setter that fails leaves it as it was; texts are copied. Whether a value can be
/// right is said when it is used.
#[derive(Default)]
pub struct sipgate_oauth2_authorization_parameters {
    redirect_uri: Option<String>,
    response_mode: Option<ResponseMode>,
    state: Option<String>,
    return_to: Option<String>,
    prompt: Option<String>,
    login_hint: Option<String>,
    ui_locales: Option<String>,
    extra: Vec<(String, String)>,
}

type Setter = fn(AuthorizationParameters, String) -> AuthorizationParameters;

impl sipgate_oauth2_authorization_parameters {
    pub(crate) fn with_scope(&self, scope: &str) -> AuthorizationParameters {
        let mut parameters = AuthorizationParameters::new(scope);
        let texts: [(&Option<String>, Setter); 6] = [
            (&self.redirect_uri, AuthorizationParameters::redirect_uri),
            (&self.state, AuthorizationParameters::state),
            (&self.return_to, AuthorizationParameters::return_to),
            (&self.prompt, AuthorizationParameters::prompt),
            (&self.login_hint, AuthorizationParameters::login_hint),
            (&self.ui_locales, AuthorizationParameters::ui_locales),
        ];
        for (text, set) in texts {
            if let Some(text) = text {
                parameters = set(parameters, text.clone());
            }
        }
        if let Some(mode) = self.response_mode {
            parameters = parameters.response_mode(mode);
        }
        self.extra.iter().fold(parameters, |parameters, (name, value)| parameters.extra(name, value))
    }
}

/// Parameters of which none is set. Never NULL. Free them with sipgate_oauth2_authorization_parameters_free.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_authorization_parameters_new() -> *mut sipgate_oauth2_authorization_parameters {
    Box::into_raw(Box::default())
}

/// Another redirect URI than the client's, for instance with the port that a loopback listener got.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_redirect_uri(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    redirect_uri: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            set(parameters, |parameters| {
                parameters.redirect_uri = Some(text("redirect_uri", redirect_uri)?.to_owned());
                Ok(())
            })
        })
    }
}

/// How the callback is to arrive: "query" (what servers do unasked) or "form_post".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_response_mode(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    response_mode: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            set(parameters, |parameters| {
                parameters.response_mode = Some(text("response_mode", response_mode)?.parse()?);
                Ok(())
            })
        })
    }
}

/// A `state` of your own, at most 512 printable ASCII characters. Without it one of 256 random bits is drawn.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_state(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    state: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            set(parameters, |parameters| {
                parameters.state = Some(text("state", state)?.to_owned());
                Ok(())
            })
        })
    }
}

/// What the application wants to find again after the login. It is not sent to the server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_return_to(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    return_to: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            set(parameters, |parameters| {
                parameters.return_to = Some(text("return_to", return_to)?.to_owned());
                Ok(())
            })
        })
    }
}

/// "login", "consent", "none" ... (OpenID Connect Core, section 3.1.2.1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_prompt(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    prompt: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            set(parameters, |parameters| {
                parameters.prompt = Some(text("prompt", prompt)?.to_owned());
                Ok(())
            })
        })
    }
}

/// The name or address to fill in on the login page.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_login_hint(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    login_hint: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            set(parameters, |parameters| {
                parameters.login_hint = Some(text("login_hint", login_hint)?.to_owned());
                Ok(())
            })
        })
    }
}

/// Languages for the login page, best first: "de en".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_set_ui_locales(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    ui_locales: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            set(parameters, |parameters| {
                parameters.ui_locales = Some(text("ui_locales", ui_locales)?.to_owned());
                Ok(())
            })
        })
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
    // SAFETY: pointers are NULL or what the header says.
    unsafe {
        boundary::run(error, || {
            set(parameters, |parameters| {
                parameters.extra.push((text("extra", name)?.to_owned(), text("extra", value)?.to_owned()));
                Ok(())
            })
        })
    }
}

/// Frees parameters. NULL is nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_authorization_parameters_free(parameters: *mut sipgate_oauth2_authorization_parameters) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { arguments::free(parameters) };
}

/// # Safety
///
/// `parameters` is NULL or a live handle that nobody else uses meanwhile.
unsafe fn set(
    parameters: *mut sipgate_oauth2_authorization_parameters,
    change: impl FnOnce(&mut sipgate_oauth2_authorization_parameters) -> Result<()>,
) -> Result<()> {
    // SAFETY: the caller's promise is ours.
    change(unsafe { handle_mut("parameters", parameters) }?)
}
