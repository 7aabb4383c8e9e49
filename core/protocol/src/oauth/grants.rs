//! Token requests, by grant: an authorization code (RFC 6749, section 4.1.3) and a refresh token
//! (section 6). A further grant is one more constructor of [`TokenRequest`].

use super::authorization_code::AuthorizationCode;
use super::authorization_request::IdTokenRequirements;
use super::endpoint_request::{EndpointRequest, OnFailure};
use super::scope::{Scope, names_openid};
use super::syntax::is_refresh_token;
use super::token_response::{Previous, TokenResponse};
use super::token_set::TokenSet;
use crate::error::{Error, ErrorCode, Remedy, Result};
use crate::secret::{IdToken, RefreshToken, Secret};

/// A refresh token, and what is known of the login that it belongs to.
///
/// Made from a refresh token alone, or from the last [`TokenSet`], whose scope and ID token then
/// stay if the response has none.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client) -> sipgate_oauth2::Result<()> {
/// use sipgate_oauth2::RefreshParameters;
///
/// let narrowed = client.refresh(RefreshParameters::new("a refresh token").scope("balance:read"))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RefreshParameters {
    /// `None` if it was made from tokens that have none.
    refresh_token: Option<RefreshToken>,
    scope: Option<Scope>,
    granted_scope: Option<String>,
    id_token: Option<IdToken>,
    id_token_verified: bool,
}

impl RefreshParameters {
    /// A refresh with this refresh token.
    pub fn new(refresh_token: impl Into<RefreshToken>) -> Self {
        Self { refresh_token: Some(refresh_token.into()), scope: None, granted_scope: None, id_token: None, id_token_verified: false }
    }

    /// Requests less than was granted. Without it no scope is sent, and the scope stays as it is.
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.scope = Some(scope.into());
        self
    }
}

impl From<&RefreshToken> for RefreshParameters {
    fn from(refresh_token: &RefreshToken) -> Self {
        Self::new(refresh_token.clone())
    }
}

impl From<&str> for RefreshParameters {
    fn from(refresh_token: &str) -> Self {
        Self::new(refresh_token)
    }
}

/// Without a refresh token in `tokens`, the refresh fails with [`ErrorCode::LoginRequired`].
impl From<&TokenSet> for RefreshParameters {
    fn from(tokens: &TokenSet) -> Self {
        Self {
            refresh_token: tokens.refresh_token().cloned(),
            scope: None,
            granted_scope: tokens.scope().map(str::to_owned),
            id_token: tokens.id_token().cloned(),
            id_token_verified: tokens.id_token_verified(),
        }
    }
}

/// A token request as a value: what is sent, what a failure means, and what the response is
/// completed with.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    grant_type: &'static str,
    request: EndpointRequest,
    previous: Previous,
    /// The user logs in with openid: unless the server says that it did not grant that, there is an
    /// ID token (OpenID Connect Core, section 3.1.3.3).
    wants_id_token: bool,
    /// What the ID token must say.
    requirements: IdTokenRequirements,
}

