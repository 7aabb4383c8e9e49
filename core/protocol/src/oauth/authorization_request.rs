//! Authorization requests: the URL to send the user to, and what the response is checked against
//! (RFC 6749, section 4.1.1; RFC 7636).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::authorization_parameters::{AuthorizationParameters, ResponseMode, check_parameter, check_value, is_own_parameter};
use super::claims_parameter::ClaimsParameter;
use super::metadata::ServerMetadata;
use super::scope::{Scope, names_openid};
use super::syntax::is_printable;
use super::{form, pkce, uri};
use crate::error::{Error, ErrorCode, Result};
use crate::secret::Secret;

/// How long a response is accepted.
const LIFE_SECONDS: i64 = 30 * 60;

/// The longest life that an export may claim, and how far a clock may have been set back since it
/// was made.
const LONGEST_LIFE_SECONDS: i64 = 24 * 3600;

/// For how long after its expiry it is remembered that a request was used, in case clocks differ.
const REMEMBERED_SECONDS: i64 = 3600;

/// The format of an export.
const FORMAT: u32 = 1;

/// The longest export that is read back, sealed or not.
pub(super) const MAX_EXPORT: usize = 64 * 1024;

/// A caller's own `state` over this length is dropped silently by Keycloak.
const MAX_STATE: usize = 512;

/// Parameters of an authorization response. A redirect URI with one of them in its own query could
/// not be told from a response.
pub(super) const CALLBACK_PARAMETERS: [&str; 8] =
    ["state", "code", "iss", "error", "error_description", "error_uri", "session_state", "response"];

/// An authorization request: the URL to send the user to, and what must be known again when the
/// response is received.
///
/// It expires after 30 minutes and can be used once. Keep it in the user's own session as
/// [`export`](Self::export)ed text, if the session is on the server or signed; in a cookie of its
/// own, [`seal`](Self::seal)ed. If it was looked up by `state` alone, it would not be tied to the
/// browser, and anybody's response would be accepted.
///
/// Clones are the same request: using one uses all.
///
/// ```
/// use sipgate_oauth2::{AuthorizationRequest, ClientBuilder};
///
/// let client = ClientBuilder::sipgate("1-0-a:third-party")
///     .redirect_uri("https://example.com/auth")
///     .build()?;
/// let request = client.authorization_request("balance:read")?;
/// assert!(request.url().starts_with("https://login.sipgate.com/auth/realms/third-party/"));
///
/// let kept = request.export();
/// let restored = AuthorizationRequest::restore(kept.reveal())?;
/// assert_eq!(restored.state(), request.state());
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone)]
pub struct AuthorizationRequest(Arc<Shared>);

struct Shared {
    parts: Parts,
    url: String,
    used: AtomicBool,
    /// It was out of our hands since it was made.
    restored: bool,
}

/// What is exported.
#[derive(Serialize, Deserialize)]
pub(super) struct Parts {
    format: u32,
    pub(super) issuer: String,
    pub(super) iss_required: bool,
    authorization_endpoint: String,
    token_endpoint: String,
    client_id: String,
    pub(super) redirect_uri: String,
    response_mode: Option<ResponseMode>,
    pub(super) scope: String,
    pub(super) state: String,
    nonce: String,
    pub(super) code_verifier: String,
    created_at: i64,
    expires_at: i64,
    return_to: Option<String>,
    parameters: Vec<(String, String)>,
}

/// The random values of one authorization request.
pub struct RandomValues {
    /// The `state`, unless the application has its own.
    pub state: String,
    /// The `nonce`.
    pub nonce: String,
    /// The PKCE code verifier.
    pub code_verifier: String,
}

