//! Runs the driver under thousands of thread schedules. The core's shell is compiled into this
//! crate unchanged, except for its I/O: shuttle schedules the threads, time passes when no thread
//! can run, and a server in this crate responds.

#![expect(unexpected_cfgs, reason = "the core's features")]

mod http;
mod sys;

mod explore;
mod id_tokens;
mod server;
mod stage;
mod time;
mod tls;
mod world;

#[path = "../../../core/src/browser/mod.rs"]
mod browser;
#[path = "../../../core/src/client/mod.rs"]
mod client;
#[path = "../../../core/src/context.rs"]
mod context;
#[path = "../../../core/src/event.rs"]
mod event;
#[path = "../../../core/src/exchange.rs"]
mod exchange;
#[path = "../../../core/src/keys.rs"]
mod keys;
#[path = "../../../core/src/logout_outcome.rs"]
mod logout_outcome;
#[path = "../../../core/src/openid/mod.rs"]
mod openid;
#[path = "../../../core/src/session/mod.rs"]
mod session;
#[path = "../../../core/src/store/mod.rs"]
mod store;
#[path = "../../../core/src/task/mod.rs"]
mod task;
#[path = "../../../core/src/worker/mod.rs"]
mod worker;

pub use client::{
    BrowserLogin, Client, ClientBuilder, Discovery, LOGIN_TIMEOUT, Probe, check_callback, check_can_log_in, from_env_to_read, has_secret,
    is_missing, left_out, place, probe, store,
};
pub use event::Event;
pub use logout_outcome::LogoutOutcome;
pub use protocol::claims::Claims;
pub use protocol::encryption::EncryptionKey;
pub use protocol::error::{Error, ErrorCode, Family, Remedy, Result};
pub use protocol::oauth::any_token::AnyToken;
pub use protocol::oauth::authorization_code::AuthorizationCode;
pub use protocol::oauth::authorization_parameters::{AuthorizationParameters, ResponseMode};
pub use protocol::oauth::authorization_request::AuthorizationRequest;
pub use protocol::oauth::client_auth::ClientAuthentication;
pub use protocol::oauth::grants::RefreshParameters;
pub use protocol::oauth::introspection::Introspection;
pub use protocol::oauth::metadata::ServerMetadata;
pub use protocol::oauth::scope::Scope;
pub use protocol::oauth::token_set::TokenSet;
pub use protocol::openid::end_session::LogoutParameters;
pub use protocol::secret::{AccessToken, ClientSecret, CodeVerifier, IdToken, RefreshToken, Secret};
pub use protocol::wait_ended::WaitEnded;
pub use session::in_flight::drain;
pub use session::status::{LoginState, TokenStatus};
pub use session::store::Store;
pub use session::token_source::TokenSource;
pub use store::conformance;
pub use store::{BoxError, Durability, SqliteOptions, StoreEntry, StoreKey, StoreLock, StoreOptions, SwapOutcome, TokenStore};
pub use task::call_options::{CallOptions, CancelToken};
pub use task::task::{Task, TaskHandle};

pub use session::in_flight::in_flight;
pub use store::sqlite::{after_fork, before_fork};

pub use explore::{Machine, explore};
pub use server::{Seen, Server, Way};
pub use stage::{Stage, now, pass, presume_all_gone};
