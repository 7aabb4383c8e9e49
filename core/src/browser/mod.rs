//! The user's browser on this machine: opening it, and the one request with which it returns (RFC
//! 8252, section 7.3).

pub(crate) mod listener;
pub(crate) mod opener;
pub(crate) mod page;
mod request;
