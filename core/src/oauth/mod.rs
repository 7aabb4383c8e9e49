//! OAuth 2.0, pure: values in, values out. Nothing here knows a socket, a clock or a random number.

pub(crate) mod answer;
pub(crate) mod authorization;
pub(crate) mod authorization_code;
pub(crate) mod authorization_parameters;
pub(crate) mod callback;
pub(crate) mod client_auth;
mod error_code;
pub(crate) mod form;
pub(crate) mod grant;
pub(crate) mod json;
pub(crate) mod message;
mod object;
pub(crate) mod pkce;
#[cfg(test)]
mod properties;
pub(crate) mod scope;
pub(crate) mod time;
pub(crate) mod token;
pub(crate) mod uri;
