//! Tokens of one account, for as long as its login lasts.

mod errand;
pub(crate) mod lanes;
pub(crate) mod login;
mod pilot;
mod status;
mod token_source;

pub use self::status::{LoginState, TokenStatus};
pub use self::token_source::TokenSource;
