//! The authorization endpoint: judges the request, then sends the browser to the login page, to the
//! consent page, or back to the client.

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use crate::authorization_request::{AuthorizationRequest, Challenge, ResponseMode};
use crate::callback::{self, redirected};
use crate::form::Form;
use crate::login;
use crate::oauth_error::OAuthError;
use crate::pages;
use crate::realm::{Client, Realm};
use crate::scopes;
use crate::site::Call;

const NO_IMPLICIT_FLOW: &str =
    "Client is not allowed to initiate browser login with given response_type. Implicit flow is disabled for the client.";

pub(crate) async fn get(call: Call) -> Response {
    respond(&call, &call.query)
}

pub(crate) async fn post(call: Call, body: Bytes) -> Response {
    respond(&call, &Form::parse(&body))
}

fn respond(call: &Call, parameters: &Form) -> Response {
    let mut realm = call.site.lock();
    match judge(&realm, parameters) {
        Ok(request) => proceed(call, &mut realm, request),
        Err(Refusal::OnAPage(text)) => pages::error(StatusCode::BAD_REQUEST, text),
        Err(Refusal::AtTheClient(request, error)) => callback::refused(call, &realm, &request, &error),
    }
}

fn proceed(call: &Call, realm: &mut Realm, mut request: AuthorizationRequest) -> Response {
    let silent = request.prompted("none");
    let session = realm.session_of_browser(login::identity_cookie(&call.headers).as_deref(), call.now).filter(|session| {
        let age = call.now.saturating_sub(session.authenticated_at) as i64;
        let recent = request.max_age.is_none_or(|max_age| max_age > 0 && age <= max_age);
        recent && !request.acr_asked && !request.prompted("login")
    });
    let Some(session) = session else {
        return if silent {
            callback::refused(call, realm, &request, &redirected("login_required", ""))
        } else {
            login::begin(call, realm, request)
        };
    };
    let (session, username) = (session.id.clone(), session.username.clone());
    if silent && realm.must_ask(&request, &username) {
        return callback::refused(call, realm, &request, &redirected("interaction_required", ""));
    }
    request.single_sign_on = true;
    login::finish_or_ask(call, realm, request, &session, &username)
}

enum Refusal {
    /// The redirect URI cannot be trusted: the error is shown to the user, not sent to the client.
    OnAPage(&'static str),
    AtTheClient(Box<AuthorizationRequest>, OAuthError),
}

fn judge(realm: &Realm, parameters: &Form) -> Result<AuthorizationRequest, Refusal> {
    if !realm.settings.enabled {
        return Err(Refusal::OnAPage("Realm not enabled"));
    }
    let client_id = parameters.get("client_id").ok_or(Refusal::OnAPage("Invalid Request"))?;
    let client = realm.client(client_id).ok_or(Refusal::OnAPage("Client not found."))?;
    if !client.enabled {
        return Err(Refusal::OnAPage("Client disabled."));
    }
    let redirect_uri = parameters
        .get("redirect_uri")
        .filter(|uri| client.is_registered(uri))
        .ok_or(Refusal::OnAPage("Invalid parameter: redirect_uri"))?;

    let max_age = parameters.get("max_age").map(str::parse).transpose().map_err(|_| Refusal::OnAPage("Invalid Request"))?;
    let mode = match parameters.get("response_mode") {
        Some("fragment") => ResponseMode::Fragment,
        Some("form_post") => ResponseMode::FormPost,
        _ => ResponseMode::Query,
    };
    let text = |name| parameters.get(name).map(str::to_owned);
    let mut request = AuthorizationRequest {
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        scope: Realm::granted(parameters.get("scope").unwrap_or_default()),
        state: text("state"),
        nonce: text("nonce"),
        challenge: None,
        login_hint: text("login_hint").unwrap_or_default(),
        single_sign_on: false,
        mode,
        prompt: parameters.get("prompt").unwrap_or_default().split(' ').map(str::to_owned).collect(),
        max_age,
        acr_asked: acr_asked(parameters)?,
    };
    match complete(&mut request, client, parameters) {
        Ok(()) => Ok(request),
        Err(error) => Err(Refusal::AtTheClient(Box::new(request), error)),
    }
}

fn complete(request: &mut AuthorizationRequest, client: &Client, parameters: &Form) -> Result<(), OAuthError> {
    if parameters.has_duplicate() {
        return Err(OAuthError::invalid_request("duplicated parameter"));
    }
    match parameters.get("response_type") {
        Some("code") => {}
        None => return Err(OAuthError::invalid_request("Missing parameter: response_type")),
        Some(wanted) if wanted.split(' ').all(|part| matches!(part, "code" | "token" | "id_token")) => {
            // Tokens would be returned in the fragment, so the error is too.
            request.mode = ResponseMode::Fragment;
            return Err(redirected("unauthorized_client", NO_IMPLICIT_FLOW));
        }
        Some(_) => return Err(redirected("unsupported_response_type", "")),
    }
    if !matches!(parameters.get("response_mode"), None | Some("query" | "fragment" | "form_post")) {
        return Err(OAuthError::invalid_request("Invalid parameter: response_mode"));
    }
    if request.scope.iter().any(|scope| !scopes::is_known(scope)) {
        return Err(OAuthError::invalid_scope(format!("Invalid scopes: {}", parameters.get("scope").unwrap_or_default())));
    }
    request.challenge = challenge(client, parameters)?;
    Ok(())
}

/// Whether the request names values for `acr`. Without a map from names to levels, Keycloak only
/// knows numbers, and refuses others if they are essential.
fn acr_asked(parameters: &Form) -> Result<bool, Refusal> {
    let claims: Value = parameters.get("claims").and_then(|claims| serde_json::from_str(claims).ok()).unwrap_or_default();
    let acr = &claims["id_token"]["acr"];
    let values: Vec<_> = acr["values"].as_array().into_iter().flatten().chain(acr.get("value")).filter_map(Value::as_str).collect();
    if acr["essential"] == true && values.iter().any(|value| value.parse::<i32>().is_err()) {
        return Err(Refusal::OnAPage("Invalid parameter: claims"));
    }
    Ok(!values.is_empty() || parameters.get("acr_values").is_some_and(|values| !values.is_empty()))
}

/// RFC 7636, 4.3. The default method is `plain`.
fn challenge(client: &Client, parameters: &Form) -> Result<Option<Challenge>, OAuthError> {
    let method = parameters.get("code_challenge_method");
    let Some(value) = parameters.get("code_challenge") else {
        return match (method, &client.secret) {
            (None, Some(_)) => Ok(None),
            (None, None) => Err(OAuthError::invalid_request("Missing parameter: code_challenge_method")),
            (Some(_), _) => Err(OAuthError::invalid_request("Missing parameter: code_challenge")),
        };
    };
    let hashed = match method {
        Some("S256") => true,
        None | Some("plain") if client.secret.is_some() => false,
        None => return Err(OAuthError::invalid_request("Missing parameter: code_challenge_method")),
        Some("plain") => {
            return Err(OAuthError::invalid_request("Invalid parameter: code challenge method is not matching the configured one"));
        }
        Some(_) => return Err(OAuthError::invalid_request("Invalid parameter: invalid code_challenge_method")),
    };
    if !is_pkce_string(value) {
        return Err(OAuthError::invalid_request("Invalid parameter: code_challenge"));
    }
    Ok(Some(Challenge { value: value.to_owned(), hashed }))
}

/// 43 to 128 unreserved characters (RFC 7636, 4.1).
pub(crate) fn is_pkce_string(text: &str) -> bool {
    (43..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}
