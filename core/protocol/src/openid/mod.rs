//! OpenID Connect: who logged in, and how the login ends at the server.

pub mod algorithms;
pub mod discovery;
pub mod end_session;
pub mod id_token;
pub mod identity;
pub mod keys;
pub mod logout_token;
pub mod token_rules;
pub mod userinfo;
