//! The client, and how it is built.

mod browser_login;
mod builder;
#[expect(clippy::module_inception, reason = "the folder is named after what it is about")]
mod client;
mod connection_options;
mod discovery;
mod environment;
mod probe;
mod server;

pub use self::browser_login::{BrowserLogin, TIMEOUT as LOGIN_TIMEOUT};
pub use self::builder::ClientBuilder;
pub use self::client::Client;
pub use self::discovery::Discovery;
pub use self::environment::from_env_to_read;
pub use self::probe::{Probe, check_callback, check_can_log_in, has_secret, is_missing, left_out, place, probe, store};
