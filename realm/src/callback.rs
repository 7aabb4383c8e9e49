//! The end of a login: the browser goes back to the client, with a code or an error.

use axum::http::StatusCode;
use axum::response::Response;

use crate::authorization_request::{AuthorizationRequest, ResponseMode};
use crate::form;
use crate::oauth_error::OAuthError;
use crate::pages;
use crate::realm::Realm;
use crate::site::Call;

pub(crate) fn granted(call: &Call, realm: &Realm, request: &AuthorizationRequest, session: &str, code: &str) -> Response {
    let mut parameters = state_parameter(request);
    parameters.push(("session_state", session));
    if realm.settings.issuer_in_callback {
        parameters.push(("iss", &call.issuer));
    }
    parameters.push(("code", code));
    redirect(request, &parameters)
}

pub(crate) fn refused(call: &Call, realm: &Realm, request: &AuthorizationRequest, error: &OAuthError) -> Response {
    let mut parameters = vec![("error", error.error)];
    if !error.description.is_empty() {
        parameters.push(("error_description", error.description.as_str()));
    }
    parameters.extend(state_parameter(request));
    if realm.settings.issuer_in_callback {
        parameters.push(("iss", &call.issuer));
    }
    redirect(request, &parameters)
}

fn state_parameter(request: &AuthorizationRequest) -> Vec<(&str, &str)> {
    request.state.iter().map(|state| ("state", state.as_str())).collect()
}

fn redirect(request: &AuthorizationRequest, parameters: &[(&str, &str)]) -> Response {
    match request.mode {
        ResponseMode::Query => pages::redirect(&form::with_query(&request.redirect_uri, parameters)),
        ResponseMode::Fragment => pages::redirect(&format!("{}#{}", request.redirect_uri, form::encode(parameters))),
        ResponseMode::FormPost => pages::form_post(&request.redirect_uri, parameters),
    }
}

/// An error that is only ever sent in a callback, where it has no status.
pub(crate) fn redirected(error: &'static str, description: &str) -> OAuthError {
    OAuthError::new(StatusCode::BAD_REQUEST, error, description)
}
