//! The registry of errors: one row per code, the same in every language.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::secret::RefreshToken;

/// The result of this library's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! registry {
    ($($family:ident { $($(#[$doc:meta])* $name:ident = $number:literal, $code:literal, $remedy:ident;)* })*) => {
        /// What went wrong, as one word that is the same in Rust, Python, Node and C.
        ///
        /// ```
        /// use sipgate_oauth2::{ErrorCode, Family};
        ///
        /// assert_eq!(ErrorCode::LoginRequired.as_str(), "SIPGATE_LOGIN_REQUIRED");
        /// assert_eq!(ErrorCode::LoginRequired.family(), Family::LoginRequired);
        /// assert!(ErrorCode::ALL.contains(&ErrorCode::LoginRequired));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        pub enum ErrorCode {
            $($($(#[$doc])* $name = $number,)*)*
        }

        impl ErrorCode {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$($(Self::$name,)*)*];

            /// The code as text, equal to the name of the C constant: `SIPGATE_LOGIN_REQUIRED`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($(Self::$name => $code,)*)*
                }
            }

            /// The family: what an application usually tells apart.
            pub const fn family(self) -> Family {
                match self {
                    $($(Self::$name)|* => Family::$family,)*
                }
            }

            const fn usual_remedy(self) -> Remedy {
                match self {
                    $($(Self::$name => Remedy::$remedy,)*)*
                }
            }
        }
    };
}

registry! {
    Configuration {
        /// An argument or setting cannot be right. The message names it.
        InvalidArgument = 101, "SIPGATE_INVALID_ARGUMENT", FixConfiguration;
        /// The server does not accept the client id, its secret or its way of authenticating.
        InvalidClient = 102, "SIPGATE_INVALID_CLIENT", FixConfiguration;
        /// What responded is not the endpoint: 404, 405, a redirect, another server's page, or a
        /// proxy that requires a login.
        WrongEndpoint = 103, "SIPGATE_WRONG_ENDPOINT", FixConfiguration;
        /// The server's certificate does not verify, or is for another name.
        Certificate = 104, "SIPGATE_CERTIFICATE", FixConfiguration;
        /// The server requires or sent something that this library does not support.
        Unsupported = 105, "SIPGATE_UNSUPPORTED", FixConfiguration;
        /// An OAuth error about the request, or an unknown one at a refresh: see `oauth_error`.
        Oauth = 106, "SIPGATE_OAUTH", FixConfiguration;
    }
    Temporary {
        /// No connection: name look-up, refused, reset, handshake. Nothing was sent.
        Transport = 201, "SIPGATE_TRANSPORT", TryLater;
        /// Time ran out before the request was sent, or the call's own timeout elapsed.
        Timeout = 202, "SIPGATE_TIMEOUT", TryLater;
        /// The request was sent and there is no usable response: it may or may not have been
        /// carried out.
        OutcomeUnknown = 203, "SIPGATE_OUTCOME_UNKNOWN", TryLater;
        /// The server is temporarily unavailable: 429, 503, or a realm that is disabled.
        ServerUnavailable = 204, "SIPGATE_SERVER_UNAVAILABLE", TryLater;
        /// The response is a JSON object without what it must have.
        BadResponse = 205, "SIPGATE_BAD_RESPONSE", TryLater;
        /// Another is doing what only one may do at a time, or no thread could be started.
        Busy = 206, "SIPGATE_BUSY", TryLater;
    }
    LoginRequired {
        /// The login has ended, or there never was one.
        LoginRequired = 301, "SIPGATE_LOGIN_REQUIRED", LogInAgain;
        /// The code could not be exchanged; a code is spent by the attempt. For a refresh: the
        /// server refused it without a reason.
        LoginFailed = 302, "SIPGATE_LOGIN_FAILED", LogInAgain;
        /// The authorization request has expired, is missing, or was changed.
        LoginExpired = 303, "SIPGATE_LOGIN_EXPIRED", LogInAgain;
        /// The authorization request has been used already.
        LoginAlreadyUsed = 304, "SIPGATE_LOGIN_ALREADY_USED", LogInAgain;
    }
    AuthorizationDenied {
        /// The user denied access. Show it; sending them to the server again would loop.
        AuthorizationDenied = 401, "SIPGATE_AUTHORIZATION_DENIED", ShowDenied;
    }
    SecurityCheck {
        /// The callback's `state` is not that of this authorization request.
        StateMismatch = 501, "SIPGATE_STATE_MISMATCH", DiscardInput;
        /// The callback's `iss` is not the server that the request was sent to (RFC 9207).
        IssuerMismatch = 502, "SIPGATE_ISSUER_MISMATCH", DiscardInput;
        /// The callback is malformed, has a parameter twice, or is for another address.
        CallbackRefused = 503, "SIPGATE_CALLBACK_REFUSED", DiscardInput;
        /// The ID token's `nonce` is not that of this login.
        NonceMismatch = 504, "SIPGATE_NONCE_MISMATCH", DiscardInput;
        /// The ID token is missing or does not verify.
        IdToken = 505, "SIPGATE_ID_TOKEN", DiscardInput;
        /// Tokens that failed a check are stored but not handed out.
        Quarantined = 506, "SIPGATE_QUARANTINED", DiscardInput;
    }
    Store {
        /// The store cannot be reached, read or written.
        StoreUnavailable = 601, "SIPGATE_STORE_UNAVAILABLE", TryLater;
        /// What the store holds cannot be read.
        StoreCorrupt = 602, "SIPGATE_STORE_CORRUPT", FixConfiguration;
        /// The store was written by a newer version of the library.
        StoreFormat = 603, "SIPGATE_STORE_FORMAT", FixConfiguration;
        /// The store can be read by others.
        StorePermissions = 604, "SIPGATE_STORE_PERMISSIONS", FixConfiguration;
        /// Tokens are good but could not be saved yet.
        Unsaved = 605, "SIPGATE_UNSAVED", TryLater;
    }
    Other {
        /// The caller cancelled.
        Cancelled = 701, "SIPGATE_CANCELLED", TryLater;
        /// A defect of this library, caught before it could reach the caller.
        Internal = 702, "SIPGATE_INTERNAL", ReportBug;
    }
}

impl ErrorCode {
    /// The number: the value of the C constant. Stable; 0 is never used, as it means success there.
    pub const fn number(self) -> u32 {
        self as u32
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A group of codes that an application treats alike. In Python and Node each is a class.
///
/// ```no_run
/// use sipgate_oauth2::{Client, Family};
///
/// # fn f(client: &Client, log_in: fn(), show: fn(&str)) {
/// match client.refresh("a refresh token") {
///     Ok(tokens) => show(&format!("good until {:?}", tokens.expires_at())),
///     Err(error) if error.family() == Family::LoginRequired => log_in(),
///     Err(error) => show(&error.to_string()),
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// The operator of the application must correct something.
    Configuration,
    /// It may work later without any change.
    Temporary,
    /// The user must log in (again).
    LoginRequired,
    /// The user denied access.
    AuthorizationDenied,
    /// Refused because it may be an attack or a mix-up of servers.
    SecurityCheck,
    /// The store failed.
    Store,
    /// Cancelled, or a defect.
    Other,
}

impl Family {
    /// The name of the class in Python and Node: `ConfigurationError`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "ConfigurationError",
            Self::Temporary => "TemporaryError",
            Self::LoginRequired => "LoginRequiredError",
            Self::AuthorizationDenied => "AuthorizationDeniedError",
            Self::SecurityCheck => "SecurityCheckError",
            Self::Store => "StoreError",
            Self::Other => "SipgateOAuth2Error",
        }
    }
}

/// What to do about an error. It belongs to the occurrence: the same code can have different
/// remedies.
///
/// ```
/// use sipgate_oauth2::Remedy;
///
/// assert_eq!(Remedy::LogInAgain.as_str(), "log_in_again");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Remedy {
    /// Send the user to a new authorization URL.
    LogInAgain,
    /// Correct something; the message names it.
    FixConfiguration,
    /// The same call may work later.
    TryLater,
    /// Do nothing with this input. The user can log in again.
    DiscardInput,
    /// Show the user that access was denied, and let them retry.
    ShowDenied,
    /// Report it to the maintainers of this library.
    ReportBug,
}

