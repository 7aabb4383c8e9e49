//! A server's metadata (RFC 8414), as JSON.

use pyo3::prelude::*;
use serde_json::{Map, Value};
use sipgate_oauth2::{Client, Provider};

use crate::argument::{self, Any};
use crate::json;

/// The members as they were given: those without a meaning here are kept, and ignored.
pub(crate) type Metadata = Map<String, Value>;

pub(crate) fn read(value: Any<'_, '_>) -> PyResult<Metadata> {
    let refused = |_| argument::invalid(value.py(), "metadata", "is not a JSON object");
    json::document("metadata", value, |text| serde_json::from_str(text).map_err(refused))
}

/// The server that it describes. What is missing or wrong is named by the core.
pub(crate) fn provider(metadata: &Metadata) -> Provider {
    let text = |name: &str| metadata.get(name).and_then(Value::as_str);
    let [issuer, authorization, token] = ["issuer", "authorization_endpoint", "token_endpoint"].map(|name| text(name).unwrap_or_default());
    let provider = match metadata.get("authorization_response_iss_parameter_supported") {
        Some(Value::Bool(true)) => Provider::endpoints_with_iss(issuer, authorization, token),
        _ => Provider::endpoints(issuer, authorization, token),
    };
    match text("revocation_endpoint") {
        Some(revocation) => provider.revocation_endpoint(revocation),
        None => provider,
    }
}

/// What is known of the server of a client that was not made of metadata.
pub(crate) fn of(client: &Client) -> Metadata {
    let member = |name: &str, value: &str| (name.to_owned(), Value::from(value));
    [member("issuer", client.issuer()), member("token_endpoint", client.token_endpoint())].into_iter().collect()
}
