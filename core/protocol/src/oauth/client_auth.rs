//! How the client authenticates at the token endpoint (RFC 6749, section 2.3; names of RFC 7591,
//! section 2).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::form;
use super::metadata::{self, ServerMetadata, not_offered};
use crate::crypto::sha256;
use crate::error::{Error, Result};
use crate::http::Request;
use crate::secret::{ClientSecret, Secret};

/// How the client authenticates at the token endpoint.
///
/// ```
/// use sipgate_oauth2::ClientAuthentication;
///
/// let basic: ClientAuthentication = "client_secret_basic".parse()?;
/// assert_eq!(basic, ClientAuthentication::ClientSecretBasic);
/// assert_eq!(basic.to_string(), "client_secret_basic");
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// Id and secret in the form. The default if there is a secret.
    ClientSecretPost,
    /// Id and secret in the `Authorization` header, percent-encoded as RFC 6749, section 2.3.1,
    /// requires.
    ClientSecretBasic,
    /// A public client: the id alone. The default if there is no secret.
    None,
}

impl ClientAuthentication {
    /// The name as registered by RFC 7591: `client_secret_post`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::None => "none",
        }
    }
}

impl fmt::Display for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ClientAuthentication {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        [Self::ClientSecretPost, Self::ClientSecretBasic, Self::None].into_iter().find(|known| known.as_str() == name).ok_or_else(|| {
            let problem = "is not known; use client_secret_post, client_secret_basic or none";
            Error::invalid_argument("client_authentication", problem)
        })
    }
}

/// A client's id, and how it proves that it is that client.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The client id.
    pub client_id: String,
    auth: ClientAuth,
}

#[derive(Clone, Debug)]
enum ClientAuth {
    Post(ClientSecret),
    Basic(ClientSecret),
    None,
}

impl Credentials {
    /// Credentials for this method; without one, the default for what there is.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) that names what is
    /// wrong.
    pub fn new(client_id: String, secret: Option<ClientSecret>, method: Option<ClientAuthentication>) -> Result<Self> {
        check("client_id", &client_id)?;
        if let Some(secret) = &secret {
            check("client_secret", secret.reveal())?;
        }
        let auth = match (method, secret) {
            (None | Some(ClientAuthentication::ClientSecretPost), Some(secret)) => ClientAuth::Post(secret),
            (Some(ClientAuthentication::ClientSecretBasic), Some(secret)) => ClientAuth::Basic(secret),
            (None | Some(ClientAuthentication::None), None) => ClientAuth::None,
            (Some(ClientAuthentication::None), Some(_)) => {
                return Err(Error::invalid_argument("client_secret", "is set, but client_authentication is none; remove one of them"));
            }
            (Some(method), None) => {
                return Err(Error::invalid_argument("client_secret", format_args!("is missing; {method} needs it")));
            }
        };
        Ok(Self { client_id, auth })
    }

    /// The same credentials, sent in a way that this server offers: the configured one, and else
    /// post or Basic. Servers accept public clients without saying so.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Unsupported`](crate::error::ErrorCode::Unsupported) that names what the server
    /// offers.
    pub fn for_server(self, metadata: &ServerMetadata, configured: Option<ClientAuthentication>) -> Result<Self> {
        const MEMBER: &str = "token_endpoint_auth_methods_supported";
        let (Some(offered), Some(secret)) = (metadata::list(metadata, MEMBER), self.secret().cloned()) else { return Ok(self) };
        let is_offered = |method: &ClientAuthentication| offered.contains(&method.as_str());
        let method = match configured {
            Some(method) => Some(method).filter(is_offered),
            None => [ClientAuthentication::ClientSecretPost, ClientAuthentication::ClientSecretBasic].into_iter().find(is_offered),
        };
        let required = configured.map_or("client_secret_post or client_secret_basic", ClientAuthentication::as_str);
        let method = method.ok_or_else(|| not_offered(MEMBER, &offered, required))?;
        Self::new(self.client_id, Some(secret), Some(method))
    }

