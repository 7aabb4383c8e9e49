//! A client as the environment describes it.

use std::env;
use std::path::PathBuf;

use url::Url;

use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::provider::Provider;
use crate::secret::ClientSecret;
use crate::store::{Store, url};

/// Reads the variables; see [`Client::from_env`].
pub(crate) fn client() -> Result<ClientBuilder> {
    let client_id =
        variable("SIPGATE_CLIENT_ID")?.ok_or_else(|| Error::argument("SIPGATE_CLIENT_ID", "is not set; the sipgate console shows it"))?;
    let mut builder = match variable("SIPGATE_ISSUER")? {
        Some(issuer) => Client::with_provider(keycloak(&issuer)?, client_id),
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
        Some(place) => Ok(builder.store(Store::sqlite(database(place)?)?)),
    }
}

/// A path, or the URL that other libraries take for it: of `sqlite:`, what is behind the empty host is the full path.
fn database(place: &str) -> Result<PathBuf> {
    let Some((scheme, rest)) = url(place) else { return Ok(place.into()) };
    let path = scheme.eq_ignore_ascii_case("sqlite").then(|| Url::parse(&format!("file:{rest}")).ok()).flatten();
    path.filter(|url| rest.starts_with("///") && url.query().is_none() && url.fragment().is_none())
        .and_then(|url| url.to_file_path().ok())
        .ok_or_else(|| {
            let problem =
                format!("is a URL ({scheme}:) that names no SQLite file of this machine; give \"memory\", a path, or sqlite:///full/path");
            Error::argument("SIPGATE_STORE", &problem)
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    #[cfg(unix)]
    #[test]
    fn a_store_is_a_path_or_a_sqlite_url() {
        for (place, path) in [
            ("/var/lib/logins.db", "/var/lib/logins.db"),
            ("logins.db", "logins.db"),
            ("sqlite:///var/lib/logins.db", "/var/lib/logins.db"),
            ("sqlite:////var/lib/logins.db", "//var/lib/logins.db"),
            ("sqlite:///var/my%20logins.db", "/var/my logins.db"),
        ] {
            assert_eq!(database(place).unwrap(), PathBuf::from(path), "{place}");
        }
    }

    #[test]
    fn a_url_that_names_no_file_is_refused_by_the_variables_name() {
        for place in
            ["sqlite://", "sqlite://host/x.db", "sqlite:x.db", "sqlite:///x.db?mode=ro", "postgres://h/d", "redis://h", "file:///x.db"]
        {
            let error = database(place).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument, "{place}");
            assert!(error.to_string().contains("SIPGATE_STORE: is a URL"), "{error}");
        }
    }
}
