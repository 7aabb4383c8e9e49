//! An authorization code and what must go with it (RFC 6749, section 4.1.3).

use super::scope::Scope;
use super::{authorization, pkce};
use crate::error::{Error, Result};
use crate::secret::{CodeVerifier, Secret};

/// An authorization code with what must be sent beside it: for applications that check their callbacks themselves.
///
/// [`Client::exchange_callback`](crate::Client::exchange_callback) makes one from a callback that it has checked.
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
    pub(crate) code: Secret,
    pub(crate) code_verifier: Option<CodeVerifier>,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) scope: Option<Scope>,
}

impl AuthorizationCode {
    /// A code as the callback brought it, decoded.
    pub fn new(code: impl Into<Secret>) -> Self {
        Self { code: code.into(), code_verifier: None, redirect_uri: None, scope: None }
    }

    /// The PKCE verifier whose challenge was in the authorization URL (RFC 7636, section 4.5).
    pub fn code_verifier(mut self, code_verifier: impl Into<CodeVerifier>) -> Self {
        self.code_verifier = Some(code_verifier.into());
        self
    }

    /// The redirect URI of the authorization URL, where it was not the client's.
    pub fn redirect_uri(mut self, redirect_uri: impl Into<String>) -> Self {
        self.redirect_uri = Some(redirect_uri.into());
        self
    }

    /// The scope that was asked for: what was granted where the answer does not say.
    pub fn scope(mut self, scope: impl Into<Scope>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        if !is_code(self.code.reveal()) {
            return Err(Error::argument("code", "must be 1 to 4096 printable ASCII characters; pass the value of the callback, decoded"));
        }
        if let Some(verifier) = &self.code_verifier {
            pkce::check_verifier(verifier.reveal())?;
        }
        self.redirect_uri.as_deref().map_or(Ok(()), authorization::check_redirect_uri)
    }
}

impl From<&str> for AuthorizationCode {
    fn from(code: &str) -> Self {
        Self::new(code)
    }
}

/// RFC 6749, appendix A.11, with a limit.
pub(crate) fn is_code(code: &str) -> bool {
    (1..=4096).contains(&code.len()) && code.bytes().all(|byte| matches!(byte, 0x20..=0x7E))
}