    /// The request with these parameters to an endpoint. With Basic, the form has neither id nor
    /// secret: at some servers they would override the header.
    pub fn request(&self, url: &str, parameters: &[(&str, &str)]) -> Request {
        let mut form = parameters.to_vec();
        match &self.auth {
            ClientAuth::Post(secret) => form.extend([("client_id", self.client_id.as_str()), ("client_secret", secret.reveal())]),
            ClientAuth::Basic(_) => {}
            ClientAuth::None => form.push(("client_id", &self.client_id)),
        }
        let request = Request::form(url, form::encode(form).into());
        match &self.auth {
            ClientAuth::Basic(secret) => request.with_header("Authorization", basic(&self.client_id, secret)),
            ClientAuth::Post(_) | ClientAuth::None => request,
        }
    }

    /// Identifies the credentials that a stored failure belongs to: with others, a request need not
    /// wait. Too short to test guessed secrets against.
    pub fn fingerprint(&self) -> u64 {
        let digest = sha256([self.method().as_str().as_bytes(), b" ", self.secret().map_or("", |secret| secret.reveal()).as_bytes()]);
        digest.iter().take(2).fold(0, |print, byte| print << 8 | u64::from(*byte))
    }

    /// How the client authenticates.
    pub fn method(&self) -> ClientAuthentication {
        match &self.auth {
            ClientAuth::Post(_) => ClientAuthentication::ClientSecretPost,
            ClientAuth::Basic(_) => ClientAuthentication::ClientSecretBasic,
            ClientAuth::None => ClientAuthentication::None,
        }
    }

    /// The client's secret, if it has one.
    pub fn secret(&self) -> Option<&ClientSecret> {
        match &self.auth {
            ClientAuth::Post(secret) | ClientAuth::Basic(secret) => Some(secret),
            ClientAuth::None => None,
        }
    }
}

fn basic(client_id: &str, secret: &ClientSecret) -> Secret {
    let pair = Secret::from(format!("{}:{}", form::encode_value(client_id), form::encode_value(secret.reveal())));
    Secret::from(format!("Basic {}", STANDARD.encode(pair.reveal())))
}

