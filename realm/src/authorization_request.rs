//! What a client asks for when it sends the browser to the realm.

/// A request whose response may be sent to its redirect URI.
#[derive(Clone)]
pub(crate) struct AuthorizationRequest {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) scope: Vec<String>,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) login_hint: String,
    /// Whether the browser's session made a password unnecessary.
    pub(crate) single_sign_on: bool,
    pub(crate) mode: ResponseMode,
    pub(crate) prompt: Vec<String>,
    pub(crate) max_age: Option<i64>,
    /// Whether the client named values for `acr`. This realm has one way to log in, which it asks
    /// for again then.
    pub(crate) acr_asked: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

#[derive(Clone)]
pub(crate) struct Challenge {
    pub(crate) value: String,
    pub(crate) hashed: bool,
}

impl AuthorizationRequest {
    pub(crate) fn prompted(&self, prompt: &str) -> bool {
        self.prompt.iter().any(|asked| asked == prompt)
    }
}
