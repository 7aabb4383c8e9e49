//! What a logout at the server asks for.

use std::ffi::c_char;

use sipgate_oauth2::LogoutParameters;

use crate::arguments::text;
use crate::boundary::{set, settings};
use crate::error::sipgate_oauth2_error;
use crate::handle::{IntoHandle, boxed, free};
use crate::status::sipgate_oauth2_status;

/// What a logout at the server asks for, for sipgate_oauth2_client_logout_url; all of it is
/// optional. They may be used any number of times. A setter that fails changes nothing. Values are
/// checked when the parameters are used.
#[derive(Default)]
pub struct sipgate_oauth2_logout_parameters(pub(crate) LogoutParameters);

boxed!(sipgate_oauth2_logout_parameters);
settings!(sipgate_oauth2_logout_parameters(LogoutParameters), "parameters");

/// New parameters, none of which is set. Never NULL. The caller owns them.
#[unsafe(no_mangle)]
pub extern "C" fn sipgate_oauth2_logout_parameters_new() -> *mut sipgate_oauth2_logout_parameters {
    sipgate_oauth2_logout_parameters::default().into_handle()
}

/// The user's last ID token, if there is no token source. Without it, servers ask the user.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_logout_parameters_set_id_token_hint(
    parameters: *mut sipgate_oauth2_logout_parameters,
    id_token_hint: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.id_token_hint(text("id_token_hint", id_token_hint)?))) }
}

/// Where the server sends the user's browser afterwards, byte for byte as registered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_logout_parameters_set_post_logout_redirect_uri(
    parameters: *mut sipgate_oauth2_logout_parameters,
    post_logout_redirect_uri: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe {
        set(parameters, error, |values| Ok(values.post_logout_redirect_uri(text("post_logout_redirect_uri", post_logout_redirect_uri)?)))
    }
}

/// What the server repeats then. sipgate_oauth2_client_check_logout_response compares it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_logout_parameters_set_state(
    parameters: *mut sipgate_oauth2_logout_parameters,
    state: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.state(text("state", state)?))) }
}

/// Which user is to be logged out, such as a name or a session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_logout_parameters_set_logout_hint(
    parameters: *mut sipgate_oauth2_logout_parameters,
    logout_hint: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.logout_hint(text("logout_hint", logout_hint)?))) }
}

/// Languages for the server's page, in order of preference: "de en".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_logout_parameters_set_ui_locales(
    parameters: *mut sipgate_oauth2_logout_parameters,
    ui_locales: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { set(parameters, error, |values| Ok(values.ui_locales(text("ui_locales", ui_locales)?))) }
}

/// Wipes and frees parameters. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_logout_parameters_free(parameters: *mut sipgate_oauth2_logout_parameters) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(parameters) };
}
