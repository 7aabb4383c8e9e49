//! Log users in at sipgate, or at any Keycloak or OAuth 2.0 server, once: from then on
//! [`TokenSource::access_token`] just works, from any thread and process.
//!
//! ```no_run
//! use sipgate_oauth2::{AuthorizationRequest, ClientBuilder, Store};
//!
//! # fn f(kept_in_the_session: &str, query_string: &str) -> sipgate_oauth2::Result<()> {
//! let client = ClientBuilder::sipgate("2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e:third-party")
//!     .client_secret("the secret the console shows")
//!     .redirect_uri("https://example.com/auth")
//!     .store(Store::sqlite("/var/lib/app/logins.db")?)
//!     .build()?;
//!
//! // The login page: keep `authorization.export()` in the user's session, and redirect to
//! // `authorization.url()`.
//! let authorization = client.authorization_request("balance:read")?;
//!
//! // The page at the redirect URI.
//! let authorization = AuthorizationRequest::restore(kept_in_the_session)?;
//! client.complete_login(&authorization, query_string, "user-42")?;
//!
//! // Anywhere, in any process, weeks later.
//! let header = client.token_source("user-42")?.authorization_header()?;
//! # Ok(()) }
//! ```
//!
//! An application that keeps tokens itself takes the single steps: [`Client::exchange_callback`],
//! [`Client::exchange_code`] and [`Client::refresh`].
//!
//! Each function that waits has a form that does not: `start_…` takes [`CallOptions`] (a timeout, a
//! cancel token) and returns a [`Task`]. Each error is an [`Error`] with a [code](ErrorCode) and a
//! [remedy](Remedy), which are the same in Rust, Python, Node and C.

#![forbid(unsafe_code)]

mod browser;
mod client;
mod context;
mod event;
mod exchange;
mod http;
mod keys;
mod logout_outcome;
mod openid;
mod session;
mod store;
mod sys;
mod task;
mod tls;
mod worker;

pub use client::{BrowserLogin, Client, ClientBuilder, Discovery};
pub use event::Event;
pub use logout_outcome::LogoutOutcome;
#[doc(inline)]
pub use protocol::claims::Claims;
#[doc(inline)]
pub use protocol::encryption::EncryptionKey;
#[doc(inline)]
pub use protocol::error::{Error, ErrorCode, Family, Remedy, Result};
#[doc(inline)]
pub use protocol::oauth::any_token::AnyToken;
#[doc(inline)]
pub use protocol::oauth::authorization_code::AuthorizationCode;
#[doc(inline)]
pub use protocol::oauth::authorization_parameters::{AuthorizationParameters, ResponseMode};
#[doc(inline)]
pub use protocol::oauth::authorization_request::AuthorizationRequest;
#[doc(inline)]
pub use protocol::oauth::client_auth::ClientAuthentication;
#[doc(inline)]
pub use protocol::oauth::grants::RefreshParameters;
#[doc(inline)]
pub use protocol::oauth::introspection::Introspection;
#[doc(inline)]
pub use protocol::oauth::metadata::ServerMetadata;
#[doc(inline)]
pub use protocol::oauth::scope::Scope;
#[doc(inline)]
pub use protocol::oauth::token_set::TokenSet;
#[doc(inline)]
pub use protocol::openid::end_session::LogoutParameters;
#[doc(inline)]
pub use protocol::secret::{AccessToken, ClientSecret, CodeVerifier, IdToken, RefreshToken, Secret};
#[doc(inline)]
pub use protocol::wait_ended::WaitEnded;
pub use session::in_flight::drain;
pub use session::keep_alive::KeepAlive;
pub use session::status::{LoginState, TokenStatus};
pub use session::store::Store;
pub use session::stored_accounts::{Accounts, AccountsPage, StoredAccount};
pub use session::sweep::KeepAliveReport;
pub use session::token_source::TokenSource;
pub use store::conformance;
pub use store::{BoxError, Durability, SqliteOptions, StoreEntry, StoreKey, StoreLock, StoreOptions, SwapOutcome, TokenStore};
pub use task::call_options::{CallOptions, CancelToken};
pub use task::task::{Task, TaskHandle};

/// What the bindings need beyond the public interface. Not for applications: it may change with
/// every version.
#[doc(hidden)]
pub mod binding {
    pub use crate::client::{
        LOGIN_TIMEOUT, Probe, check_callback, check_can_log_in, from_env_to_read, has_secret, is_missing, left_out, place, probe, store,
    };
    pub use crate::session::in_flight::in_flight;
    pub use crate::store::sqlite::{after_fork, before_fork};

    /// The functions of a store, for [`conformance::check`](crate::conformance::check).
    pub fn token_store(store: &crate::Store) -> &dyn crate::TokenStore {
        store.token_store()
    }
}

/// What fuzzing needs. Not for applications either.
#[cfg(feature = "postgres")]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::store::postgres::answered_by as postgres_answered_by;
}

/// The version of this library, the same in all languages.
///
/// ```
/// assert_eq!(sipgate_oauth2::VERSION.split('.').count(), 3);
/// ```
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
