//! A store in Redis or Valkey: one hash for each login.

mod caller;
mod check;
mod cluster;
mod commands;
mod connection;
mod dial;
#[cfg(test)]
mod fake;
mod listing;
mod marker;
mod names;
mod nodes;
mod refusal;
mod server_info;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod url;
mod wire;

pub(super) use self::store::Redis;
