//! Log users in at sipgate, or at any Keycloak or OAuth 2.0 server, from a synchronous program, once: from then on
//! [`TokenSource::access_token`] just works, from any thread and process.
//!
//! ```no_run
//! use sipgate_oauth2::{AuthorizationRequest, Client, Store};
//!
//! # fn f(kept_in_the_session: &str, query_string: &str) -> sipgate_oauth2::Result<()> {
//! let client = Client::sipgate("2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e:third-party")
//!     .client_secret("the secret the console shows")
//!     .redirect_uri("https://example.com/auth")
//!     .store(Store::sqlite("/var/lib/app/logins.db")?)
//!     .build()?;
//!
//! // The page that logs in: keep `pending.export()` in the person's session, redirect to `pending.url()`.
//! let pending = client.authorization_request("balance:read")?;
//!
//! // The page at the redirect URI.
//! let pending = AuthorizationRequest::restore(kept_in_the_session)?;
//! client.complete_login(&pending, query_string, "user-42")?;
//!
//! // Anywhere, in any process, weeks later.
//! let header = client.token_source("user-42")?.authorization_header()?;
//! # Ok(()) }
//! ```
//!
//! Whoever keeps tokens themselves takes the single steps: [`Client::exchange_callback`], [`Client::exchange_code`] and [`Client::refresh`].
//!
//! Every function that waits has a form with a [`Call`], for a timeout and for cancelling, and a `start_…` form that does not wait.
//! Every error is an [`Error`] with a [code](ErrorCode) and a [remedy](Remedy) that are the same in Rust, Python, Node and C.

#![forbid(unsafe_code)]

mod builder;
mod call;
mod client;
mod clock;
mod environment;
mod error;
mod event;
mod http;
mod logout_outcome;
mod oauth;
mod process;
mod provider;
mod random;
mod refresh;
mod running;
mod secret;
mod source;
mod store;
mod sync;
mod token_request;
mod worker;

pub use builder::ClientBuilder;
pub use call::{Call, CancelToken};
pub use client::Client;
pub use error::{Error, ErrorCode, Family, Remedy, Result};
pub use event::Event;
pub use logout_outcome::LogoutOutcome;
pub use oauth::authorization::AuthorizationRequest;
pub use oauth::authorization_code::AuthorizationCode;
pub use oauth::authorization_parameters::{AuthorizationParameters, ResponseMode};
pub use oauth::client_auth::ClientAuthentication;
pub use oauth::grant::{GivenUp, RefreshParameters};
pub use oauth::scope::Scope;
pub use oauth::token::TokenSet;
pub use provider::Provider;
pub use running::{Running, RunningHandle};
pub use secret::{AccessToken, ClientSecret, CodeVerifier, IdToken, RefreshToken, Secret};
pub use source::{LoginState, TokenSource, TokenStatus, settle, under_way};
pub use store::kit as store_kit;
pub use store::{EncryptionKey, Store, StoreEntry, StoreFailure, StoreKey, StoreLock, Swapped, TokenStore};
#[doc(hidden)]
pub use store::{after_fork, before_fork};

/// The version of this library, the same in all languages.
///
/// ```
/// assert_eq!(sipgate_oauth2::VERSION.split('.').count(), 3);
/// ```
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
