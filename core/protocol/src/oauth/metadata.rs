//! Authorization server metadata (RFC 8414).

use serde_json::{Map, Value};

use super::uri;
use crate::error::{Error, ErrorCode, Result, short};

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
            const URLS: &[&'static str] = &[$(stringify!($name)),*];

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

/// Members that are lists of what the server can do, and that this library reads.
const LISTS: [&str; 4] = [
    "response_types_supported",
    "code_challenge_methods_supported",
    "token_endpoint_auth_methods_supported",
    "id_token_signing_alg_values_supported",
];

/// What is wrong with a document.
pub(crate) struct Problem {
    /// The member; `metadata` for the whole.
    pub(crate) member: &'static str,
    /// What is wrong, in words that fit after the member.
    pub(crate) what: &'static str,
}

impl ServerMetadata {
    /// A metadata document, as JSON text. Members that this library does not know are kept.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) that names the
    /// member.
    pub fn from_json(json: &str) -> Result<Self> {
        Self::read(json.as_bytes()).map_err(|Problem { member, what }| {
            let advice = "give the server's metadata document (RFC 8414) as it is";
            Error::invalid_argument(member, format_args!("{what}; {advice}"))
        })
    }

    /// The metadata in a document.
    pub(crate) fn read(document: &[u8]) -> Result<Self, Problem> {
        let Ok(Value::Object(mut others)) = serde_json::from_slice(document) else {
            return Err(Problem { member: "metadata", what: "is not a JSON object" });
        };
        let issuer = text(&mut others, "issuer")?.ok_or(Problem { member: "issuer", what: "is missing" })?;
        let mut metadata = Self::new(issuer);
        for (name, url) in Self::URLS.iter().zip(metadata.urls_mut()) {
            *url = text(&mut others, name)?;
        }
        metadata.authorization_response_iss_parameter_supported = match others.remove(ISS_PARAMETER) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(supported)) => supported,
            Some(_) => return Err(Problem { member: ISS_PARAMETER, what: "must be true or false" }),
        };
        let is_list = |value: &Value| value.is_null() || value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
        if let Some(member) = LISTS.into_iter().find(|name| others.get(*name).is_some_and(|value| !is_list(value))) {
            return Err(Problem { member, what: "must be a list of strings" });
        }
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

    /// That of sipgate, in this realm: `third-party`, or `sipgate-apps` for older clients. The
    /// sipgate console shows it.
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

/// The same metadata, if a client can use it: the required endpoints are there, each URL is one
/// that requests may be sent to, and the server can do what this library requires. URLs are written
/// in ASCII; the issuer stays as it is.
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`] that names the member. [`ErrorCode::Unsupported`] that names what
/// the server offers.
pub fn checked(mut metadata: ServerMetadata) -> Result<ServerMetadata> {
    uri::endpoint("issuer", &metadata.issuer)?;
    if let Some(name) = missing(&metadata) {
        return Err(Error::invalid_argument(name, "is missing in the metadata; the server's documentation says it"));
    }
    for (name, url) in ServerMetadata::URLS.iter().zip(metadata.urls_mut()) {
        if let Some(url) = url {
            uri::endpoint(name, url)?;
            *url = uri::in_ascii(url);
        }
    }
    for (name, required) in [("code_challenge_methods_supported", "S256"), ("response_types_supported", "code")] {
        if let Some(offered) = list(&metadata, name).filter(|offered| !offered.contains(&required)) {
            return Err(not_offered(name, &offered, required));
        }
    }
    Ok(metadata)
}

/// What the server can do, by the name of a member that is a list of strings. `None` if the server
/// does not say it.
pub fn list<'a>(metadata: &'a ServerMetadata, name: &str) -> Option<Vec<&'a str>> {
    Some(metadata.others.get(name)?.as_array()?.iter().filter_map(Value::as_str).collect())
}

/// The URL of an optional endpoint, which `name` names.
///
/// # Errors
///
/// [`ErrorCode::Unsupported`] if the server does not have it.
pub fn required<'a>(name: &str, url: Option<&'a String>) -> Result<&'a str> {
    url.map(String::as_str).ok_or_else(|| {
        let problem = "is missing in the server's metadata, so the server does not offer this";
        Error::new(ErrorCode::Unsupported, format!("{name}: {problem}"))
    })
}

/// The error for a server that offers other values than the required one.
pub(super) fn not_offered(name: &str, offered: &[&str], required: &str) -> Error {
    let offered = if offered.is_empty() { "nothing".to_owned() } else { short(&offered.join(", ")) };
    Error::new(ErrorCode::Unsupported, format!("{name}: the server offers {offered}, and not {required}, which is required"))
}

/// The first endpoint that a client cannot do without, and that is missing.
pub(crate) fn missing(metadata: &ServerMetadata) -> Option<&'static str> {
    let required = [("authorization_endpoint", &metadata.authorization_endpoint), ("token_endpoint", &metadata.token_endpoint)];
    required.into_iter().find(|(_, url)| url.is_none()).map(|(name, _)| name)
}

/// The first URL that must not be used in metadata from the server itself: one that is not https,
/// unless the issuer is on this machine and without TLS.
pub(crate) fn unusable_url(metadata: &ServerMetadata) -> Option<&'static str> {
    let without_tls = metadata.issuer.starts_with("http:");
    let usable = |url: &String| uri::endpoint("url", url).is_ok_and(|url| without_tls || url.scheme() == "https");
    let urls = ServerMetadata::URLS.iter().zip(metadata.urls());
    urls.into_iter().find(|(_, url)| url.as_ref().is_some_and(|url| !usable(url))).map(|(name, _)| *name)
}

fn text(members: &mut Map<String, Value>, name: &'static str) -> Result<Option<String>, Problem> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Problem { member: name, what: "must be a string" }),
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
            (&with(r#""token_endpoint":"https://i.example/t","response_types_supported":"code""#), "response_types_supported: "),
            (&with(r#""token_endpoint":"https://i.example/t","code_challenge_methods_supported":["S256",1]"#), "code_challenge_methods"),
        ] {
            assert!(problem(ServerMetadata::from_json(json)).starts_with(name), "{json}: {name}");
        }
    }

    fn with(members: &str) -> ServerMetadata {
        let endpoints = r#""authorization_endpoint":"https://i.example/a","token_endpoint":"https://i.example/t""#;
        ServerMetadata::from_json(&format!(r#"{{"issuer":"https://i.example",{endpoints},{members}}}"#)).unwrap()
    }

    #[test]
    fn a_server_that_cannot_do_what_is_required_is_told_from_one_that_does_not_say() {
        for good in [
            r#""code_challenge_methods_supported":["plain","S256"],"response_types_supported":["code","code id_token"]"#,
            r#""code_challenge_methods_supported":null,"response_types_supported":null"#,
            r#""x":1"#,
        ] {
            assert!(checked(with(good)).is_ok(), "{good}");
        }
        for (bad, expected) in [
            (r#""code_challenge_methods_supported":["plain"]"#, "code_challenge_methods_supported: the server offers plain, and not S256"),
            (r#""code_challenge_methods_supported":[]"#, "code_challenge_methods_supported: the server offers nothing, and not S256"),
            (
                r#""response_types_supported":["code id_token","id_token"]"#,
                "response_types_supported: the server offers code id_token, id_token, and not code",
            ),
        ] {
            let error = checked(with(bad)).unwrap_err();
            assert_eq!((error.code(), error.to_string()), (ErrorCode::Unsupported, format!("{expected}, which is required")));
        }
    }

    #[test]
    fn what_a_server_offers_is_cut_in_an_error() {
        let many = vec!["\"plain\\n\""; 100].join(",");
        let error = checked(with(&format!(r#""code_challenge_methods_supported":[{many}]"#))).unwrap_err().to_string();
        assert!(error.len() < 250 && error.contains("plain , plain") && error.contains('…'), "{error}");
    }

    #[test]
    fn a_list_is_there_or_not() {
        let metadata = with(r#""id_token_signing_alg_values_supported":["RS256","ES256"],"scopes_supported":["openid"],"y":"text""#);
        assert_eq!(list(&metadata, "id_token_signing_alg_values_supported"), Some(vec!["RS256", "ES256"]));
        assert_eq!(list(&metadata, "scopes_supported"), Some(vec!["openid"]));
        assert_eq!((list(&metadata, "y"), list(&metadata, "absent")), (None, None));
    }

    #[test]
    fn an_endpoint_that_a_server_does_not_have_is_named() {
        let metadata = with(r#""userinfo_endpoint":"https://i.example/u""#);
        assert_eq!(required("userinfo_endpoint", metadata.userinfo_endpoint.as_ref()).unwrap(), "https://i.example/u");
        let error = required("revocation_endpoint", metadata.revocation_endpoint.as_ref()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unsupported);
        assert!(error.to_string().starts_with("revocation_endpoint: is missing"), "{error}");
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
