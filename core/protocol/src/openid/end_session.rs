//! Logging the user out at the server (OpenID Connect RP-Initiated Logout).

use std::fmt;

use subtle::ConstantTimeEq;

use crate::error::{Error, ErrorCode, Result};
use crate::oauth::authorization_parameters::{check_id_token_hint, check_value};
use crate::oauth::authorization_request::check_callback_uri;
use crate::oauth::authorization_response::{query, unwrapped};
use crate::oauth::form;
use crate::oauth::metadata::{self, ServerMetadata};
use crate::secret::IdToken;

/// The longest URL, and the longest response.
const MAX_LENGTH: usize = 16 * 1024;

/// What a logout at the server asks for. All of it is optional.
///
/// ```
/// use sipgate_oauth2::LogoutParameters;
///
/// let parameters = LogoutParameters::new()
///     .id_token_hint("an ID token")
///     .post_logout_redirect_uri("https://example.com/bye")
///     .state("a random text, kept in the session");
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct LogoutParameters {
    id_token_hint: Option<IdToken>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
    logout_hint: Option<String>,
    ui_locales: Option<String>,
}

impl LogoutParameters {
    /// Parameters without any of the options.
    pub fn new() -> Self {
        Self::default()
    }

    /// The last ID token of the user. Without it, servers ask the user whether to log out.
    pub fn id_token_hint(mut self, id_token: impl Into<IdToken>) -> Self {
        self.id_token_hint = Some(id_token.into());
        self
    }

    /// Where the server sends the user afterwards, byte for byte as registered.
    pub fn post_logout_redirect_uri(mut self, redirect_uri: impl Into<String>) -> Self {
        self.post_logout_redirect_uri = Some(redirect_uri.into());
        self
    }

    /// What the server repeats when it sends the user back. Check it with
    /// `Client::check_logout_response`.
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// Which user is to be logged out, such as a name or a session (section 2).
    pub fn logout_hint(mut self, logout_hint: impl Into<String>) -> Self {
        self.logout_hint = Some(logout_hint.into());
        self
    }

    /// Languages for the server's page, best first: `de en`.
    pub fn ui_locales(mut self, ui_locales: impl Into<String>) -> Self {
        self.ui_locales = Some(ui_locales.into());
        self
    }
}

/// Shows neither the ID token nor the state.
impl fmt::Debug for LogoutParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogoutParameters")
            .field("post_logout_redirect_uri", &self.post_logout_redirect_uri)
            .field("ui_locales", &self.ui_locales)
            .finish_non_exhaustive()
    }
}

/// The URL to send the user's browser to (section 2).
///
/// # Errors
///
/// [`ErrorCode::Unsupported`] if the server has no endpoint for it, and
/// [`ErrorCode::InvalidArgument`] that names the parameter.
pub fn url(metadata: &ServerMetadata, client_id: &str, parameters: &LogoutParameters) -> Result<String> {
    let endpoint = metadata::required("end_session_endpoint", metadata.end_session_endpoint.as_ref())?;
    if let Some(id_token) = &parameters.id_token_hint {
        check_id_token_hint(id_token.reveal())?;
    }
    if let Some(redirect_uri) = &parameters.post_logout_redirect_uri {
        check_callback_uri("post_logout_redirect_uri", redirect_uri)?;
    }
    let texts = [("state", &parameters.state), ("logout_hint", &parameters.logout_hint), ("ui_locales", &parameters.ui_locales)];
    let texts = texts.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)));
    texts.clone().try_for_each(|(name, value)| check_value(name, value))?;
    let id_token = parameters.id_token_hint.as_ref().map(|token| ("id_token_hint", token.reveal()));
    let redirect_uri = parameters.post_logout_redirect_uri.as_deref().map(|uri| ("post_logout_redirect_uri", uri));
    let url = form::with_query(endpoint, [("client_id", client_id)].into_iter().chain(id_token).chain(redirect_uri).chain(texts));
    if url.len() > MAX_LENGTH {
        return Err(Error::invalid_argument("id_token_hint", "makes the logout URL longer than 16 KiB; leave it out"));
    }
    Ok(url)
}

