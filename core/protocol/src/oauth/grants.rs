//! The two grants of this library: an authorization code (RFC 6749, section 4.1.3) and a refresh token (section 6).

use super::authorization_code::AuthorizationCode;
use super::scope::{Scope, names_openid};
use super::token_set::{TokenResponse, TokenSet};
use crate::error::{Error, ErrorCode, Remedy, Result};
use crate::secret::{IdToken, RefreshToken, Secret};

/// A refresh token and what is known of the login it belongs to.
///
/// Made from a refresh token alone, or from the last [`TokenSet`], whose scope and ID token then stay where the answer has none.
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
    /// `None`: the tokens that it was to come from have none.
    refresh_token: Option<RefreshToken>,
    scope: Option<Scope>,
    granted_scope: Option<String>,
    id_token: Option<IdToken>,
}

impl RefreshParameters {
    /// A refresh with this token.
    pub fn new(refresh_token: impl Into<RefreshToken>) -> Self {
        Self { refresh_token: Some(refresh_token.into()), scope: None, granted_scope: None, id_token: None }
    }

    /// Ask for less than was granted. Without it no scope is sent, and it stays as it is.
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
        }
    }
}

/// What a token request asks for, and what its answer is to be completed with.
pub enum Grant {
    Code { code: AuthorizationCode, redirect_uri: Option<String>, scope: Option<String> },
    Refresh { refresh_token: RefreshToken, scope: Option<String>, granted_scope: Option<String>, id_token: Option<IdToken> },
}

impl Grant {
    pub fn code(code: AuthorizationCode, client_redirect_uri: Option<&str>) -> Result<Self> {
        code.check()?;
        let scope = code.scope.clone().map(|scope| scope.check("scope")).transpose()?;
        let redirect_uri = code.redirect_uri.clone().or_else(|| client_redirect_uri.map(str::to_owned));
        Ok(Self::Code { code, redirect_uri, scope })
    }

    pub fn refresh(parameters: RefreshParameters) -> Result<Self> {
        let refresh_token = parameters.refresh_token.ok_or_else(|| {
            Error::new(
                ErrorCode::LoginRequired,
                "refresh_token: there is none in these tokens; log in again, and check that the client may use refresh tokens",
            )
        })?;
        if !is_refresh_token(refresh_token.reveal()) {
            return Err(Error::argument("refresh_token", "must be 1 to 65536 printable ASCII characters; pass it as the server sent it"));
        }
        Ok(Self::Refresh {
            refresh_token,
            scope: parameters.scope.map(|scope| scope.check("scope")).transpose()?,
            granted_scope: parameters.granted_scope,
            id_token: parameters.id_token,
        })
    }

    /// The refresh of a stored login.
    pub fn stored(refresh_token: &RefreshToken, tokens: Option<&TokenSet>) -> Result<Self> {
        Self::refresh(RefreshParameters {
            refresh_token: Some(refresh_token.clone()),
            scope: None,
            granted_scope: tokens.and_then(TokenSet::scope).map(str::to_owned),
            id_token: tokens.and_then(TokenSet::id_token).cloned(),
        })
    }

    /// The word for events: the value of `grant_type`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Code { .. } => "authorization_code",
            Self::Refresh { .. } => "refresh_token",
        }
    }

    pub fn is_code(&self) -> bool {
        matches!(self, Self::Code { .. })
    }

    pub fn sent_scope(&self) -> bool {
        matches!(self, Self::Refresh { scope: Some(_), .. })
    }

    /// The form's parameters, without the client's authentication.
    pub fn parameters(&self) -> Vec<(&str, &str)> {
        let mut parameters = vec![("grant_type", self.as_str())];
        match self {
            Self::Code { code, redirect_uri, .. } => {
                parameters.push(("code", code.code.reveal()));
                parameters.extend(redirect_uri.as_deref().map(|uri| ("redirect_uri", uri)));
                parameters.extend(code.code_verifier.as_ref().map(|verifier| ("code_verifier", verifier.reveal())));
            }
            Self::Refresh { refresh_token, scope, .. } => {
                parameters.push(("refresh_token", refresh_token.reveal()));
                parameters.extend(scope.as_deref().map(|scope| ("scope", scope)));
            }
        }
        parameters
    }

    /// What must not show in an error about this request.
    pub fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::Code { code, .. } => {
                let verifier = code.code_verifier.as_ref().map(|verifier| Secret::from(verifier.reveal()));
                std::iter::once(code.code.clone()).chain(verifier).collect()
            }
            Self::Refresh { refresh_token, id_token, .. } => {
                let id_token = id_token.as_ref().map(|token| Secret::from(token.reveal()));
                std::iter::once(Secret::from(refresh_token.reveal())).chain(id_token).collect()
            }
        }
    }

    /// The answer completed with what was asked, and judged. `sent_at` is when the request left, in seconds since 1970.
    pub fn complete(&self, answer: TokenResponse, sent_at: i64) -> Result<TokenSet> {
        let id_token_due = self.is_id_token_due(answer.scope());
        let tokens = match self {
            Self::Code { scope, .. } => answer.complete(sent_at, scope.clone(), None, None),
            Self::Refresh { refresh_token, scope, granted_scope, id_token } => {
                answer.complete(sent_at, scope.clone().or_else(|| granted_scope.clone()), Some(refresh_token), id_token.as_ref())
            }
        };
        let tokens = tokens.map_err(|error| {
            // The code is spent; trying later would not help.
            if self.is_code() && error.retryable() { error.with_remedy(Remedy::LogInAgain) } else { error }
        })?;
        if id_token_due && tokens.id_token().is_none() {
            return Err(Error::new(ErrorCode::IdToken, "id_token: missing, though openid was granted; log in again, or leave openid out"));
        }
        Ok(tokens)
    }

    /// Where openid was asked for, and the server does not say that it granted something else (OpenID Connect Core, section 3.1.3.3).
    fn is_id_token_due(&self, granted: Option<&str>) -> bool {
        let Self::Code { scope: Some(asked), .. } = self else { return false };
        names_openid(asked) && granted.is_none_or(names_openid)
    }
}

