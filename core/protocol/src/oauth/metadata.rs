//! Authorization server metadata (RFC 8414).

use serde_json::{Map, Value};

use super::uri;
use crate::error::{Error, Result};

/// sipgate's login server.
const SIPGATE: &str = "https://login.sipgate.com/auth";

macro_rules! metadata {
    ($($(#[$doc:meta])* $name:ident)*) => {
        /// What a client knows about its server: the members of RFC 8414 that this library uses.
        ///
        /// ```
        /// use sipgate_oauth2::{ClientBuilder, ServerMetadata};
        ///
        /// let mut metadata = ServerMetadata::new("https://login.example.com");
        /// metadata.authorization_endpoint = Some("https://login.example.com/authorize".into());
        /// metadata.token_endpoint = Some("https://login.example.com/token".into());
        /// let client = ClientBuilder::new(metadata, "my-client").build()?;
        ///
        /// let keycloak = ServerMetadata::keycloak("https://login.example.com/auth", "staff")?;
        /// assert_eq!(keycloak.issuer, "https://login.example.com/auth/realms/staff");
        /// assert!(keycloak.revocation_endpoint.is_some());
        /// # Ok::<(), sipgate_oauth2::Error>(())
        /// ```
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct ServerMetadata {
            /// The server's name, which authorization responses and ID tokens must repeat exactly.
            /// It starts with `https://`.
            pub issuer: String,
            $($(#[$doc])* pub $name: Option<String>,)*
            /// Whether every authorization response has an `iss` (RFC 9207, section 3). A response
            /// without one is then refused. If it is false, an `iss` that is present is checked all
            /// the same.
            pub authorization_response_iss_parameter_supported: bool,
            /// The other members of the document, as they were.
            others: Map<String, Value>,
        }

        impl ServerMetadata {
            /// The names of the members that are URLs.
            const URLS: &[&str] = &[$(stringify!($name)),*];

            /// Metadata with an issuer and nothing else yet.
            pub fn new(issuer: impl Into<String>) -> Self {
                Self {
                    issuer: issuer.into(),
                    $($name: None,)*
                    authorization_response_iss_parameter_supported: false,
                    others: Map::new(),
                }
            }

            fn urls(&self) -> [&Option<String>; Self::URLS.len()] {
                [$(&self.$name),*]
            }

            fn urls_mut(&mut self) -> [&mut Option<String>; Self::URLS.len()] {
                [$(&mut self.$name),*]
            }
        }
    };
}

metadata! {
    /// Where the user logs in (RFC 6749, section 3.1). Required.
    authorization_endpoint
    /// Where codes and refresh tokens are exchanged (RFC 6749, section 3.2). Required.
    token_endpoint
    /// The server's signature keys (RFC 7517).
    jwks_uri
    /// Claims about the user (OpenID Connect Core, section 5.3).
    userinfo_endpoint
    /// Where tokens are revoked (RFC 7009). A logout ends the login there too. Without it, the
    /// server cannot be told.
    revocation_endpoint
    /// Whether a token is active (RFC 7662).
    introspection_endpoint
    /// Where the user's session ends (OpenID Connect RP-Initiated Logout, section 2.1).
    end_session_endpoint
    /// The device authorization grant (RFC 8628).
    device_authorization_endpoint
    /// Pushed authorization requests (RFC 9126).
    pushed_authorization_request_endpoint
}

const ISS_PARAMETER: &str = "authorization_response_iss_parameter_supported";

impl ServerMetadata {
    /// A metadata document, as JSON text. Members that this library does not know are kept.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) that names the
    /// member.
    pub fn from_json(json: &str) -> Result<Self> {
        let Ok(Value::Object(mut others)) = serde_json::from_str(json) else {
            return Err(Error::invalid_argument(
                "metadata",
                "is not a JSON object; give the server's metadata document (RFC 8414) as it is",
            ));
        };
        let issuer = text(&mut others, "issuer")?
            .ok_or_else(|| Error::invalid_argument("issuer", "is missing in the metadata; give the name that the server has for itself"))?;
        let mut metadata = Self::new(issuer);
        for (name, url) in Self::URLS.iter().zip(metadata.urls_mut()) {
            *url = text(&mut others, name)?;
        }
        metadata.authorization_response_iss_parameter_supported = match others.remove(ISS_PARAMETER) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(supported)) => supported,
            Some(_) => return Err(Error::invalid_argument(ISS_PARAMETER, "must be true or false")),
        };
        Ok(Self { others, ..metadata })
    }

    /// The metadata document as JSON text: what [`from_json`](Self::from_json) reads.
    pub fn to_json(&self) -> String {
        let mut document = Map::new();
        document.insert("issuer".to_owned(), self.issuer.as_str().into());
        for (name, url) in Self::URLS.iter().zip(self.urls()) {
            if let Some(url) = url {
                document.insert((*name).to_owned(), url.as_str().into());
            }
        }
        document.insert(ISS_PARAMETER.to_owned(), self.authorization_response_iss_parameter_supported.into());
        document.extend(self.others.clone());
        Value::Object(document).to_string()
    }

    /// sipgate's, in this realm: `third-party`, or `sipgate-apps` for older clients. The sipgate
    /// console shows it.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) if this cannot be
    /// the name of a realm.
    pub fn sipgate(realm: &str) -> Result<Self> {
        Self::keycloak(SIPGATE, realm)
    }

    /// That of any Keycloak. `base` is its URL up to `/realms`: it ends in `/auth` on
    /// older servers, and on many newer ones.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) that names the
    /// argument.
    pub fn keycloak(base: &str, realm: &str) -> Result<Self> {
        let base = base.trim_end_matches('/');
        let url = uri::endpoint("base", base)?;
        if url.query().is_some() || base.contains("/realms/") {
            return Err(Error::invalid_argument(
                "base",
                "continues after the base; give what precedes /realms, such as https://login.example.com/auth",
            ));
        }
        if realm.is_empty() {
            return Err(Error::invalid_argument("realm", "is empty; for sipgate it is third-party or sipgate-apps"));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~ @+".contains(&byte);
        if realm.len() > 255 || !realm.bytes().all(plain) || matches!(realm, "." | "..") {
            return Err(Error::invalid_argument(
                "realm",
                "must be at most 255 letters, digits and - . _ ~ @ +; give its name, not its address",
            ));
        }
        let issuer = format!("{base}/realms/{}", realm.replace(' ', "%20"));
        let under = |name: &str| Some(format!("{issuer}/protocol/openid-connect/{name}"));
        checked(Self {
            authorization_endpoint: under("auth"),
            token_endpoint: under("token"),
            jwks_uri: under("certs"),
            userinfo_endpoint: under("userinfo"),
            revocation_endpoint: under("revoke"),
            introspection_endpoint: under("token/introspect"),
            end_session_endpoint: under("logout"),
            device_authorization_endpoint: under("auth/device"),
            pushed_authorization_request_endpoint: under("ext/par/request"),
            ..Self::new(issuer)
        })
    }
}

/// The same metadata, if a client can use it: the required endpoints are there, and each URL is one
/// that requests may be sent to. URLs are written in ASCII; the issuer stays as it is.
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) that names the member.
pub fn checked(mut metadata: ServerMetadata) -> Result<ServerMetadata> {
    uri::endpoint("issuer", &metadata.issuer)?;
    let required = [("authorization_endpoint", &metadata.authorization_endpoint), ("token_endpoint", &metadata.token_endpoint)];
    if let Some((name, _)) = required.into_iter().find(|(_, url)| url.is_none()) {
        return Err(Error::invalid_argument(name, "is missing in the metadata; the server's documentation says it"));
    }
    for (name, url) in ServerMetadata::URLS.iter().zip(metadata.urls_mut()) {
        if let Some(url) = url {
            uri::endpoint(name, url)?;
            *url = uri::in_ascii(url);
        }
    }
    Ok(metadata)
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::invalid_argument(name, "must be a string; give the server's metadata as it is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(metadata: Result<ServerMetadata>) -> String {
        metadata.and_then(checked).unwrap_err().to_string()
    }

    #[test]
    fn a_keycloak_base_is_taken_with_and_without_auth() {
        assert_eq!(ServerMetadata::keycloak("https://k.example/auth/", "r").unwrap().issuer, "https://k.example/auth/realms/r");
        assert_eq!(ServerMetadata::keycloak("https://k.example", "a b").unwrap().issuer, "https://k.example/realms/a%20b");
    }

    #[test]
    fn a_preset_knows_every_endpoint() {
        let sipgate = ServerMetadata::sipgate("third-party").unwrap();
        assert_eq!(sipgate.issuer, "https://login.sipgate.com/auth/realms/third-party");
        for url in sipgate.urls() {
            assert!(url.as_ref().unwrap().starts_with("https://login.sipgate.com/auth/realms/third-party/protocol/openid-connect/"));
        }
    }

    #[test]
    fn urls_are_written_in_ascii_and_the_issuer_stays() {
        let mut metadata = ServerMetadata::new("https://bücher.example/ä");
        metadata.authorization_endpoint = Some("https://bücher.example/zurück?ö=1".into());
        metadata.token_endpoint = Some("https://bücher.example/ä/token".into());
        metadata.revocation_endpoint = Some("https://bücher.example/ä/revoke".into());
        let checked = checked(metadata).unwrap();
        assert_eq!(checked.issuer, "https://bücher.example/ä");
        assert_eq!(checked.authorization_endpoint.unwrap(), "https://xn--bcher-kva.example/zur%C3%BCck?%C3%B6=1");
        assert_eq!(checked.token_endpoint.unwrap(), "https://xn--bcher-kva.example/%C3%A4/token");
        assert_eq!(checked.revocation_endpoint.unwrap(), "https://xn--bcher-kva.example/%C3%A4/revoke");
        let keycloak = ServerMetadata::keycloak("https://bücher.example", "r").unwrap();
        assert_eq!(keycloak.token_endpoint.unwrap(), "https://xn--bcher-kva.example/realms/r/protocol/openid-connect/token");
    }

    #[test]
    fn a_document_keeps_every_member() {
        let document = r#"{"issuer":"https://i.example","token_endpoint":"https://i.example/t","authorization_endpoint":
            "https://i.example/a","revocation_endpoint":null,"authorization_response_iss_parameter_supported":true,"x":[1,{"y":2}]}"#;
        let metadata = ServerMetadata::from_json(document).and_then(checked).unwrap();
        assert!(metadata.authorization_response_iss_parameter_supported && metadata.revocation_endpoint.is_none());
        assert_eq!(ServerMetadata::from_json(&metadata.to_json()).unwrap(), metadata);
        assert!(metadata.to_json().contains(r#""x":[1,{"y":2}]"#));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |member: &str| format!(r#"{{"issuer":"https://i.example","authorization_endpoint":"https://i.example/a",{member}}}"#);
        for (json, name) in [
            ("", "metadata: "),
            ("[]", "metadata: "),
            ("{}", "issuer: "),
            (r#"{"issuer":7}"#, "issuer: "),
            (r#"{"issuer":"https://i.example","token_endpoint":"https://i.example/t"}"#, "authorization_endpoint: "),
            (&with(r#""x":1"#), "token_endpoint: "),
            (&with(r#""token_endpoint":"http://i.example/t""#), "token_endpoint: "),
            (&with(r#""token_endpoint":"https://i.example/t","jwks_uri":"/jwks""#), "jwks_uri: "),
            (&with(r#""token_endpoint":"https://i.example/t","revocation_endpoint":["x"]"#), "revocation_endpoint: "),
            (&with(r#""token_endpoint":"https://i.example/t","authorization_response_iss_parameter_supported":"yes""#), ISS_PARAMETER),
        ] {
            assert!(problem(ServerMetadata::from_json(json)).starts_with(name), "{json}: {name}");
        }
    }

    #[test]
    fn bad_bases_and_realms_are_named() {
        let problem = |base: &str, realm: &str| problem(ServerMetadata::keycloak(base, realm));
        assert!(problem("", "r").starts_with("base: "));
        assert!(problem("http://k.example", "r").starts_with("base: is not https"));
        assert!(problem("https://k.example/auth/realms/r", "r").starts_with("base: "));
        assert!(problem("https://k.example", "").starts_with("realm: "));
        assert!(problem("https://k.example", "a/../b").starts_with("realm: "));
    }
}
