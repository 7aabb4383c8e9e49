//! The tokens of one account, for as long as its login lasts.

mod access_token;
mod accounts_of_sessions;
mod driver;
pub(crate) mod ended_sessions;
mod entry;
pub(crate) mod in_flight;
mod json_entry;
pub(crate) mod keep_alive;
pub(crate) mod login;
mod pace;
#[expect(clippy::module_inception, reason = "the folder is named after what it is about")]
pub(crate) mod session;
mod shard;
pub(crate) mod single_exchange;
mod single_flight;
mod single_use;
pub(crate) mod status;
pub(crate) mod store;
pub(crate) mod stored_accounts;
pub(crate) mod sweep;
pub(crate) mod token_source;
mod userinfo;
