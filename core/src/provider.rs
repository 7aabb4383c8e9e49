//! Who logs people in: the issuer and its endpoints, a value.

use crate::error::{Error, Result};
use crate::oauth::uri;

const SIPGATE: &str = "https://login.sipgate.com/auth";

/// The realm of clients whose id does not name one.
const DEFAULT_REALM: &str = "third-party";

/// A login server.
///
/// ```
/// use sipgate_oauth2::{Client, Provider};
///
/// let provider = Provider::keycloak("https://login.example.com/auth", "staff");
/// let client = Client::with_provider("my-client", provider).redirect_uri("https://example.com/auth").build()?;
/// assert_eq!(client.issuer(), "https://login.example.com/auth/realms/staff");
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    kind: Kind,
    revocation_endpoint: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Sipgate { realm: Option<String> },
    Keycloak { base: String, realm: String },
    Explicit(Endpoints),
}

/// What a client needs to know of its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoints {
    pub(crate) issuer: String,
    /// Whether every callback has an `iss` (RFC 9207). Where it does not, one that is there is checked all the same.
    pub(crate) iss_required: bool,
    pub(crate) authorization: String,
    pub(crate) token: String,
    /// RFC 7009.
    pub(crate) revocation: Option<String>,
    /// They follow from a Keycloak's address and realm.
    pub(crate) is_keycloak: bool,
}

impl Provider {
    /// sipgate, in the realm that the client id's suffix names, else `third-party`.
    pub fn sipgate() -> Self {
        Self::of(Kind::Sipgate { realm: None })
    }

    /// sipgate, in this realm: `third-party`, or `sipgate-apps` for older clients. The sipgate console shows it.
    pub fn sipgate_realm(realm: impl Into<String>) -> Self {
        Self::of(Kind::Sipgate { realm: Some(realm.into()) })
    }

    /// Any Keycloak. `base` is what stands before `/realms`: with `/auth` at the end on older and on many newer servers.
    pub fn keycloak(base: impl Into<String>, realm: impl Into<String>) -> Self {
        Self::of(Kind::Keycloak { base: base.into(), realm: realm.into() })
    }

    /// Any server, by its issuer and endpoints as its documentation gives them.
    pub fn endpoints(issuer: impl Into<String>, authorization_endpoint: impl Into<String>, token_endpoint: impl Into<String>) -> Self {
        Self::of(Kind::Explicit(Endpoints {
            issuer: issuer.into(),
            iss_required: false,
            authorization: authorization_endpoint.into(),
            token: token_endpoint.into(),
            revocation: None,
            is_keycloak: false,
        }))
    }

    /// Like [`endpoints`](Self::endpoints), for a server that announces `authorization_response_iss_parameter_supported`: a callback without
    /// `iss` is then refused (RFC 9207, section 2.4).
    pub fn endpoints_with_iss(
        issuer: impl Into<String>,
        authorization_endpoint: impl Into<String>,
        token_endpoint: impl Into<String>,
    ) -> Self {
        Self::of(Kind::Explicit(Endpoints {
            issuer: issuer.into(),
            iss_required: true,
            authorization: authorization_endpoint.into(),
            token: token_endpoint.into(),
            revocation: None,
            is_keycloak: false,
        }))
    }

    /// Where tokens are revoked (RFC 7009), for a server given by its endpoints: a logout there ends the login at the server, too.
    ///
    /// ```
    /// use sipgate_oauth2::Provider;
    ///
    /// let provider = Provider::endpoints("https://i.example", "https://i.example/auth", "https://i.example/token")
    ///     .revocation_endpoint("https://i.example/revoke");
    /// ```
    #[must_use]
    pub fn revocation_endpoint(mut self, revocation_endpoint: impl Into<String>) -> Self {
        self.revocation_endpoint = Some(revocation_endpoint.into());
        self
    }

    fn of(kind: Kind) -> Self {
        Self { kind, revocation_endpoint: None }
    }

    /// The endpoints for this client, checked; and, where a sipgate client id names another realm than was set, both.
    pub(crate) fn resolve(&self, client_id: &str) -> Result<(Endpoints, Option<RealmMismatch>)> {
        if self.revocation_endpoint.is_some() && !matches!(self.kind, Kind::Explicit(_)) {
            return Err(Error::argument("revocation_endpoint", "is for a server that is given by its endpoints; a preset knows its own"));
        }
        match &self.kind {
            Kind::Sipgate { realm } => {
                let named = client_id.rsplit_once(':').map(|(_, realm)| realm).filter(|realm| !realm.is_empty());
                let used = realm.as_deref().or(named).unwrap_or(DEFAULT_REALM);
                let mismatch =
                    named.filter(|named| *named != used).map(|named| RealmMismatch { named: named.to_owned(), used: used.to_owned() });
                Ok((keycloak(SIPGATE, used)?, mismatch))
            }
            Kind::Keycloak { base, realm } => Ok((keycloak(base, realm)?, None)),
            Kind::Explicit(endpoints) => {
                uri::endpoint("issuer", &endpoints.issuer)?;
                let given = |field, url: &str| uri::endpoint(field, url).map(|_| uri::in_ascii(url));
                let endpoints = Endpoints {
                    authorization: given("authorization_endpoint", &endpoints.authorization)?,
                    token: given("token_endpoint", &endpoints.token)?,
                    revocation: self.revocation_endpoint.as_deref().map(|url| given("revocation_endpoint", url)).transpose()?,
                    ..endpoints.clone()
                };
                Ok((endpoints, None))
            }
        }
    }

    pub(crate) fn is_sipgate(&self) -> bool {
        matches!(self.kind, Kind::Sipgate { .. })
    }
}