impl TokenRequest {
    /// The exchange of an authorization code (RFC 6749, section 4.1.3).
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`] that names what cannot be sent.
    pub fn code(code: AuthorizationCode, client_redirect_uri: Option<&str>) -> Result<Self> {
        code.check()?;
        let scope = code.scope.map(|scope| scope.checked("scope")).transpose()?;
        let redirect_uri = code.redirect_uri.or_else(|| client_redirect_uri.map(str::to_owned));
        let redirect_uri = redirect_uri.map(|uri| ("redirect_uri", uri.into()));
        let code_verifier = code.code_verifier.map(|verifier| ("code_verifier", verifier.reveal().into()));
        let parameters = [("code", code.code)].into_iter().chain(redirect_uri).chain(code_verifier);
        let wants_id_token = scope.as_deref().is_some_and(names_openid);
        let previous = Previous { scope, ..Previous::default() };
        let requirements = code.id_token;
        let request = Self::new("authorization_code", OnFailure::SpentByTheAttempt, parameters, previous);
        Ok(Self { wants_id_token, requirements, ..request })
    }

    /// A refresh (RFC 6749, section 6).
    ///
    /// # Errors
    ///
    /// [`ErrorCode::LoginRequired`] without a refresh token, and [`ErrorCode::InvalidArgument`]
    /// that names what cannot be sent.
    pub fn refresh(parameters: RefreshParameters) -> Result<Self> {
        let refresh_token = parameters.refresh_token.ok_or_else(|| {
            Error::new(
                ErrorCode::LoginRequired,
                "refresh_token: there is none in these tokens; log in again, and check that the client may use refresh tokens",
            )
        })?;
        if !is_refresh_token(refresh_token.reveal()) {
            let problem = "must be 1 to 65536 printable ASCII characters; pass it as the server sent it";
            return Err(Error::invalid_argument("refresh_token", problem));
        }
        let scope = parameters.scope.map(|scope| scope.checked("scope")).transpose()?;
        let sent = [("refresh_token", refresh_token.reveal().into())].into_iter();
        let sent = sent.chain(scope.clone().map(|scope| ("scope", scope.into())));
        let previous = Previous {
            refresh_token: Some(refresh_token),
            id_token: parameters.id_token,
            id_token_verified: parameters.id_token_verified,
            scope: scope.or(parameters.granted_scope),
        };
        Ok(Self::new("refresh_token", OnFailure::StillGood, sent, previous))
    }

    /// The refresh of a stored login.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`] if the refresh token cannot be sent.
    pub fn stored(refresh_token: &RefreshToken, tokens: Option<&TokenSet>) -> Result<Self> {
        Self::refresh(RefreshParameters {
            refresh_token: Some(refresh_token.clone()),
            scope: None,
            granted_scope: tokens.and_then(TokenSet::scope).map(str::to_owned),
            id_token: tokens.and_then(TokenSet::id_token).cloned(),
            id_token_verified: tokens.is_some_and(TokenSet::id_token_verified),
        })
    }

    fn new(
        grant_type: &'static str,
        on_failure: OnFailure,
        parameters: impl Iterator<Item = (&'static str, Secret)>,
        previous: Previous,
    ) -> Self {
        let parameters = [("grant_type", grant_type.into())].into_iter().chain(parameters).collect();
        let id_token = previous.id_token.as_ref().map(|token| token.reveal().into());
        let request = EndpointRequest::new("token", on_failure, parameters).with_related(id_token);
        Self { grant_type, request, previous, wants_id_token: false, requirements: IdTokenRequirements::default() }
    }

    /// The value of `grant_type`.
    pub fn grant_type(&self) -> &'static str {
        self.grant_type
    }

    /// The request to the token endpoint.
    pub fn request(&self) -> &EndpointRequest {
        &self.request
    }

    /// Whether the response should have an ID token.
    pub fn wants_id_token(&self) -> bool {
        self.wants_id_token
    }

    /// What the ID token must say because the authorization request asked for it.
    pub fn id_token_requirements(&self) -> &IdTokenRequirements {
        &self.requirements
    }

    /// The last ID token of the login, if it was verified.
    pub fn previous_id_token(&self) -> Option<&IdToken> {
        self.previous.id_token.as_ref().filter(|_| self.previous.id_token_verified)
    }

    /// Whether these tokens have an ID token that must be judged: a new one, where openid was
    /// requested or granted.
    pub fn must_be_judged(&self, tokens: &TokenSet) -> bool {
        let is_new = tokens.id_token().is_some() && !tokens.id_token_kept();
        is_new && (self.wants_id_token || tokens.scope().is_some_and(names_openid))
    }

    /// The same tokens with the ID token that the request was made with, if there is one, in place
    /// of a new one.
    pub fn with_previous_id_token(&self, tokens: TokenSet) -> TokenSet {
        let Previous { id_token, id_token_verified, .. } = &self.previous;
        TokenSet { id_token: id_token.clone(), id_token_kept: id_token.is_some(), id_token_verified: *id_token_verified, ..tokens }
    }

    /// The response completed with what was requested, and judged. `sent_at` is when the request
    /// was sent, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// Why the tokens may not be handed out.
    pub fn complete(&self, response: TokenResponse, sent_at: i64) -> Result<TokenSet> {
        let status = response.status();
        self.completed(response, sent_at).map_err(|error| error.with_status(status))
    }

    fn completed(&self, response: TokenResponse, sent_at: i64) -> Result<TokenSet> {
        let id_token_due = self.wants_id_token && response.scope().is_none_or(names_openid);
        let tokens = response.complete(sent_at, &self.previous).map_err(|error| {
            // What is spent stays spent; trying later would not help.
            let is_spent = self.request.on_failure() == OnFailure::SpentByTheAttempt;
            if is_spent && error.retryable() { error.with_remedy(Remedy::LogInAgain) } else { error }
        })?;
        if id_token_due && tokens.id_token().is_none() {
            let problem = "id_token: missing, though openid was granted; log in again, or leave openid out";
            return Err(Error::new(ErrorCode::IdToken, problem));
        }
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::super::client_auth::Credentials;
    use super::super::endpoint_response::ResponseContext;
    use super::super::token_response;
    use super::*;
    use crate::http::{Body, Headers, Response};

    fn code(scope: &str) -> TokenRequest {
        let code = AuthorizationCode::new("the code").code_verifier("v".repeat(43)).scope(scope);
        TokenRequest::code(code, Some("https://app.example/cb")).unwrap()
    }

    fn saved() -> TokenSet {
        TokenSet::restore(r#"{"access_token":"a","refresh_token":"r","id_token":"i","scope":"granted"}"#).unwrap()
    }

    fn form(request: &TokenRequest) -> String {
        let credentials = Credentials::new("id".into(), None, None).unwrap();
        let sent = request.request().to("https://login.example/token", &credentials);
        sent.body.unwrap().reveal().strip_suffix("&client_id=id").unwrap().to_owned()
    }

    fn complete(request: &TokenRequest, json: &str) -> Result<TokenSet> {
        let credentials = Credentials::new("id".into(), None, None).unwrap();
        let context = ResponseContext::new(request.request(), "https://login.example/token", &credentials, false, 0);
        let response = Response { status: 200, headers: Headers::default(), body: Body::Whole(json.as_bytes().to_vec()) };
        request.complete(token_response::process(&context, &response)?, 1000)
    }

    #[test]
    fn a_code_is_sent_with_what_belongs_to_it() {
        let whole = "grant_type=authorization_code&code=the+code&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier=";
        assert_eq!(form(&code("a")), format!("{whole}{}", "v".repeat(43)));
        let own = AuthorizationCode::new("c").redirect_uri("https://own.example/");
        let own = TokenRequest::code(own, Some("https://app.example/cb")).unwrap();
        assert_eq!(form(&own), "grant_type=authorization_code&code=c&redirect_uri=https%3A%2F%2Fown.example%2F");
        assert_eq!((code("a").grant_type(), code("a").request().on_failure()), ("authorization_code", OnFailure::SpentByTheAttempt));
    }

    #[test]
    fn a_refresh_sends_a_scope_only_to_request_less() {
        let whole = TokenRequest::refresh(RefreshParameters::from(&saved())).unwrap();
        assert_eq!(form(&whole), "grant_type=refresh_token&refresh_token=r");
        let less = TokenRequest::refresh(RefreshParameters::new("r").scope("b a")).unwrap();
        assert_eq!(form(&less), "grant_type=refresh_token&refresh_token=r&scope=b+a");
        assert_eq!((less.grant_type(), less.request().on_failure()), ("refresh_token", OnFailure::StillGood));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name() {
        let problem = |request: Result<TokenRequest>| request.err().unwrap().to_string();
        for bad in [String::new(), "r".repeat(65_537), "r\n".into(), "ä".into()] {
            assert!(problem(TokenRequest::refresh(RefreshParameters::new(bad))).starts_with("refresh_token: "));
        }
        assert!(TokenRequest::refresh(RefreshParameters::new("~".repeat(65_536))).is_ok());
        assert!(problem(TokenRequest::refresh(RefreshParameters::new("r").scope(""))).starts_with("scope: "));
        assert!(problem(TokenRequest::code(AuthorizationCode::new(""), None)).starts_with("code: "));
        assert!(problem(TokenRequest::code(AuthorizationCode::new("c").scope(""), None)).starts_with("scope: "));
        let without = TokenSet::restore(r#"{"access_token":"a"}"#).unwrap();
        let refused = TokenRequest::refresh(RefreshParameters::from(&without)).err().unwrap();
        assert_eq!(refused.code(), ErrorCode::LoginRequired);
    }

    #[test]
    fn every_secret_of_a_request_is_known() {
        let known =
            |request: &TokenRequest| request.request().secrets().iter().map(|secret| secret.reveal().to_owned()).collect::<Vec<_>>();
        assert_eq!(known(&code("a")), ["the code".to_owned(), "v".repeat(43)]);
        assert_eq!(known(&TokenRequest::refresh(RefreshParameters::from(&saved())).unwrap()), ["r", "i"]);
        let alone = RefreshParameters::from(saved().refresh_token().unwrap()).scope("a");
        assert_eq!(known(&TokenRequest::refresh(alone).unwrap()), ["r"]);
    }

    #[test]
    fn a_refresh_keeps_what_the_response_leaves_out() {
        let refresh = TokenRequest::refresh(RefreshParameters::from(&saved())).unwrap();
        let tokens = complete(&refresh, r#"{"access_token":"new"}"#).unwrap();
        assert_eq!((tokens.refresh_token().unwrap().reveal(), tokens.id_token().unwrap().reveal()), ("r", "i"));
        assert_eq!((tokens.scope(), tokens.expires_at()), (Some("granted"), Some(1300)));
        let narrowed = TokenRequest::refresh(RefreshParameters::new("r").scope("less")).unwrap();
        assert_eq!(complete(&narrowed, r#"{"access_token":"new"}"#).unwrap().scope(), Some("less"));
        assert_eq!(complete(&code("a"), r#"{"access_token":"new"}"#).unwrap().scope(), Some("a"));
    }

    #[test]
    fn an_id_token_must_be_there_if_openid_was_granted() {
        let without = r#"{"access_token":"a"}"#;
        let error = complete(&code("a openid"), without).unwrap_err();
        assert_eq!((error.code(), error.status()), (ErrorCode::IdToken, Some(200)));
        assert!(complete(&code("a openid2"), without).is_ok());
        assert!(complete(&code("openid"), r#"{"access_token":"a","id_token":"i"}"#).is_ok());
        for (granted, due) in
            [(r#""a""#, false), (r#""""#, false), (r#"["a"]"#, false), (r#""a openid""#, true), ("7", true), ("null", true)]
        {
            let tokens = complete(&code("a openid"), &format!(r#"{{"access_token":"a","scope":{granted}}}"#));
            assert_eq!(tokens.is_err(), due, "{granted}");
        }
    }

    #[test]
    fn a_bad_response_to_a_code_means_a_new_login_and_to_a_refresh_another_try() {
        let bad = r#"{"refresh_token":"r"}"#;
        let for_code = complete(&code("a"), bad).unwrap_err();
        assert_eq!((for_code.code(), for_code.remedy()), (ErrorCode::BadResponse, Remedy::LogInAgain));
        let for_refresh = complete(&TokenRequest::refresh("r".into()).unwrap(), bad).unwrap_err();
        assert_eq!((for_refresh.code(), for_refresh.remedy()), (ErrorCode::BadResponse, Remedy::TryLater));
    }
}
