//! The tokens of one account, for as long as its login lasts.

mod access_token;
mod accounts_of_sessions;
mod driver;
pub(crate) mod ended_sessions;
mod entry;
pub(crate) mod in_flight;
pub(crate) mod login;
#[expect(clippy::module_inception, reason = "the folder is named after what it is about")]
pub(crate) mod session;
pub(crate) mod single_exchange;
mod single_flight;
mod single_use;
pub(crate) mod status;
pub(crate) mod store;
pub(crate) mod token_source;
mod userinfo;
