//! What stores on database servers have in common: URLs, sockets with a deadline, pools, limits and
//! errors.

pub(crate) mod address;
mod backoff;
pub(crate) mod encryption;
pub(crate) mod failure;
pub(crate) mod limits;
pub(crate) mod marker;
pub(crate) mod password;
pub(crate) mod pool;
mod resolver;
pub(crate) mod socket;
mod stream;
pub(crate) mod url;