impl Remedy {
    pub(crate) const ALL: [Self; 6] =
        [Self::LogInAgain, Self::FixConfiguration, Self::TryLater, Self::DiscardInput, Self::ShowDenied, Self::ReportBug];

    /// The remedy as text, the same in all languages: `log_in_again`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LogInAgain => "log_in_again",
            Self::FixConfiguration => "fix_configuration",
            Self::TryLater => "try_later",
            Self::DiscardInput => "discard_input",
            Self::ShowDenied => "show_denied",
            Self::ReportBug => "report_bug",
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error of this library: a [`code`](Self::code), a [`remedy`](Self::remedy) and a message of
/// one line that names what to change.
///
/// ```
/// use sipgate_oauth2::{ClientBuilder, ErrorCode, Remedy};
///
/// let error = ClientBuilder::sipgate("").build().unwrap_err();
/// assert_eq!(error.code(), ErrorCode::InvalidArgument);
/// assert_eq!(error.remedy(), Remedy::FixConfiguration);
/// assert!(error.to_string().starts_with("client_id: "));
/// ```
#[derive(Clone)]
pub struct Error(Arc<Details>);

#[derive(Clone)]
struct Details {
    code: ErrorCode,
    remedy: Remedy,
    message: String,
    retry_after: Option<Duration>,
    status: Option<u16>,
    oauth: Option<OauthError>,
    refresh_token: Option<RefreshToken>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// The members of an OAuth error response (RFC 6749, section 5.2), without control characters and
/// without the secrets of the request.
#[derive(Clone)]
pub struct OauthError {
    /// The error's code.
    pub error: String,
    /// The server's own words.
    pub description: Option<String>,
    /// A page about the error.
    pub uri: Option<String>,
}

/// The same error with what the server says.
#[must_use]
pub fn with_oauth(error: Error, oauth: OauthError) -> Error {
    error.with(|details| details.oauth = Some(oauth))
}

impl Error {
    /// An error with the usual remedy of its code, such as an application's tests raise in place of
    /// this library. Line breaks in the message become blanks.
    ///
    /// ```
    /// use sipgate_oauth2::{Error, ErrorCode, Remedy};
    ///
    /// let error = Error::new(ErrorCode::ServerUnavailable, "the server is down").with_status(503);
    /// assert_eq!((error.remedy(), error.status()), (Remedy::TryLater, Some(503)));
    /// ```
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Arc::new(Details {
            code,
            remedy: code.usual_remedy(),
            message: one_line(&message.into()),
            retry_after: None,
            status: None,
            oauth: None,
            refresh_token: None,
            cause: None,
        }))
    }

