//! An authorization code and what must go with it (RFC 6749, section 4.1.3).

use super::authorization_request::{IdTokenRequirements, check_redirect_uri};
use super::pkce;
use super::scope::Scope;
use super::syntax::is_code;
use crate::error::{Error, Result};
use crate::secret::{CodeVerifier, Secret};

/// An authorization code with what must be sent with it: for applications that check authorization
/// responses themselves.
///
/// `Client::exchange_callback` makes one from a response that it has checked.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client, code: &str, verifier: &str) -> sipgate_oauth2::Result<()> {
/// use sipgate_oauth2::AuthorizationCode;
///
/// let tokens = client.exchange_code(AuthorizationCode::new(code).code_verifier(verifier))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthorizationCode {
    pub(super) code: Secret,
    pub(super) code_verifier: Option<CodeVerifier>,
    pub(super) redirect_uri: Option<String>,
    pub(super) scope: Option<Scope>,
    pub(super) id_token: IdTokenRequirements,
}

impl AuthorizationCode {
    /// A code from an authorization response, decoded.
    pub fn new(code: impl Into<Secret>) -> Self {
        Self { code: code.into(), code_verifier: None, redirect_uri: None, scope: None, id_token: IdTokenRequirements::default() }
    }

    /// The PKCE verifier whose challenge was in the authorization URL (RFC 7636, section 4.5).
    pub fn code_verifier(mut self, code_verifier: impl Into<CodeVerifier>) -> Self {
        self.code_verifier = Some(code_verifier.into());
        self
    }

    /// The redirect URI of the authorization URL, if it is not the client's own.
    pub fn redirect_uri(mut self, redirect_uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(redirect_uri.into());
        self
    }

    /// The scope that was requested: it was granted if the token response does not say otherwise.
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// The `nonce` of the authorization URL, which the ID token must repeat (OpenID Connect Core,
    /// section 3.1.3.7).
    pub fn nonce(mut self, nonce: impl Into<String>) -> Self {
        self.id_token.nonce = Some(nonce.into());
        self
    }

    /// What the authorization request asked for.
    pub(super) fn id_token(mut self, requirements: IdTokenRequirements) -> Self {
        self.id_token = requirements;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if !is_code(self.code.reveal()) {
            let problem = "must be 1 to 4096 printable ASCII characters; pass the value of the callback, decoded";
            return Err(Error::invalid_argument("code", problem));
        }
        if let Some(verifier) = &self.code_verifier {
            pkce::check_verifier(verifier.reveal())?;
        }
        self.redirect_uri.as_deref().map_or(Ok(()), check_redirect_uri)
    }
}

impl From<&str> for AuthorizationCode {
    fn from(code: &str) -> Self {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: &AuthorizationCode) -> String {
        code.check().unwrap_err().to_string()
    }

    #[test]
    fn a_code_is_checked_before_it_is_sent() {
        let good = AuthorizationCode::new("c o d e").code_verifier("v".repeat(43)).redirect_uri("https://app.example/cb");
        assert!(good.check().is_ok());
        assert!(AuthorizationCode::new("c").check().is_ok());
        assert!(problem(&AuthorizationCode::new("")).starts_with("code: "));
        assert!(problem(&AuthorizationCode::new("c").code_verifier("v")).starts_with("code_verifier: "));
        assert!(problem(&AuthorizationCode::new("c").redirect_uri("/cb")).starts_with("redirect_uri: "));
    }
}