/// A new authorization request. `now` is in seconds since 1970.
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`] that names the parameter.
pub fn build(
    metadata: &ServerMetadata,
    client_id: &str,
    client_redirect_uri: Option<&str>,
    parameters: AuthorizationParameters,
    random: RandomValues,
    now: i64,
) -> Result<AuthorizationRequest> {
    let sent = parameters.sent()?;
    let redirect_uri = match (parameters.redirect_uri, client_redirect_uri) {
        (Some(own), _) => {
            check_redirect_uri(&own)?;
            own
        }
        // Checked when the client was made.
        (None, Some(of_the_client)) => of_the_client.to_owned(),
        (None, None) => {
            let problem = "is missing; set it on the client, as registered in the sipgate console";
            return Err(Error::invalid_argument("redirect_uri", problem));
        }
    };
    if let Some(state) = &parameters.state {
        check_state(state)?;
    }
    if let Some(return_to) = &parameters.return_to {
        check_value("return_to", return_to)?;
    }
    let parts = Parts {
        format: FORMAT,
        issuer: metadata.issuer.clone(),
        iss_required: metadata.authorization_response_iss_parameter_supported,
        // Both are there once a client was built.
        authorization_endpoint: metadata.authorization_endpoint.clone().unwrap_or_default(),
        token_endpoint: metadata.token_endpoint.clone().unwrap_or_default(),
        client_id: client_id.to_owned(),
        redirect_uri,
        response_mode: parameters.response_mode,
        scope: parameters.scope.checked("scope")?,
        state: parameters.state.unwrap_or(random.state),
        nonce: random.nonce,
        code_verifier: random.code_verifier,
        created_at: now,
        expires_at: now + LIFE_SECONDS,
        return_to: parameters.return_to,
        parameters: sent,
    };
    AuthorizationRequest::of(parts, false)
}

/// Checks that this client made the request, as far as that can be told if the request was out of
/// our hands: it must not decide where the client's secret is sent. A redirect URI of its own has
/// the host of the client's redirect URI.
///
/// # Errors
///
/// [`ErrorCode::LoginExpired`] if it was restored, and else [`ErrorCode::InvalidArgument`].
pub fn check_belongs(
    request: &AuthorizationRequest,
    metadata: &ServerMetadata,
    client_id: &str,
    client_redirect_uri: Option<&str>,
) -> Result<()> {
    let Shared { parts, restored, .. } = &*request.0;
    let same = parts.issuer == metadata.issuer
        && parts.iss_required == metadata.authorization_response_iss_parameter_supported
        && metadata.authorization_endpoint.as_ref() == Some(&parts.authorization_endpoint)
        && metadata.token_endpoint.as_ref() == Some(&parts.token_endpoint)
        && parts.client_id == client_id;
    let at_home = client_redirect_uri.is_none_or(|of_the_client| uri::same_host(&parts.redirect_uri, of_the_client));
    match (same, restored) {
        (true, false) => Ok(()),
        (true, true) if at_home => Ok(()),
        (true, true) => Err(expired("has a redirect_uri on another host than the client has; make the client without one to allow that")),
        (false, true) => Err(expired("was made by a client of another id or server, or was changed; use the client that made it")),
        (false, false) => Err(Error::invalid_argument(
            "request",
            "was made by a client of another id or server; use the client that made it, or start the login again",
        )),
    }
}

/// Gives the single use back: the code is certainly unspent.
pub fn give_back(request: &AuthorizationRequest) {
    request.0.used.store(false, Ordering::Release);
}

/// What identifies the request, for a store that keeps its single use: its server, client, `state`
/// and code verifier. A state may be the application's own, and the same for many requests.
pub fn identity(request: &AuthorizationRequest) -> [&str; 4] {
    let parts = request.parts();
    [&parts.issuer, &parts.client_id, &parts.state, &parts.code_verifier]
}

/// What an ID token must say because the authorization request asked for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdTokenRequirements {
    /// `nonce`; `None` if it is not known.
    pub nonce: Option<String>,
    /// How long ago the user may have logged in, in seconds.
    pub max_age: Option<i64>,
    /// Whether `auth_time` was asked for as essential.
    pub auth_time: bool,
    /// The values of which `acr` must be one, if there are any.
    pub acr_values: Vec<String>,
}

/// Until when a store remembers that the request was used, in seconds since 1970.
pub fn remembered_until(request: &AuthorizationRequest, now: i64) -> i64 {
    request.parts().expires_at.min(now.saturating_add(LONGEST_LIFE_SECONDS)).saturating_add(REMEMBERED_SECONDS)
}

impl AuthorizationRequest {
    /// The request that [`export`](Self::export) gave as text, in any language of this library. If
    /// its holder could change the text, they could also change [`return_to`](Self::return_to):
    /// check that it stays within the application.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::LoginExpired`] if the text is not an export, was changed or was written by
    /// another version, as when a session was lost or a cookie was cut: the user logs in again.
    pub fn restore(exported: &str) -> Result<Self> {
        Self::of(Parts::exported(exported)?, true)
    }

    /// [`restore`](Self::restore) for a binding that keeps the text in place of the request: nobody
    /// could change it.
    #[doc(hidden)]
    pub fn reopen(exported: &str) -> Result<Self> {
        Self::of(Parts::exported(exported)?, false)
    }

    /// The request as JSON: what is exported.
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0.parts).expect("a struct of texts and numbers is always JSON")
    }

    /// A request from its JSON, which was out of our hands.
    pub(super) fn from_json(json: &[u8]) -> Result<Self> {
        Self::of(Parts::read(json)?, true)
    }

    fn of(parts: Parts, restored: bool) -> Result<Self> {
        let url = parts.url()?;
        Ok(Self(Arc::new(Shared { parts, url, used: AtomicBool::new(false), restored })))
    }

    /// The URL to send the user's browser to.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The `state` in the URL, which the response must repeat (RFC 6749, section 10.12).
    pub fn state(&self) -> &str {
        &self.0.parts.state
    }

    /// The `nonce`, which an ID token repeats. It is in the URL if the scope has `openid` (OpenID
    /// Connect Core, section 3.1.2.1).
    pub fn nonce(&self) -> &str {
        &self.0.parts.nonce
    }

    /// The redirect URI, byte for byte as given.
    pub fn redirect_uri(&self) -> &str {
        &self.0.parts.redirect_uri
    }

    /// The scope that is requested, as one text.
    pub fn scope(&self) -> &str {
        &self.0.parts.scope
    }

    /// Whether an ID token is requested.
    #[doc(hidden)]
    pub fn requests_id_token(&self) -> bool {
        names_openid(self.scope())
    }

    /// What the application needs again after the login.
    pub fn return_to(&self) -> Option<&str> {
        self.0.parts.return_to.as_deref()
    }

    /// When the request was made, in seconds since 1970.
    pub fn created_at(&self) -> i64 {
        self.0.parts.created_at
    }

    /// From when on the callback is too late, in seconds since 1970.
    pub fn expires_at(&self) -> i64 {
        self.0.parts.expires_at
    }

    /// The request as one text of characters that a cookie can hold; the same in all languages. It
    /// contains the code verifier.
    pub fn export(&self) -> Secret {
        Secret::from(URL_SAFE_NO_PAD.encode(self.to_json()))
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    /// Refuses a request whose single use is taken.
    pub(super) fn check_unused(&self) -> Result<()> {
        if self.0.used.load(Ordering::Acquire) { Err(already_used()) } else { Ok(()) }
    }

    /// Takes the single use. Only one caller gets it.
    pub(super) fn take(&self) -> Result<()> {
        if self.0.used.swap(true, Ordering::AcqRel) { Err(already_used()) } else { Ok(()) }
    }
}