    /// The same error with another remedy, for an application's tests.
    #[must_use]
    pub fn with_remedy(self, remedy: Remedy) -> Self {
        self.with(|details| details.remedy = remedy)
    }

    /// The same error with the HTTP status of a response, for an application's tests.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        self.with(|details| details.status = Some(status))
    }

    /// The same error with how long to wait, for an application's tests.
    #[must_use]
    pub fn with_retry_after(self, retry_after: impl Into<Option<Duration>>) -> Self {
        self.with(|details| details.retry_after = retry_after.into())
    }

    /// The same error with a refresh token to go on with, for an application's tests.
    #[must_use]
    pub fn with_refresh_token(self, refresh_token: impl Into<Option<RefreshToken>>) -> Self {
        self.with(|details| details.refresh_token = refresh_token.into())
    }

    /// The same error with the error that caused it, for an application's tests.
    #[must_use]
    pub fn with_cause(self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.with(|details| details.cause = Some(Arc::from(cause.into())))
    }

    fn with(mut self, change: impl FnOnce(&mut Details)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// A panic that was caught at a boundary. `place` says which. The panic's own text is left out:
    /// it could contain a secret.
    #[doc(hidden)]
    pub fn caught_panic(place: &str) -> Self {
        Self::new(
            ErrorCode::Internal,
            format!("a defect of sipgate-oauth2 was caught in {place}; please report it with the version and what you called"),
        )
    }

    /// A bad argument. `field` is the name that the caller knows it by, and `problem` says what is
    /// wrong and what to do. Bindings raise it for arguments that they cannot convert.
    #[doc(hidden)]
    pub fn invalid_argument(field: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorCode::InvalidArgument, format!("{field}: {problem}"))
    }

    /// A custom store failed by a mistake in its code, which another try does not fix. `cause` says
    /// it.
    #[doc(hidden)]
    pub fn mistaken_store(message: &str, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ErrorCode::StoreUnavailable, message).with_remedy(Remedy::FixConfiguration).with_cause(cause)
    }

    /// What went wrong, as a word that is the same in every language.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The family of the code.
    pub fn family(&self) -> Family {
        self.0.code.family()
    }

    /// What to do about this occurrence.
    pub fn remedy(&self) -> Remedy {
        self.0.remedy
    }

    /// Whether the same call may work later: the remedy is [`Remedy::TryLater`].
    pub fn retryable(&self) -> bool {
        self.0.remedy == Remedy::TryLater
    }

    /// How long to wait, if the server said so (`Retry-After`, RFC 9110, section 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The HTTP status of the response, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// For a refresh: the server refused it without a reason. The refresh token may still be good.
    pub(crate) fn is_unexplained_refusal(&self) -> bool {
        self.code() == ErrorCode::LoginFailed && matches!(self.status(), Some(400 | 401 | 403)) && self.oauth_error().is_none()
    }

    /// The `error` of an OAuth response or callback: match on this (RFC 6749, sections 4.1.2.1 and
    /// 5.2).
    pub fn oauth_error(&self) -> Option<&str> {
        self.0.oauth.as_ref().map(|oauth| oauth.error.as_str())
    }

    /// The server's own words, for logs and people. No decision depends on them.
    pub fn oauth_error_description(&self) -> Option<&str> {
        self.0.oauth.as_ref()?.description.as_deref()
    }

    /// The server's page about the error.
    pub fn oauth_error_uri(&self) -> Option<&str> {
        self.0.oauth.as_ref()?.uri.as_deref()
    }

    /// The refresh token to go on with, if a refresh without a store has brought one in a response
    /// of which nothing else can be used. Keep it in place of the old one, which the server may not
    /// accept any more.
    ///
    /// `Debug` does not show it.
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        self.0.refresh_token.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// Of what an error says, without its cause.
impl Hash for Error {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0.code, self.0.remedy, &self.0.message, self.0.retry_after, self.0.status, self.oauth_error()).hash(state);
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code.as_str())
            .field("remedy", &self.0.remedy.as_str())
            .field("message", &self.0.message)
            .field("status", &self.0.status)
            .field("oauth_error", &self.oauth_error())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn std::error::Error + 'static))
    }
}

