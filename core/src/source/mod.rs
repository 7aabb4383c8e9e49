//! Tokens of one account, for as long as its login lasts.

mod errand;
pub(crate) mod lanes;
pub(crate) mod login;
mod pilot;
mod status;
mod token_source;
mod under_way;

pub use self::status::{LoginState, TokenStatus};
pub use self::token_source::TokenSource;
pub use self::under_way::{settle, under_way};
