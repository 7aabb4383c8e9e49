//! The server of a client that is being built.

use protocol::error::{Error, Result};
use protocol::oauth::metadata::{self, ServerMetadata};

/// The realm of clients whose id does not name one.
const DEFAULT_REALM: &str = "third-party";

#[derive(Clone, Debug)]
pub(super) enum Server {
    /// In the realm that the client id's suffix names, unless one is set.
    Sipgate {
        realm: Option<String>,
    },
    Keycloak {
        base: String,
        realm: String,
    },
    Metadata(Box<ServerMetadata>),
}

/// A sipgate client id that names another realm than the one that is set.
pub(super) struct RealmMismatch {
    pub(super) named: String,
    pub(super) used: String,
}

impl Server {
    pub(super) fn with_realm(self, realm: String) -> Result<Self> {
        match self {
            Self::Sipgate { .. } => Ok(Self::Sipgate { realm: Some(realm) }),
            _ => Err(Error::invalid_argument("realm", "is for sipgate only; name the realm where the server is named")),
        }
    }

    /// The server's metadata for this client, checked.
    pub(super) fn metadata(&self, client_id: &str) -> Result<(ServerMetadata, Option<RealmMismatch>)> {
        match self {
            Self::Sipgate { realm } => {
                let named = client_id.rsplit_once(':').map(|(_, realm)| realm).filter(|realm| !realm.is_empty());
                let used = realm.as_deref().or(named).unwrap_or(DEFAULT_REALM);
                let mismatch =
                    named.filter(|named| *named != used).map(|named| RealmMismatch { named: named.to_owned(), used: used.to_owned() });
                Ok((ServerMetadata::sipgate(used)?, mismatch))
            }
            Self::Keycloak { base, realm } => Ok((ServerMetadata::keycloak(base, realm)?, None)),
            Self::Metadata(metadata) => Ok((metadata::checked((**metadata).clone())?, None)),
        }
    }

    /// Keycloak's layout was derived, so the words of its own documentation help.
    pub(super) fn is_keycloak(&self) -> bool {
        !matches!(self, Self::Metadata(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_endpoint(realm: Option<&str>, client_id: &str) -> String {
        let server = Server::Sipgate { realm: realm.map(str::to_owned) };
        server.metadata(client_id).unwrap().0.token_endpoint.unwrap()
    }

    #[test]
    fn the_realm_follows_the_client_ids_suffix_unless_set() {
        let at = |realm| format!("https://login.sipgate.com/auth/realms/{realm}/protocol/openid-connect/token");
        assert_eq!(token_endpoint(None, "1-0-a:third-party"), at("third-party"));
        assert_eq!(token_endpoint(None, "1-0-a:sipgate-apps"), at("sipgate-apps"));
        assert_eq!(token_endpoint(None, "1-0-a"), at("third-party"));
        assert_eq!(token_endpoint(None, "1-0-a:"), at("third-party"));
        assert_eq!(token_endpoint(Some("sipgate-apps"), "1-0-a:third-party"), at("sipgate-apps"));
    }

    #[test]
    fn a_realm_that_differs_from_the_suffix_is_reported() {
        let mismatch = |realm: Option<&str>, client_id: &str| {
            let server = Server::Sipgate { realm: realm.map(str::to_owned) };
            server.metadata(client_id).unwrap().1.map(|mismatch| (mismatch.named, mismatch.used))
        };
        let both = Some(("third-party".to_owned(), "sipgate-apps".to_owned()));
        assert_eq!(mismatch(Some("sipgate-apps"), "1-0-a:third-party"), both);
        assert_eq!(mismatch(None, "1-0-a:sipgate-apps"), None);
    }
}