impl Parts {
    fn exported(exported: &str) -> Result<Self> {
        if exported.len() > MAX_EXPORT {
            return Err(expired("is longer than any that was exported"));
        }
        Self::read(&URL_SAFE_NO_PAD.decode(exported.trim()).unwrap_or_default())
    }

    fn read(json: &[u8]) -> Result<Self> {
        let parts = serde_json::from_slice::<Self>(json);
        let parts = parts.map_err(|_| expired("is not what export() gave: the session was lost or its cookie was cut"))?;
        if parts.format != FORMAT {
            return Err(expired("was written by another version of sipgate-oauth2"));
        }
        parts.check().map_err(|_| expired("was changed since it was exported"))?;
        Ok(parts)
    }

    /// Checks what holds for each request that was made here.
    fn check(&self) -> Result<()> {
        uri::endpoint("issuer", &self.issuer)?;
        uri::endpoint("authorization_endpoint", &self.authorization_endpoint)?;
        uri::endpoint("token_endpoint", &self.token_endpoint)?;
        check_redirect_uri(&self.redirect_uri)?;
        check_state(&self.state)?;
        pkce::check_verifier(&self.code_verifier)?;
        Scope::from(self.scope.as_str()).checked("scope")?;
        check_value("client_id", &self.client_id)?;
        check_value("nonce", &self.nonce)?;
        self.return_to.as_deref().map_or(Ok(()), |return_to| check_value("return_to", return_to))?;
        for (name, value) in &self.parameters {
            if is_own_parameter(name) {
                return Err(Error::invalid_argument("extra", "is a parameter that this library sets"));
            }
            check_parameter(name, value)?;
        }
        match self.expires_at.checked_sub(self.created_at) {
            Some(1..=LONGEST_LIFE_SECONDS) if self.created_at >= 0 => Ok(()),
            _ => Err(Error::invalid_argument("expires_at", "is out of bounds")),
        }
    }

