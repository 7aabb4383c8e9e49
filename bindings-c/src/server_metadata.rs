//! The metadata of an authorization server (RFC 8414, section 2).

use serde_json::{Map, Value};
use sipgate_oauth2::{Error, Provider, Result};

/// The server that this JSON text describes.
pub(crate) fn provider(metadata: &str) -> Result<Provider> {
    let refused = |problem: &str| Error::invalid_argument("metadata", problem);
    let metadata: Map<String, Value> =
        serde_json::from_str(metadata).map_err(|_| refused("is no JSON object; pass the server's metadata"))?;
    let optional = |name: &str| match metadata.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(url)) => Ok(Some(url.as_str())),
        Some(_) => Err(refused(&format!("its {name} is no string"))),
    };
    let required = |name: &str| optional(name)?.ok_or_else(|| refused(&format!("has no {name}")));
    let (issuer, authorization, token) = (required("issuer")?, required("authorization_endpoint")?, required("token_endpoint")?);
    let provider = match metadata.get("authorization_response_iss_parameter_supported") {
        None | Some(Value::Null | Value::Bool(false)) => Provider::endpoints(issuer, authorization, token),
        Some(Value::Bool(true)) => Provider::endpoints_with_iss(issuer, authorization, token),
        Some(_) => return Err(refused("its authorization_response_iss_parameter_supported is neither true nor false")),
    };
    Ok(match optional("revocation_endpoint")? {
        Some(revocation) => provider.revocation_endpoint(revocation),
        None => provider,
    })
}