fn one_line(message: &str) -> String {
    message.chars().map(|c| if breaks_lines(c) { ' ' } else { c }).collect()
}

/// Control characters, and those that break a line or reverse its direction.
pub(crate) fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// A server's text for an error: cut at 100 characters. Errors have no control characters.
pub(crate) fn short(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_and_numbers_are_unique_and_never_zero() {
        let codes: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        let numbers: HashSet<_> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
        assert_eq!(codes.len(), ErrorCode::ALL.len());
        assert_eq!(numbers.len(), ErrorCode::ALL.len());
        assert!(!numbers.contains(&0));
        assert!(codes.iter().all(|code| code.starts_with("SIPGATE_")));
    }

    #[test]
    fn the_documented_codes_are_the_compiled_ones() {
        let page = include_str!("../../../docs/errors.md");
        let documented: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
        let compiled: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(documented, compiled);
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(Error::new(ErrorCode::Oauth, "a\nb\tc\u{2028}d\u{202E}e").to_string(), "a b c d e");
    }

    #[test]
    fn a_refresh_token_does_not_show() {
        let error = Error::new(ErrorCode::Unsupported, "token_type").with_refresh_token(RefreshToken::from("s3cret"));
        assert_eq!(error.refresh_token().unwrap().reveal(), "s3cret");
        assert!(!format!("{error} {error:?}").contains("s3cret"));
    }

    #[test]
    fn the_cause_is_kept() {
        let error = Error::new(ErrorCode::Transport, "no connection").with_cause(std::io::Error::other("refused"));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "refused");
    }
}