    /// What the ID token must say, from the parameters that were sent.
    pub(super) fn id_token_requirements(&self) -> IdTokenRequirements {
        let sent = |name| self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        // Checked when the request was made or restored.
        let claims = sent("claims").and_then(|json| ClaimsParameter::parse(json).ok()).unwrap_or_default();
        IdTokenRequirements {
            nonce: Some(self.nonce.clone()),
            max_age: sent("max_age").and_then(|seconds| seconds.parse().ok()),
            auth_time: claims.auth_time,
            acr_values: claims.acr_values,
        }
    }

    /// Refuses a request that has expired.
    pub(super) fn check_time(&self, now: i64) -> Result<()> {
        if now >= self.expires_at {
            return Err(Error::new(ErrorCode::LoginExpired, "the login took longer than 30 minutes; log in again"));
        }
        if self.created_at.saturating_sub(now) > LONGEST_LIFE_SECONDS {
            return Err(expired("is from the future: it was changed, or the clock was set back"));
        }
        Ok(())
    }

    /// RFC 6749, section 4.1.1. The order of the first parameters is that of sipgate's
    /// documentation. A nonce is for the ID token: strict servers refuse one if none was requested.
    fn url(&self) -> Result<String> {
        let code_challenge = pkce::challenge(&self.code_verifier);
        let own = [
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("response_type", "code"),
            ("state", &self.state),
            ("code_challenge", &code_challenge),
            ("code_challenge_method", "S256"),
        ];
        let nonce = names_openid(&self.scope).then_some(("nonce", self.nonce.as_str()));
        let mode = self.response_mode.map(|mode| ("response_mode", mode.as_str()));
        let others = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let url = form::with_query(&self.authorization_endpoint, own.into_iter().chain(nonce).chain(mode).chain(others));
        if url.len() > 16 * 1024 {
            return Err(Error::invalid_argument("extra", "makes the authorization URL longer than 16 KiB; ask for less"));
        }
        Ok(url)
    }
}

/// What the browser could change is never a matter of configuration.
pub(super) fn expired(problem: &str) -> Error {
    Error::new(ErrorCode::LoginExpired, format!("the authorization request {problem}; log in again"))
}

fn already_used() -> Error {
    Error::new(
        ErrorCode::LoginAlreadyUsed,
        "this authorization request was used already, as when the browser loads a callback twice; log in again if there is no session",
    )
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("issuer", &self.0.parts.issuer)
            .field("client_id", &self.0.parts.client_id)
            .field("redirect_uri", &self.0.parts.redirect_uri)
            .field("scope", &self.0.parts.scope)
            .field("expires_at", &self.0.parts.expires_at)
            .finish_non_exhaustive()
    }
}