/// Checks that the server sent the user back after the logout that had this `state` (section 3).
/// `callback` is best the query string that the address was called with. Its path and query, and
/// the whole URL, are read too.
///
/// # Errors
///
/// [`ErrorCode::StateMismatch`] if the state is another one, or is missing.
pub fn check_response(callback: &str, state: &str) -> Result<()> {
    let callback = unwrapped(callback);
    let mut states = form::pairs(query(callback)).filter(|(name, _)| name == "state").map(|(_, value)| form::decode(value));
    let came = if callback.len() <= MAX_LENGTH { states.next().flatten() } else { None };
    let same = came.is_some_and(|came| came.as_bytes().ct_eq(state.as_bytes()).into());
    if same && !state.is_empty() && states.next().is_none() {
        return Ok(());
    }
    let problem = "state: missing or not that of this logout; look it up in the browser's own session";
    Err(Error::new(ErrorCode::StateMismatch, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(endpoint: &str) -> ServerMetadata {
        let mut metadata = ServerMetadata::new("https://i.example");
        metadata.end_session_endpoint = Some(endpoint.into());
        metadata
    }

    fn url_of(parameters: &LogoutParameters) -> Result<String> {
        url(&metadata("https://i.example/logout"), "1:r", parameters)
    }

    #[test]
    fn the_url_has_what_was_set() {
        assert_eq!(url_of(&LogoutParameters::new()).unwrap(), "https://i.example/logout?client_id=1%3Ar");
        let all = LogoutParameters::new()
            .id_token_hint("a.b.c")
            .post_logout_redirect_uri("https://app.example/bye?x=1")
            .state("s +")
            .logout_hint("anna@example.com")
            .ui_locales("de en");
        assert_eq!(
            url_of(&all).unwrap(),
            "https://i.example/logout?client_id=1%3Ar&id_token_hint=a.b.c&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2Fbye%3Fx%3D1\
             &state=s+%2B&logout_hint=anna%40example.com&ui_locales=de+en"
        );
        assert_eq!(url(&metadata("https://i.example/?a=b"), "c", &LogoutParameters::new()).unwrap(), "https://i.example/?a=b&client_id=c");
    }

    #[test]
    fn a_server_without_the_endpoint_is_named() {
        let error = url(&ServerMetadata::new("https://i.example"), "c", &LogoutParameters::new()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unsupported);
        assert!(error.to_string().starts_with("end_session_endpoint: "), "{error}");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name() {
        let new = LogoutParameters::new;
        for (parameters, name) in [
            (new().id_token_hint(""), "id_token_hint"),
            (new().id_token_hint("a b"), "id_token_hint"),
            (new().id_token_hint("a".repeat(8193)), "id_token_hint"),
            (new().post_logout_redirect_uri("/bye"), "post_logout_redirect_uri"),
            (new().post_logout_redirect_uri("https://app.example/#"), "post_logout_redirect_uri"),
            (new().post_logout_redirect_uri("https://app.example/?state=1"), "post_logout_redirect_uri"),
            (new().state(""), "state"),
            (new().state("a\n"), "state"),
            (new().logout_hint("\0"), "logout_hint"),
            (new().ui_locales("d".repeat(2049)), "ui_locales"),
            (new().id_token_hint("a".repeat(8192)).logout_hint("€".repeat(682)).state("€".repeat(682)), "id_token_hint"),
        ] {
            let error = url_of(&parameters).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument);
            assert!(error.to_string().starts_with(&format!("{name}: ")), "{name}: {error}");
        }
    }

    #[test]
    fn every_form_of_a_return_is_read() {
        for callback in [
            "state=the+state",
            "?x=1&state=the%20state&%zz=%",
            "/bye?state=the+state",
            "/a=b?state=the+state",
            "https://app.example/bye?state=the+state#x",
            "com.example.app:/bye?state=the+state",
            " <https://app.example/bye?state=the+state> ",
            "from=https://i.example/?a=b&state=the+state",
        ] {
            assert!(check_response(callback, "the state").is_ok(), "{callback}");
        }
    }

    #[test]
    fn a_wrong_or_missing_state_is_refused() {
        let refused = |callback: &str, state: &str| check_response(callback, state).unwrap_err().code();
        for callback in [
            "",
            "/bye",
            "https://app.example/bye",
            "state",
            "state=",
            "state=canary",
            "state=the+stat",
            "state=the+state2",
            "state=%zz",
            "State=the+state",
            "x=1#state=the+state",
            "state=the+state&state=the+state",
            "state=canary&state=the+state",
        ] {
            assert_eq!(refused(callback, "the state"), ErrorCode::StateMismatch, "{callback}");
        }
        for empty in ["state=", "", "state"] {
            assert_eq!(refused(empty, ""), ErrorCode::StateMismatch, "{empty}");
        }
        assert_eq!(refused(&format!("state=a&x={}", "x".repeat(MAX_LENGTH)), "a"), ErrorCode::StateMismatch);
    }

    #[test]
    fn debug_shows_neither_the_id_token_nor_the_state() {
        let text = format!("{:?}", LogoutParameters::new().id_token_hint("canary").state("canary").logout_hint("canary"));
        assert!(!text.contains("canary"), "{text}");
    }
}
