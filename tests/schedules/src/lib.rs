//! The driver under thousands of thread schedules. The core is compiled into this crate as it stands, but for what it meets the world with: here
//! shuttle decides who runs when, time passes when nobody has anything to do, and a server of this crate's own answers.

mod clock;
mod http;
mod process;
mod random;
mod sync;

mod explore;
mod server;
mod stage;
mod time;
mod world;

#[path = "../../../core/src/builder.rs"]
mod builder;
#[path = "../../../core/src/call.rs"]
mod call;
#[path = "../../../core/src/client.rs"]
mod client;
#[path = "../../../core/src/environment.rs"]
mod environment;
#[path = "../../../core/src/error.rs"]
mod error;
#[expect(unexpected_cfgs, reason = "the core's features")]
#[path = "../../../core/src/event.rs"]
mod event;
#[path = "../../../core/src/logout_outcome.rs"]
mod logout_outcome;
#[expect(dead_code, reason = "less can happen on the network here")]
#[path = "../../../core/src/oauth/mod.rs"]
mod oauth;
#[path = "../../../core/src/provider.rs"]
mod provider;
#[path = "../../../core/src/refresh/mod.rs"]
mod refresh;
#[path = "../../../core/src/running.rs"]
mod running;
#[path = "../../../core/src/secret.rs"]
mod secret;
#[path = "../../../core/src/source/mod.rs"]
mod source;
#[path = "../../../core/src/store/mod.rs"]
mod store;
#[path = "../../../core/src/token_request.rs"]
mod token_request;
#[path = "../../../core/src/worker/mod.rs"]
mod worker;

pub use builder::ClientBuilder;
pub use call::{CallOptions, CancelToken};
pub use client::Client;
pub use error::{Error, ErrorCode, Family, Remedy, Result};
pub use event::Event;
pub use logout_outcome::LogoutOutcome;
pub use oauth::authorization::AuthorizationRequest;
pub use oauth::authorization_code::AuthorizationCode;
pub use oauth::authorization_parameters::{AuthorizationParameters, ResponseMode};
pub use oauth::client_auth::ClientAuthentication;
pub use oauth::grant::{WaitEnded, RefreshParameters};
pub use oauth::scope::Scope;
pub use oauth::token::TokenSet;
pub use provider::Provider;
pub use running::{Task, TaskHandle};
pub use secret::{AccessToken, ClientSecret, CodeVerifier, IdToken, RefreshToken, Secret};
pub use source::{LoginState, TokenSource, TokenStatus, settle, under_way};
pub use store::kit as conformance;
pub use store::{EncryptionKey, Store, StoreEntry, BoxError, StoreKey, StoreLock, SwapOutcome, TokenStore};
pub use store::{after_fork, before_fork};

pub use explore::{Machine, explore};
pub use server::{Seen, Server, Way};
pub use stage::{Stage, now, pass, presume_all_gone};