fn check(field: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid_argument(field, "is empty; the sipgate console shows the one of your client"));
    }
    if text.len() > 1024 {
        return Err(Error::invalid_argument(field, "is longer than 1024 bytes; give the value the sipgate console shows"));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid_argument(field, "holds a control character, such as the line break at the end of a file; remove it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Option<ClientAuthentication>, id: &str, secret: Option<&str>) -> Request {
        Credentials::new(id.to_owned(), secret.map(ClientSecret::from), method)
            .unwrap()
            .request("https://a.example/token", &[("grant_type", "x")])
    }

    #[test]
    fn post_puts_id_and_secret_into_the_form() {
        let request = request(None, "1:third-party", Some("a+b:%€"));
        assert_eq!(request.body.as_ref().unwrap().reveal(), "grant_type=x&client_id=1%3Athird-party&client_secret=a%2Bb%3A%25%E2%82%AC");
        assert!(request.header("authorization").is_none());
    }

    #[test]
    fn basic_encodes_both_halves_and_leaves_the_form_alone() {
        let request = request(Some(ClientAuthentication::ClientSecretBasic), "1:third-party", Some("a+b c"));
        assert_eq!(request.body.as_ref().unwrap().reveal(), "grant_type=x");
        let expected = format!("Basic {}", STANDARD.encode("1%3Athird-party:a%2Bb+c"));
        assert_eq!(request.header("authorization").unwrap().reveal(), expected);
    }

    #[test]
    fn a_public_client_sends_its_id_alone() {
        let request = request(None, "public", None);
        assert_eq!(request.body.as_ref().unwrap().reveal(), "grant_type=x&client_id=public");
        assert!(request.header("authorization").is_none());
    }

    #[test]
    fn contradictions_are_named() {
        let build =
            |method, secret: Option<&str>| Credentials::new("id".into(), secret.map(ClientSecret::from), method).unwrap_err().to_string();
        assert!(build(Some(ClientAuthentication::None), Some("s")).starts_with("client_secret: "));
        assert!(build(Some(ClientAuthentication::ClientSecretBasic), None).contains("client_secret_basic"));
        assert!(build(None, Some("")).starts_with("client_secret: is empty"));
        assert!(build(None, Some("secret\n")).contains("line break"));
    }

    #[test]
    fn a_method_is_known_by_its_registered_name() {
        for method in [ClientAuthentication::ClientSecretPost, ClientAuthentication::ClientSecretBasic, ClientAuthentication::None] {
            assert_eq!(method.as_str().parse::<ClientAuthentication>().unwrap(), method);
        }
        assert!("client_secret_jwt".parse::<ClientAuthentication>().unwrap_err().to_string().starts_with("client_authentication: "));
    }

    #[test]
    fn the_secret_is_known_whichever_way_it_is_sent() {
        let secret = |method, secret: Option<&str>| {
            let credentials = Credentials::new("id".into(), secret.map(ClientSecret::from), method).unwrap();
            credentials.secret().map(|secret| secret.reveal().to_owned())
        };
        assert_eq!(secret(Some(ClientAuthentication::ClientSecretPost), Some("s")).as_deref(), Some("s"));
        assert_eq!(secret(Some(ClientAuthentication::ClientSecretBasic), Some("s")).as_deref(), Some("s"));
        assert_eq!(secret(Some(ClientAuthentication::None), None), None);
    }

    #[test]
    fn the_secret_is_sent_in_a_way_that_the_server_offers() {
        use ClientAuthentication::{ClientSecretBasic, ClientSecretPost};

        let method = |offered: &str, secret: Option<&str>, configured| {
            let json = format!(r#"{{"issuer":"https://i.example","token_endpoint_auth_methods_supported":{offered}}}"#);
            let metadata = ServerMetadata::from_json(&json).unwrap();
            let credentials = Credentials::new("id".into(), secret.map(ClientSecret::from), configured).unwrap();
            credentials.for_server(&metadata, configured).map(|credentials| credentials.method()).map_err(|error| error.to_string())
        };
        let (post, basic) = (r#"["private_key_jwt","client_secret_post"]"#, r#"["client_secret_basic"]"#);
        let both = r#"["client_secret_basic","client_secret_post"]"#;
        for (offered, configured, expected) in [
            ("null", None, ClientSecretPost),
            ("null", Some(ClientSecretBasic), ClientSecretBasic),
            (post, None, ClientSecretPost),
            (basic, None, ClientSecretBasic),
            (both, None, ClientSecretPost),
            (both, Some(ClientSecretBasic), ClientSecretBasic),
        ] {
            assert_eq!(method(offered, Some("s"), configured), Ok(expected), "{offered} {configured:?}");
        }
        for public in [None, Some(ClientAuthentication::None)] {
            assert_eq!(method(basic, None, public), Ok(ClientAuthentication::None));
        }
        let named = "token_endpoint_auth_methods_supported: the server offers";
        for (offered, configured, expected) in [
            (basic, Some(ClientSecretPost), format!("{named} client_secret_basic, and not client_secret_post, which is required")),
            (
                r#"["private_key_jwt"]"#,
                None,
                format!("{named} private_key_jwt, and not client_secret_post or client_secret_basic, which is required"),
            ),
            ("[]", Some(ClientSecretPost), format!("{named} nothing, and not client_secret_post, which is required")),
        ] {
            assert_eq!(method(offered, Some("s"), configured), Err(expected), "{offered}");
        }
    }

    #[test]
    fn ids_and_secrets_have_at_most_1024_bytes() {
        let build = |id: usize, secret: usize| {
            Credentials::new("i".repeat(id), Some(ClientSecret::from("s".repeat(secret))), None)
                .map(|_| ())
                .map_err(|error| error.to_string())
        };
        assert!(build(1024, 1024).is_ok());
        assert!(build(1025, 1024).unwrap_err().starts_with("client_id: "));
        assert!(build(1024, 1025).unwrap_err().starts_with("client_secret: "));
    }
}
