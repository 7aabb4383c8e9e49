//! A client as the environment describes it.

use std::env;

use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::provider::Provider;
use crate::secret::ClientSecret;
use crate::store::Store;

/// Reads the variables; see [`Client::from_env`].
pub(crate) fn client() -> Result<ClientBuilder> {
    let client_id =
        variable("SIPGATE_CLIENT_ID")?.ok_or_else(|| Error::argument("SIPGATE_CLIENT_ID", "is not set; the sipgate console shows it"))?;
    let mut builder = match variable("SIPGATE_ISSUER")? {
        Some(issuer) => Client::with_provider(client_id, keycloak(&issuer)?),
        None => Client::sipgate(client_id),
    };
    if let Some(secret) = client_secret()? {
        builder = builder.client_secret(secret);
    }
    if let Some(redirect_uri) = variable("SIPGATE_REDIRECT_URI")? {
        builder = builder.redirect_uri(redirect_uri);
    }
    if let Some(realm) = variable("SIPGATE_REALM")? {
        builder = builder.realm(realm);
    }
    match variable("SIPGATE_STORE")?.as_deref() {
        None => Ok(builder),
        Some("memory") => Ok(builder.store(Store::memory())),
        Some(path) => Ok(builder.store(Store::sqlite(path)?)),
    }
}

/// A Keycloak's issuer says where everything is.
fn keycloak(issuer: &str) -> Result<Provider> {
    let (base, realm) = issuer.split_once("/realms/").ok_or_else(|| {
        Error::argument("SIPGATE_ISSUER", "is not that of a Keycloak (https://…/realms/…), and others are not supported by this version")
    })?;
    Ok(Provider::keycloak(base, realm))
}

fn client_secret() -> Result<Option<ClientSecret>> {
    match (variable("SIPGATE_CLIENT_SECRET")?, variable("SIPGATE_CLIENT_SECRET_FILE")?) {
        (Some(_), Some(_)) => Err(Error::argument("SIPGATE_CLIENT_SECRET_FILE", "is set beside SIPGATE_CLIENT_SECRET; unset one of them")),
        (Some(secret), None) => Ok(Some(secret.into())),
        (None, None) => Ok(None),
        (None, Some(path)) => {
            let secret = std::fs::read_to_string(path).map_err(|cause| {
                Error::argument("SIPGATE_CLIENT_SECRET_FILE", "names a file that cannot be read as text; check path and rights")
                    .with_cause(cause)
            })?;
            Ok(Some(secret.trim_end_matches(['\r', '\n']).into()))
        }
    }
}

/// Unset and empty are the same: that is how container tools unset.
fn variable(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Error::argument(name, "is not UTF-8; set it as plain text")),
    }
}
