//! Signed tokens: JSON Web Signature and JSON Web Key (RFC 7515, 7517, 7518, 8037; RFC 8725's
//! practices).

pub mod algorithm;
mod json;
pub mod jwks;
pub mod jws;

#[cfg(test)]
pub(crate) mod testing;