/// RFC 6749, appendix A.17, with a limit.
pub fn is_refresh_token(token: &str) -> bool {
    (1..=65_536).contains(&token.len()) && token.bytes().all(|byte| matches!(byte, 0x20..=0x7E))
}

#[cfg(test)]
mod tests {
    use super::super::json::Members;
    use super::*;

    fn code(scope: &str) -> Grant {
        Grant::code(AuthorizationCode::new("the code").code_verifier("v".repeat(43)).scope(scope), Some("https://app.example/cb")).unwrap()
    }

    fn saved() -> TokenSet {
        TokenSet::restore(r#"{"access_token":"a","refresh_token":"r","id_token":"i","scope":"granted"}"#).unwrap()
    }

    fn complete(grant: &Grant, json: &str) -> Result<TokenSet> {
        grant.complete(TokenResponse::read(&Members::parse(json).unwrap()), 1000)
    }

    #[test]
    fn a_code_is_sent_with_what_belongs_to_it() {
        let verifier = "v".repeat(43);
        assert_eq!(
            code("a").parameters(),
            [
                ("grant_type", "authorization_code"),
                ("code", "the code"),
                ("redirect_uri", "https://app.example/cb"),
                ("code_verifier", verifier.as_str()),
            ]
        );
        let own = Grant::code(AuthorizationCode::new("c").redirect_uri("https://own.example/"), Some("https://app.example/cb")).unwrap();
        assert_eq!(own.parameters(), [("grant_type", "authorization_code"), ("code", "c"), ("redirect_uri", "https://own.example/")]);
    }

    #[test]
    fn a_refresh_sends_a_scope_only_where_less_is_asked_for() {
        let whole = Grant::refresh(RefreshParameters::from(&saved())).unwrap();
        assert_eq!(whole.parameters(), [("grant_type", "refresh_token"), ("refresh_token", "r")]);
        let less = Grant::refresh(RefreshParameters::new("r").scope("b a")).unwrap();
        assert_eq!(less.parameters(), [("grant_type", "refresh_token"), ("refresh_token", "r"), ("scope", "b a")]);
        assert_eq!((whole.sent_scope(), less.sent_scope(), code("a").sent_scope()), (false, true, false));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name() {
        let problem = |grant: Result<Grant>| grant.err().unwrap().to_string();
        for bad in [String::new(), "r".repeat(65_537), "r\n".into(), "ä".into()] {
            assert!(problem(Grant::refresh(RefreshParameters::new(bad))).starts_with("refresh_token: "));
        }
        assert!(Grant::refresh(RefreshParameters::new("~".repeat(65_536))).is_ok());
        assert!(problem(Grant::refresh(RefreshParameters::new("r").scope(""))).starts_with("scope: "));
        assert!(problem(Grant::code(AuthorizationCode::new(""), None)).starts_with("code: "));
        let without = TokenSet::restore(r#"{"access_token":"a"}"#).unwrap();
        assert_eq!(Grant::refresh(RefreshParameters::from(&without)).err().unwrap().code(), ErrorCode::LoginRequired);
    }

    #[test]
    fn every_secret_of_a_request_is_known() {
        let known = |grant: &Grant| grant.secrets().iter().map(|secret| secret.reveal().to_owned()).collect::<Vec<_>>();
        assert_eq!(known(&code("a")), ["the code".to_owned(), "v".repeat(43)]);
        assert_eq!(known(&Grant::refresh(RefreshParameters::from(&saved())).unwrap()), ["r", "i"]);
        assert_eq!(known(&Grant::refresh(RefreshParameters::from(saved().refresh_token().unwrap())).unwrap()), ["r"]);
    }

    #[test]
    fn a_refresh_keeps_what_the_answer_leaves_out() {
        let refresh = Grant::refresh(RefreshParameters::from(&saved())).unwrap();
        let tokens = complete(&refresh, r#"{"access_token":"new"}"#).unwrap();
        assert_eq!((tokens.refresh_token().unwrap().reveal(), tokens.id_token().unwrap().reveal()), ("r", "i"));
        assert_eq!((tokens.scope(), tokens.expires_at()), (Some("granted"), Some(1300)));
        let narrowed = Grant::refresh(RefreshParameters::new("r").scope("less")).unwrap();
        assert_eq!(complete(&narrowed, r#"{"access_token":"new"}"#).unwrap().scope(), Some("less"));
    }

    #[test]
    fn an_id_token_must_be_there_where_openid_was_granted() {
        let without = r#"{"access_token":"a"}"#;
        assert_eq!(complete(&code("a openid"), without).unwrap_err().code(), ErrorCode::IdToken);
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
    fn a_bad_answer_to_a_code_means_a_new_login_and_to_a_refresh_another_try() {
        let bad = r#"{"refresh_token":"r"}"#;
        let (for_code, for_refresh) =
            (complete(&code("a"), bad).unwrap_err(), complete(&Grant::refresh("r".into()).unwrap(), bad).unwrap_err());
        assert_eq!((for_code.code(), for_code.remedy()), (ErrorCode::BadResponse, Remedy::LogInAgain));
        assert_eq!((for_refresh.code(), for_refresh.remedy()), (ErrorCode::BadResponse, Remedy::TryLater));
    }
}