/// Checks a redirect URI (RFC 6749, section 3.1.2). It is kept byte for byte.
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`] that names `redirect_uri`.
pub fn check_redirect_uri(redirect_uri: &str) -> Result<()> {
    check_callback_uri("redirect_uri", redirect_uri)
}

/// Checks an address of the application that a server sends the user to.
pub(crate) fn check_callback_uri(field: &str, text: &str) -> Result<()> {
    let url = uri::absolute(field, text)?;
    if text.contains('#') {
        return Err(Error::invalid_argument(field, "has a fragment; remove everything from the # on (RFC 6749, section 3.1.2)"));
    }
    match url.query_pairs().find(|(name, _)| CALLBACK_PARAMETERS.contains(&name.as_ref())) {
        Some((name, _)) => {
            Err(Error::invalid_argument(field, format_args!("has {name} in its own query, which the callback needs; rename it")))
        }
        None => Ok(()),
    }
}

fn check_state(state: &str) -> Result<()> {
    if state.is_empty() {
        return Err(Error::invalid_argument("state", "is empty; leave it out for a random one"));
    }
    if state.len() > MAX_STATE {
        return Err(Error::invalid_argument(
            "state",
            format_args!("is longer than {MAX_STATE} characters, which Keycloak drops silently; use return_to for data"),
        ));
    }
    if !is_printable(state) {
        return Err(Error::invalid_argument("state", "must be printable ASCII (RFC 6749, appendix A.5); use return_to for data"));
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) const NOW: i64 = 1_700_000_000;

    pub(crate) fn request(parameters: impl Into<AuthorizationParameters>) -> Result<AuthorizationRequest> {
        request_of(false, parameters)
    }

    /// At a server that announced that it sends `iss`.
    pub(crate) fn request_with_iss() -> AuthorizationRequest {
        request_of(true, "a").unwrap()
    }

    fn metadata_of(iss_required: bool) -> ServerMetadata {
        let mut metadata = ServerMetadata::keycloak("https://login.example", "r").unwrap();
        metadata.authorization_response_iss_parameter_supported = iss_required;
        metadata
    }

    fn request_of(iss_required: bool, parameters: impl Into<AuthorizationParameters>) -> Result<AuthorizationRequest> {
        let random = RandomValues { state: "drawn-state".into(), nonce: "drawn-nonce".into(), code_verifier: "v".repeat(43) };
        build(&metadata_of(iss_required), "1-0-a:r", Some("https://app.example/cb"), parameters.into(), random, NOW)
    }

    #[test]
    fn the_url_holds_every_parameter_once_and_in_order() {
        let request = request(AuthorizationParameters::new("a b").prompt("login").extra("kc_idp_hint", "x y")).unwrap();
        assert_eq!(
            request.url(),
            format!(
                "https://login.example/realms/r/protocol/openid-connect/auth?client_id=1-0-a%3Ar&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=a+b\
                 &response_type=code&state=drawn-state&code_challenge={}&code_challenge_method=S256&prompt=login&kc_idp_hint=x+y",
                pkce::challenge(&"v".repeat(43))
            )
        );
    }

    #[test]
    fn a_nonce_is_sent_where_an_id_token_is_asked_for() {
        assert!(request("a openid").unwrap().url().contains("&nonce=drawn-nonce"));
        assert!(!request("a openid2").unwrap().url().contains("nonce"));
    }

    #[test]
    fn an_export_restores_to_the_same_request() {
        let request = request(AuthorizationParameters::new("a").return_to("/inbox").response_mode(ResponseMode::FormPost)).unwrap();
        let restored = AuthorizationRequest::restore(request.export().reveal()).unwrap();
        assert_eq!(restored.url(), request.url());
        assert_eq!(restored.return_to(), Some("/inbox"));
        assert_eq!(restored.expires_at(), NOW + 1800);
        assert_eq!(restored.export(), request.export());
    }

    /// A request restored from an export with some members changed.
    fn changed(changes: &serde_json::Value) -> Result<AuthorizationRequest> {
        let export = request(AuthorizationParameters::new("a").return_to("/inbox").extra("x", "y")).unwrap().export();
        let mut json: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(export.reveal()).unwrap()).unwrap();
        json.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        AuthorizationRequest::restore(&URL_SAFE_NO_PAD.encode(json.to_string()))
    }

    #[test]
    fn a_request_that_its_holder_changed_is_expired() {
        use serde_json::json;

        assert!(changed(&json!({})).is_ok());
        for changes in [
            json!({"format": 2}),
            json!({"expires_at": i64::MAX}),
            json!({"expires_at": NOW + 300 * 365 * 86_400}),
            json!({"expires_at": NOW}),
            json!({"expires_at": NOW + 86_401}),
            json!({"created_at": i64::MIN}),
            json!({"created_at": i64::MIN, "expires_at": i64::MAX}),
            json!({"created_at": -1, "expires_at": 1}),
            json!({"redirect_uri": "https://app.example/#"}),
            json!({"authorization_endpoint": "http://evil.example/"}),
            json!({"token_endpoint": "/token"}),
            json!({"issuer": ""}),
            json!({"client_id": "a\n"}),
            json!({"nonce": ""}),
            json!({"state": "ä"}),
            json!({"code_verifier": "short"}),
            json!({"scope": "\""}),
            json!({"return_to": "\r\nSet-Cookie: a=b"}),
            json!({"parameters": [["state", "x"]]}),
            json!({"parameters": [["x", "\n"]]}),
            json!({"parameters": [["max_age", "soon"]]}),
            json!({"parameters": [["claims", "[]"]]}),
            json!({"parameters": [["id_token_hint", "a b"]]}),
        ] {
            let error = changed(&changes).unwrap_err();
            assert_eq!(error.code(), ErrorCode::LoginExpired, "{changes}: {error}");
        }
    }

    #[test]
    fn a_request_from_the_future_cannot_be_completed() {
        let made = |at: i64| changed(&serde_json::json!({"created_at": at, "expires_at": at + 1800})).unwrap();
        let check = |at: i64| made(at).parts().check_time(NOW).map_err(|error| error.code());
        for (at, outcome) in [
            (NOW, Ok(())),
            (NOW - 1799, Ok(())),
            (NOW - 1800, Err(ErrorCode::LoginExpired)),
            (NOW + 86_400, Ok(())),
            (NOW + 86_401, Err(ErrorCode::LoginExpired)),
            (i64::MAX - 1800, Err(ErrorCode::LoginExpired)),
        ] {
            assert_eq!(check(at), outcome, "{at}");
        }
    }

    #[test]
    fn that_a_request_was_used_is_remembered_for_25_hours_at_most() {
        let made = |at: i64, life: i64| changed(&serde_json::json!({"created_at": at, "expires_at": at + life})).unwrap();
        assert_eq!(remembered_until(&made(NOW, 1800), NOW), NOW + 5400);
        assert_eq!(remembered_until(&made(NOW + 86_400, 86_400), NOW), NOW + 90_000);
        assert_eq!(remembered_until(&made(i64::MAX - 1800, 1800), NOW), NOW + 90_000);
    }

    #[test]
    fn a_request_belongs_to_the_client_that_made_it() {
        let endpoints = metadata_of(false);
        let belongs = |request: &AuthorizationRequest, redirect_uri| {
            check_belongs(request, &endpoints, "1-0-a:r", redirect_uri).map_err(|error| error.code())
        };
        let own = Some("https://app.example/cb");
        for (changes, outcome) in [
            (serde_json::json!({}), Ok(())),
            (serde_json::json!({"redirect_uri": "https://APP.example:443/other"}), Ok(())),
            (serde_json::json!({"redirect_uri": "https://evil.example/cb"}), Err(ErrorCode::LoginExpired)),
            (serde_json::json!({"redirect_uri": "http://app.example/cb"}), Err(ErrorCode::LoginExpired)),
            (serde_json::json!({"redirect_uri": "https://app.example:8443/cb"}), Err(ErrorCode::LoginExpired)),
            (serde_json::json!({"authorization_endpoint": "https://evil.example/"}), Err(ErrorCode::LoginExpired)),
            (serde_json::json!({"token_endpoint": "https://evil.example/"}), Err(ErrorCode::LoginExpired)),
            (serde_json::json!({"client_id": "other"}), Err(ErrorCode::LoginExpired)),
            (serde_json::json!({"iss_required": true}), Err(ErrorCode::LoginExpired)),
        ] {
            assert_eq!(belongs(&changed(&changes).unwrap(), own), outcome, "{changes}");
        }
        let elsewhere = changed(&serde_json::json!({"redirect_uri": "https://tenant.example/cb"})).unwrap();
        assert_eq!(belongs(&elsewhere, None), Ok(()));
        let made = request(AuthorizationParameters::new("a").redirect_uri("https://tenant.example/cb")).unwrap();
        assert_eq!(belongs(&made, own), Ok(()));
        assert_eq!(belongs(&AuthorizationRequest::reopen(made.export().reveal()).unwrap(), own), Ok(()));
        let of_another = check_belongs(&made, &endpoints, "other", own).unwrap_err();
        assert_eq!(of_another.code(), ErrorCode::InvalidArgument);
        let phone = changed(&serde_json::json!({"redirect_uri": "http://127.0.0.1:4711/cb"})).unwrap();
        assert_eq!(belongs(&phone, Some("http://127.0.0.1/cb")), Ok(()));
    }

    #[test]
    fn what_the_id_token_must_say_follows_from_what_was_sent() {
        let nothing = IdTokenRequirements { nonce: Some("drawn-nonce".into()), max_age: None, auth_time: false, acr_values: Vec::new() };
        assert_eq!(request("openid").unwrap().parts().id_token_requirements(), nothing);
        let claims = r#"{"id_token":{"auth_time":{"essential":true},"acr":{"essential":true,"values":["gold"]}}}"#;
        let parameters =
            AuthorizationParameters::new("openid").max_age(0).acr_values("silver").claims(claims).id_token_hint("i".repeat(3000));
        let request = request(parameters).unwrap();
        assert!(request.url().contains("&max_age=0&acr_values=silver&claims=%7B%22id_token%22"), "{}", request.url());
        assert!(request.url().ends_with(&format!("&id_token_hint={}", "i".repeat(3000))));
        let required = IdTokenRequirements { max_age: Some(0), auth_time: true, acr_values: vec!["gold".into()], ..nothing };
        assert_eq!(request.parts().id_token_requirements(), required);
        assert_eq!(AuthorizationRequest::restore(request.export().reveal()).unwrap().parts().id_token_requirements(), required);
    }

    #[test]
    fn the_largest_request_restores() {
        let many = (0..).map(|number| format!("{number:x}"));
        let parameters = many.take(3000).fold(AuthorizationParameters::new("a"), |parameters, name| parameters.extra(name, "\""));
        let largest = request(parameters.return_to("\"".repeat(2048))).unwrap_err();
        assert!(largest.to_string().contains("16 KiB"), "{largest}");
        let many = (0..).map(|number| format!("{number:x}"));
        let parameters = many.take(2700).fold(AuthorizationParameters::new("a"), |parameters, name| parameters.extra(name, "1"));
        let large = request(parameters.return_to("\"".repeat(2048))).unwrap();
        assert!(AuthorizationRequest::restore(large.export().reveal()).is_ok(), "{}", large.export().reveal().len());
    }

    #[test]
    fn rubbish_is_no_export() {
        let export = request("a").unwrap().export();
        for bad in ["", "x", "ä", "e30", &export.reveal()[..100], &"A".repeat(40_000)] {
            let error = AuthorizationRequest::restore(bad).unwrap_err();
            assert_eq!((error.code(), error.remedy()), (ErrorCode::LoginExpired, crate::error::Remedy::LogInAgain), "{bad}");
        }
    }

    #[test]
    fn impossible_redirect_uris_are_refused() {
        for bad in [
            "",
            "/cb",
            "app.example/cb",
            "https://",
            "https://app.example/cb#x",
            "https://app.example/cb?state=1",
            "https://app.example/cb?a=1&code=2",
            "https://app .example",
        ] {
            let error = request(AuthorizationParameters::new("a").redirect_uri(bad)).unwrap_err();
            assert!(error.to_string().starts_with("redirect_uri: "), "{bad}: {error}");
        }
        for good in [
            "https://app.example",
            "https://app.example/",
            "https://app.example/cb?x=1&y=%2F",
            "http://127.0.0.1:8080/cb",
            "com.example.app:/cb",
        ] {
            let accepted = request(AuthorizationParameters::new("a").redirect_uri(good)).unwrap();
            assert_eq!(accepted.redirect_uri(), good);
        }
    }

    #[test]
    fn parameters_of_ours_cannot_be_set_twice() {
        for name in
            ["client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "prompt", "response_mode", "max_age", "claims"]
        {
            assert!(request(AuthorizationParameters::new("a").extra(name, "x")).unwrap_err().to_string().contains(name));
        }
        assert!(request(AuthorizationParameters::new("a").extra("b", "1").extra("b", "2")).is_err());
    }

    #[test]
    fn a_state_of_the_callers_own_is_limited() {
        assert_eq!(request(AuthorizationParameters::new("a").state("s".repeat(512))).unwrap().state().len(), 512);
        for bad in [String::new(), "s".repeat(513), "ä".into(), "a\n".into()] {
            assert!(request(AuthorizationParameters::new("a").state(bad)).unwrap_err().to_string().starts_with("state: "));
        }
    }

    #[test]
    fn debug_shows_no_verifier_and_no_state() {
        let text = format!("{:?}", request("a").unwrap());
        assert!(!text.contains("vvvv") && !text.contains("drawn"), "{text}");
    }

    #[test]
    fn the_single_use_is_shared_by_clones_and_can_be_given_back() {
        let request = request("a").unwrap();
        let clone = request.clone();
        request.take().unwrap();
        assert_eq!(clone.take().unwrap_err().code(), ErrorCode::LoginAlreadyUsed);
        give_back(&clone);
        request.take().unwrap();
    }

    #[test]
    fn what_the_request_was_made_with_can_be_read() {
        let request = request("b a").unwrap();
        assert_eq!((request.state(), request.nonce(), request.scope()), ("drawn-state", "drawn-nonce", "b a"));
        assert_eq!((request.created_at(), request.expires_at()), (NOW, NOW + 1800));
    }

    #[test]
    fn an_export_is_read_up_to_64_kib() {
        let export = request("a").unwrap().export();
        let padded = |length: usize| {
            let padding = " ".repeat(length - export.reveal().len());
            AuthorizationRequest::restore(&format!("{}{padding}", export.reveal()))
        };
        assert!(padded(64 * 1024).is_ok());
        assert!(padded(64 * 1024 + 1).unwrap_err().to_string().contains("longer"));
    }

    #[test]
    fn a_url_has_at_most_16_kib() {
        let filled = |missing: usize| {
            let (full, rest) = (missing / 1000, missing % 1000);
            let parameters = (0..full).fold(AuthorizationParameters::new("a"), |p, index| p.extra(format!("x{index:02}"), "v".repeat(995)));
            request(parameters.extra("rest", "v".repeat(rest + 1)))
        };
        let missing = 16 * 1024 - filled(0).unwrap().url().len();
        assert_eq!(filled(missing).unwrap().url().len(), 16 * 1024);
        assert!(filled(missing + 1).unwrap_err().to_string().starts_with("extra: "));
    }

    #[test]
    fn debug_names_the_client() {
        let text = format!("{:?}", request("a").unwrap());
        assert!(text.contains("1-0-a:r") && text.contains("https://app.example/cb"), "{text}");
    }
}
