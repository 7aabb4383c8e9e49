//! ID tokens and other signed tokens are judged here, with the server's keys.

pub(crate) mod unjudged;
pub(crate) mod with_keys;