pub(crate) struct RealmMismatch {
    pub(crate) named: String,
    pub(crate) used: String,
}

/// Keycloak's layout under a realm.
fn keycloak(base: &str, realm: &str) -> Result<Endpoints> {
    let base = base.trim_end_matches('/');
    let url = uri::endpoint("base", base)?;
    if url.query().is_some() || base.contains("/realms/") {
        return Err(Error::argument(
            "base",
            "goes on behind the base; give what stands before /realms, such as https://login.example.com/auth",
        ));
    }
    if realm.is_empty() {
        return Err(Error::argument("realm", "is empty; for sipgate it is third-party or sipgate-apps"));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~ @+".contains(&byte);
    if realm.len() > 255 || !realm.bytes().all(plain) || matches!(realm, "." | "..") {
        return Err(Error::argument("realm", "must be at most 255 letters, digits and - . _ ~ @ +; give its name, not its address"));
    }
    let issuer = format!("{base}/realms/{}", realm.replace(' ', "%20"));
    let under = |name: &str| uri::in_ascii(&format!("{issuer}/protocol/openid-connect/{name}"));
    Ok(Endpoints {
        iss_required: false,
        authorization: under("auth"),
        token: under("token"),
        revocation: Some(under("revoke")),
        is_keycloak: true,
        issuer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token_endpoint(provider: &Provider, client_id: &str) -> String {
        provider.resolve(client_id).unwrap().0.token
    }

    #[test]
    fn the_realm_follows_the_client_ids_suffix_unless_set() {
        let at = |realm| format!("https://login.sipgate.com/auth/realms/{realm}/protocol/openid-connect/token");
        assert_eq!(token_endpoint(&Provider::sipgate(), "1-0-a:third-party"), at("third-party"));
        assert_eq!(token_endpoint(&Provider::sipgate(), "1-0-a:sipgate-apps"), at("sipgate-apps"));
        assert_eq!(token_endpoint(&Provider::sipgate(), "1-0-a"), at("third-party"));
        assert_eq!(token_endpoint(&Provider::sipgate(), "1-0-a:"), at("third-party"));
        assert_eq!(token_endpoint(&Provider::sipgate_realm("sipgate-apps"), "1-0-a:third-party"), at("sipgate-apps"));
    }

    #[test]
    fn a_realm_that_differs_from_the_suffix_is_reported() {
        let mismatch = Provider::sipgate_realm("sipgate-apps").resolve("1-0-a:third-party").unwrap().1.unwrap();
        assert_eq!((mismatch.named.as_str(), mismatch.used.as_str()), ("third-party", "sipgate-apps"));
        assert!(Provider::sipgate().resolve("1-0-a:sipgate-apps").unwrap().1.is_none());
    }

    #[test]
    fn a_keycloak_base_is_taken_with_and_without_auth() {
        assert_eq!(Provider::keycloak("https://k.example/auth/", "r").resolve("c").unwrap().0.issuer, "https://k.example/auth/realms/r");
        assert_eq!(Provider::keycloak("https://k.example", "a b").resolve("c").unwrap().0.issuer, "https://k.example/realms/a%20b");
    }

    #[test]
    fn endpoints_of_other_characters_are_written_in_ascii_and_the_issuer_stays() {
        let provider =
            Provider::endpoints("https://bücher.example/ä", "https://bücher.example/zurück?ö=1", "https://bücher.example/ä/token")
                .revocation_endpoint("https://bücher.example/ä/revoke");
        let endpoints = provider.resolve("c").unwrap().0;
        assert_eq!(endpoints.issuer, "https://bücher.example/ä");
        assert_eq!(endpoints.authorization, "https://xn--bcher-kva.example/zur%C3%BCck?%C3%B6=1");
        assert_eq!(endpoints.token, "https://xn--bcher-kva.example/%C3%A4/token");
        assert_eq!(endpoints.revocation.as_deref(), Some("https://xn--bcher-kva.example/%C3%A4/revoke"));
        let keycloak = Provider::keycloak("https://bücher.example", "r").resolve("c").unwrap().0;
        assert_eq!(keycloak.token, "https://xn--bcher-kva.example/realms/r/protocol/openid-connect/token");
    }

    #[test]
    fn a_preset_has_its_own_revocation_endpoint() {
        for preset in [Provider::sipgate(), Provider::sipgate_realm("sipgate-apps"), Provider::keycloak("https://k.example", "r")] {
            let error = preset.revocation_endpoint("https://k.example/revoke").resolve("c").map(|_| ()).unwrap_err();
            assert!(error.to_string().starts_with("revocation_endpoint: "), "{error}");
        }
    }

    #[test]
    fn bad_bases_realms_and_endpoints_are_named() {
        let problem = |provider: Provider| provider.resolve("c").map(|_| ()).unwrap_err().to_string();
        assert!(problem(Provider::keycloak("", "r")).starts_with("base: "));
        assert!(problem(Provider::keycloak("http://k.example", "r")).starts_with("base: is not https"));
        assert!(problem(Provider::keycloak("https://k.example/auth/realms/r", "r")).starts_with("base: "));
        assert!(problem(Provider::keycloak("https://k.example", "")).starts_with("realm: "));
        assert!(problem(Provider::keycloak("https://k.example", "a/../b")).starts_with("realm: "));
        assert!(problem(Provider::endpoints("https://i.example", "/auth", "https://i.example/t")).starts_with("authorization_endpoint: "));
        assert!(
            problem(Provider::endpoints("https://i.example", "https://i.example/a", "http://i.example/t")).starts_with("token_endpoint: ")
        );
    }
}
