//! What an authorization request asks for. All but the scope is optional.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::claims_parameter::ClaimsParameter;
use super::scope::{Scope, names_openid};
use super::syntax::is_access_token;
use crate::error::{Error, Result};
use crate::secret::IdToken;

const MAX_VALUE: usize = 2048;

/// A URL can hold no more.
const MAX_ID_TOKEN: usize = 8 * 1024;

/// Ten years, in seconds.
const LONGEST_AGE: i64 = 315_360_000;

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
const NAMED_PARAMETERS: [&str; 7] = ["prompt", "login_hint", "ui_locales", "max_age", "acr_values", "claims", "id_token_hint"];

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
    max_age: Option<i64>,
    acr_values: Option<String>,
    claims: Option<String>,
    id_token_hint: Option<IdToken>,
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
            max_age: None,
            acr_values: None,
            claims: None,
            id_token_hint: None,
            extra: Vec::new(),
        }
    }

    /// Whether an ID token is requested.
    #[doc(hidden)]
    pub fn requests_id_token(&self) -> bool {
        names_openid(self.scope.as_str())
    }

    /// The redirect URI, if it is not the client's own.
    #[doc(hidden)]
    pub fn own_redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    /// Whether the response is to be in the query of the redirect URI.
    #[doc(hidden)]
    pub fn requests_query(&self) -> bool {
        !matches!(self.response_mode, Some(ResponseMode::FormPost))
    }

    /// A redirect URI in place of the client's own, for instance with the port of a loopback
    /// listener.
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

    /// `login`, `consent` and others, with blanks between them, or `none` alone (OpenID Connect
    /// Core, section 3.1.2.1).
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

    /// How long ago the user may have logged in, in seconds: from 0, which requires a login now, to
    /// ten years (OpenID Connect Core, section 3.1.2.1). The ID token must then prove it.
    ///
    /// Anyone who can change the exported request can take this out. Where it protects something,
    /// keep the request on the server, or signed.
    pub fn max_age(mut self, seconds: i64) -> Self {
        self.max_age = Some(seconds);
        self
    }

    /// How the user is to log in, best first, with blanks between the values (OpenID Connect Core,
    /// section 3.1.2.1). The server may do otherwise: see [`claims`](Self::claims).
    pub fn acr_values(mut self, acr_values: impl Into<String>) -> Self {
        self.acr_values = Some(acr_values.into());
        self
    }

    /// Single claims to request, as a JSON object (OpenID Connect Core, section 5.5).
    ///
    /// `{"id_token": {"auth_time": {"essential": true}}}` requires `auth_time`, and
    /// `{"id_token": {"acr": {"essential": true, "values": ["gold"]}}}` one of these values. An ID
    /// token without them is refused.
    pub fn claims(mut self, json: impl Into<String>) -> Self {
        self.claims = Some(json.into());
        self
    }

    /// An ID token of the user who is to be logged in, for instance with `prompt=none` (OpenID
    /// Connect Core, section 3.1.2.1).
    pub fn id_token_hint(mut self, id_token: impl Into<IdToken>) -> Self {
        self.id_token_hint = Some(id_token.into());
        self
    }

    /// Any other parameter. One that this library sets itself is refused.
    pub fn extra(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.extra.push((name.into(), value.into()));
        self
    }

    /// All parameters that are sent besides those that this library sets itself, checked.
    pub(super) fn sent(&self) -> Result<Vec<(String, String)>> {
        let text = |value: &Option<String>| value.clone();
        let named = [
            ("prompt", text(&self.prompt)),
            ("login_hint", text(&self.login_hint)),
            ("ui_locales", text(&self.ui_locales)),
            ("max_age", self.max_age.map(|seconds| seconds.to_string())),
            ("acr_values", text(&self.acr_values)),
            ("claims", text(&self.claims)),
            ("id_token_hint", self.id_token_hint.as_ref().map(|token| token.reveal().to_owned())),
        ];
        let mut sent = Vec::new();
        for (name, value) in named {
            if let Some(value) = value {
                check_named(name, &value)?;
                sent.push((name.to_owned(), value));
            }
        }
        for (name, value) in &self.extra {
            let taken = is_own_parameter(name) || NAMED_PARAMETERS.contains(&name.as_str());
            if taken || sent.iter().any(|(known, _)| known == name) {
                let problem = format_args!("{name:?} is set already; leave it out or use its own setting");
                return Err(Error::invalid_argument("extra", problem));
            }
            check_parameter(name, value)?;
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

/// Checks a parameter that is sent besides those that this library sets itself.
pub(super) fn check_parameter(name: &str, value: &str) -> Result<()> {
    if NAMED_PARAMETERS.contains(&name) {
        return check_named(name, value);
    }
    check_value("extra", name)?;
    check_value("extra", value)
}

fn check_named(name: &str, value: &str) -> Result<()> {
    if name == "id_token_hint" {
        return check_id_token_hint(value);
    }
    check_value(name, value)?;
    match name {
        "prompt" if value != "none" && value.split(' ').any(|prompt| prompt == "none") => {
            Err(Error::invalid_argument("prompt", "has none beside another value; none stands alone, since the user must not be asked"))
        }
        "max_age" if !value.parse().is_ok_and(|seconds| (0..=LONGEST_AGE).contains(&seconds)) => {
            Err(Error::invalid_argument("max_age", format_args!("must be 0 to {LONGEST_AGE} seconds")))
        }
        "claims" => ClaimsParameter::parse(value).map(|_| ()),
        _ => Ok(()),
    }
}

/// Checks an ID token as far as it is to be sent.
pub(crate) fn check_id_token_hint(id_token: &str) -> Result<()> {
    if id_token.len() <= MAX_ID_TOKEN && is_access_token(id_token) {
        return Ok(());
    }
    let problem = "must be 1 to 8192 printable ASCII characters without blanks; pass it as the server sent it";
    Err(Error::invalid_argument("id_token_hint", problem))
}

pub(crate) fn check_value(field: &str, value: &str) -> Result<()> {
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
        for (parameters, field) in [
            (new().prompt("none login"), "prompt"),
            (new().prompt("login  none"), "prompt"),
            (new().max_age(-1), "max_age"),
            (new().max_age(LONGEST_AGE + 1), "max_age"),
            (new().max_age(i64::MIN), "max_age"),
            (new().acr_values(""), "acr_values"),
            (new().claims("[]"), "claims"),
            (new().claims("{}\n"), "claims"),
            (new().id_token_hint(""), "id_token_hint"),
            (new().id_token_hint("a b"), "id_token_hint"),
            (new().id_token_hint("a".repeat(8193)), "id_token_hint"),
        ] {
            assert!(parameters.sent().unwrap_err().to_string().starts_with(&format!("{field}: ")), "{field}");
        }
        let longest = "d".repeat(2048);
        assert_eq!(new().ui_locales(longest.as_str()).sent().unwrap(), [("ui_locales".to_owned(), longest)]);
    }

    #[test]
    fn what_the_id_token_must_prove_is_sent() {
        let parameters = AuthorizationParameters::new("openid")
            .prompt("login consent")
            .max_age(0)
            .acr_values("gold silver")
            .claims(r#"{"id_token":{"auth_time":{"essential":true}}}"#)
            .id_token_hint("a".repeat(8192))
            .extra("x", "y");
        let expected = [
            ("prompt", "login consent"),
            ("max_age", "0"),
            ("acr_values", "gold silver"),
            ("claims", r#"{"id_token":{"auth_time":{"essential":true}}}"#),
            ("id_token_hint", &"a".repeat(8192)),
            ("x", "y"),
        ];
        assert_eq!(parameters.sent().unwrap(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(AuthorizationParameters::new("a").max_age(LONGEST_AGE).sent().unwrap()[0].1, "315360000");
        assert!(AuthorizationParameters::new("a").prompt("none").sent().is_ok());
    }

    #[test]
    fn an_id_token_does_not_show() {
        let text = format!("{:?}", AuthorizationParameters::new("a").id_token_hint("canary"));
        assert!(!text.contains("canary"), "{text}");
    }
}
