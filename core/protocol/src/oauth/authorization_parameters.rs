//! What an authorization request asks for. All but the scope is optional.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::scope::Scope;
use crate::error::{Error, Result};

const MAX_VALUE: usize = 2048;

/// Parameters of an authorization request that this library sets itself.
const OWN_PARAMETERS: [&str; 10] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "client_secret",
];

/// Parameters with a setter of their own.
const NAMED_PARAMETERS: [&str; 3] = ["prompt", "login_hint", "ui_locales"];

pub(super) fn is_own_parameter(name: &str) -> bool {
    OWN_PARAMETERS.contains(&name)
}

/// What an authorization request asks for: a scope, and what is optional.
///
/// Made from a scope alone, or with the setters:
///
/// ```
/// use sipgate_oauth2::{AuthorizationParameters, ClientBuilder};
///
/// let client = ClientBuilder::sipgate("1-0-a:third-party")
///     .redirect_uri("https://example.com/auth")
///     .build()?;
/// let parameters = AuthorizationParameters::new(["openid", "balance:read"])
///     .prompt("login")
///     .login_hint("anna@example.com");
/// let request = client.authorization_request(parameters)?;
/// assert!(request.url().contains("&prompt=login&login_hint=anna%40example.com"));
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthorizationParameters {
    pub(super) scope: Scope,
    pub(super) redirect_uri: Option<String>,
    pub(super) response_mode: Option<ResponseMode>,
    pub(super) state: Option<String>,
    pub(super) return_to: Option<String>,
    prompt: Option<String>,
    login_hint: Option<String>,
    ui_locales: Option<String>,
    extra: Vec<(String, String)>,
}

impl AuthorizationParameters {
    /// Parameters with this scope.
    pub fn new(scope: impl Into<Scope>) -> Self {
        Self {
            scope: scope.into(),
            redirect_uri: None,
            response_mode: None,
            state: None,
            return_to: None,
            prompt: None,
            login_hint: None,
            ui_locales: None,
            extra: Vec::new(),
        }
    }

    /// A redirect URI in place of the client's, for instance with the port of a loopback listener.
    pub fn redirect_uri(mut self, redirect_uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(redirect_uri.into());
        self
    }

    /// How the server passes the authorization response on. Without it the server uses the query.
    pub fn response_mode(mut self, response_mode: ResponseMode) -> Self {
        self.response_mode = Some(response_mode);
        self
    }

    /// A `state` of your own, at most 512 printable ASCII characters. Without it, 256 random bits
    /// are used.
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// What the application needs again after the login, such as the page to return to. It is not
    /// sent to the server.
    pub fn return_to(mut self, return_to: impl Into<String>) -> Self {
        self.return_to = Some(return_to.into());
        self
    }

    /// `login`, `consent`, `none` and others (OpenID Connect Core, section 3.1.2.1).
    pub fn prompt(mut self, prompt: impl Into<String>) -> Self {
        self.prompt = Some(prompt.into());
        self
    }

    /// The user name or address to fill in on the login page (OpenID Connect Core, section
    /// 3.1.2.1).
    pub fn login_hint(mut self, login_hint: impl Into<String>) -> Self {
        self.login_hint = Some(login_hint.into());
        self
    }

    /// Languages for the login page, best first: `de en` (OpenID Connect Core, section 3.1.2.1).
    pub fn ui_locales(mut self, ui_locales: impl Into<String>) -> Self {
        self.ui_locales = Some(ui_locales.into());
        self
    }

    /// Any other parameter. One that this library sets itself is refused.
    pub fn extra(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra.push((name.into(), value.into()));
        self
    }

    /// All parameters that are sent besides those that this library sets itself, checked.
    pub(super) fn sent(&self) -> Result<Vec<(String, String)>> {
        let named = [("prompt", &self.prompt), ("login_hint", &self.login_hint), ("ui_locales", &self.ui_locales)];
        let mut sent = Vec::with_capacity(self.extra.len() + named.len());
        for (name, value) in named {
            if let Some(value) = value {
                check_value(name, value)?;
                sent.push((name.to_owned(), value.clone()));
            }
        }
        for (name, value) in &self.extra {
            let taken = is_own_parameter(name) || NAMED_PARAMETERS.contains(&name.as_str());
            if taken || sent.iter().any(|(known, _)| known == name) {
                let problem = format_args!("{name:?} is set already; leave it out or use its own setting");
                return Err(Error::invalid_argument("extra", problem));
            }
            check_value("extra", name)?;
            check_value("extra", value)?;
            sent.push((name.clone(), value.clone()));
        }
        Ok(sent)
    }
}

impl<S: Into<Scope>> From<S> for AuthorizationParameters {
    fn from(scope: S) -> Self {
        Self::new(scope)
    }
}

/// How the authorization server passes its response to the application.
///
/// ```
/// use sipgate_oauth2::{AuthorizationParameters, ResponseMode};
///
/// let parameters = AuthorizationParameters::new("balance:read").response_mode(ResponseMode::FormPost);
/// assert_eq!("form_post".parse::<ResponseMode>()?, ResponseMode::FormPost);
/// assert_eq!(ResponseMode::FormPost.to_string(), "form_post");
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of the redirect URI: the default of servers.
    Query,
    /// As a form that the browser posts to the redirect URI (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    /// The value of `response_mode`: `query` or `form_post`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }
}

impl fmt::Display for ResponseMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ResponseMode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Self::Query, Self::FormPost]
            .into_iter()
            .find(|known| known.as_str() == name)
            .ok_or_else(|| Error::invalid_argument("response_mode", "is not known; use query or form_post"))
    }
}

pub(super) fn check_value(field: &str, value: &str) -> Result<()> {
    if value.is_empty() {
        return Err(Error::invalid_argument(field, "is empty; leave it out"));
    }
    if value.len() > MAX_VALUE {
        return Err(Error::invalid_argument(field, format_args!("is longer than {MAX_VALUE} bytes; shorten it")));
    }
    if value.chars().any(char::is_control) {
        return Err(Error::invalid_argument(field, "holds a control character; remove it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_mode_is_known_by_its_name() {
        assert_eq!("query".parse::<ResponseMode>().unwrap(), ResponseMode::Query);
        assert_eq!("form_post".parse::<ResponseMode>().unwrap(), ResponseMode::FormPost);
        assert_eq!((ResponseMode::Query.as_str(), ResponseMode::FormPost.as_str()), ("query", "form_post"));
        assert!("fragment".parse::<ResponseMode>().unwrap_err().to_string().starts_with("response_mode: "));
    }

    #[test]
    fn every_value_is_checked_and_the_error_names_its_setting() {
        let new = || AuthorizationParameters::new("a");
        for (parameters, field) in [
            (new().prompt(""), "prompt"),
            (new().login_hint("anna\n"), "login_hint"),
            (new().ui_locales("d".repeat(2049)), "ui_locales"),
            (new().extra("", "x"), "extra"),
            (new().extra("x", ""), "extra"),
        ] {
            assert!(parameters.sent().unwrap_err().to_string().starts_with(&format!("{field}: ")), "{field}");
        }
        let longest = "d".repeat(2048);
        assert_eq!(new().ui_locales(longest.as_str()).sent().unwrap(), [("ui_locales".to_owned(), longest)]);
    }
}
