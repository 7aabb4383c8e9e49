//! OAuth 2.0: requests are built and responses are judged here.

pub mod any_token;
pub mod authorization_code;
pub mod authorization_parameters;
pub mod authorization_request;
pub mod authorization_response;
mod claims_parameter;
pub mod client_auth;
pub mod endpoint_request;
pub mod endpoint_response;
mod error_code;
mod extra;
pub mod form;
pub mod grants;
pub mod introspection;
mod json;
pub mod metadata;
mod object;
mod pkce;
pub mod revocation;
pub mod scope;
mod sealed_request;
mod syntax;
mod token_members;
pub mod token_response;
pub mod token_set;
pub mod uri;
pub mod www_authenticate;
