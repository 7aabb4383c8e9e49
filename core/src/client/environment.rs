//! A client that the environment describes.

use std::env::{self, VarError};
use std::fs;
use std::path::Path;

use protocol::encryption::EncryptionKey;
use protocol::error::{Error, ErrorCode, Result};
use protocol::oauth::authorization_request::check_redirect_uri;
use protocol::oauth::client_auth::Credentials;

use super::builder::ClientBuilder;
use super::server::Server;
use crate::session::store::Store;
use crate::store::StoreOptions;
use crate::store::location::sqlite_path;
use crate::store::sqlite::{check_expanded, url};

impl ClientBuilder {
    /// A client that the environment describes: `SIPGATE_CLIENT_ID`, `SIPGATE_CLIENT_SECRET`,
    /// `SIPGATE_REDIRECT_URI` and, if needed, `SIPGATE_REALM`, or `SIPGATE_ISSUER` for a Keycloak
    /// other than that of sipgate. `SIPGATE_STORE` is the path of a SQLite database, or a URL as
    /// [`Store::open`](crate::Store::open) takes it. `SIPGATE_ENCRYPTION_KEYS` encrypts its
    /// contents: one key or several, separated by commas, of which the first encrypts. The secret
    /// and the keys may be in files, whose paths are in `SIPGATE_CLIENT_SECRET_FILE` and
    /// `SIPGATE_ENCRYPTION_KEYS_FILE`. White space around a value is removed.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) that names the variable.
    pub fn from_env() -> Result<Self> {
        Environment { variable: &|name| env::var(name), only_reads: false }.client()
    }
}

/// [`ClientBuilder::from_env`] for a program that only reads: a store that does not exist is not
/// created, and has no logins.
///
/// # Errors
///
/// Those of [`ClientBuilder::from_env`].
pub fn from_env_to_read() -> Result<ClientBuilder> {
    Environment { variable: &|name| env::var(name), only_reads: true }.client()
}

/// Where variables are read from. Every error names the variable.
struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Result<String, VarError>,
    /// Whether a store that does not exist is left so, and has no logins.
    only_reads: bool,
}

impl Environment<'_> {
    fn client(&self) -> Result<ClientBuilder> {
        let client_id = self
            .text("SIPGATE_CLIENT_ID")?
            .ok_or_else(|| Error::invalid_argument("SIPGATE_CLIENT_ID", "is not set; the sipgate console shows it"))?;
        Credentials::new(client_id.clone(), None, None).map_err(|error| of("SIPGATE_CLIENT_ID", &error))?;
        let mut builder = ClientBuilder::of(self.server(&client_id)?, &client_id);
        if let Some((name, secret)) = self.secret("SIPGATE_CLIENT_SECRET")? {
            Credentials::new(client_id, Some(secret.as_str().into()), None).map_err(|error| of(&name, &error))?;
            builder = builder.client_secret(secret);
        }
        if let Some(redirect_uri) = self.text("SIPGATE_REDIRECT_URI")? {
            check_redirect_uri(&redirect_uri).map_err(|error| of("SIPGATE_REDIRECT_URI", &error))?;
            builder = builder.redirect_uri(redirect_uri);
        }
        Ok(match self.store()? {
            Some(store) => builder.store(store),
            None => builder,
        })
    }

    fn server(&self, client_id: &str) -> Result<Server> {
        let (name, server) = match (self.text("SIPGATE_ISSUER")?, self.text("SIPGATE_REALM")?) {
            (None, None) => return Ok(Server::Sipgate { realm: None }),
            (None, Some(realm)) => ("SIPGATE_REALM", Server::Sipgate { realm: Some(realm) }),
            (Some(issuer), None) => ("SIPGATE_ISSUER", keycloak(&issuer)?),
            (Some(_), Some(_)) => {
                return Err(Error::invalid_argument(
                    "SIPGATE_REALM",
                    "is for sipgate only, and SIPGATE_ISSUER names its realm; unset one of them",
                ));
            }
        };
        server.metadata(client_id).map_err(|error| of(name, &error))?;
        Ok(server)
    }

    fn store(&self) -> Result<Option<Store>> {
        let keys = self.secret("SIPGATE_ENCRYPTION_KEYS")?;
        let store = match (self.text("SIPGATE_STORE")?.as_deref(), &keys) {
            (None, None) => return Ok(None),
            (None, Some((name, _))) => {
                return Err(Error::invalid_argument(name, "is set without SIPGATE_STORE, whose keys they are; set both"));
            }
            (Some("memory"), _) => Store::memory(),
            (Some(place), _) => self.open(place).map_err(|error| match error.code() {
                ErrorCode::InvalidArgument => of("SIPGATE_STORE", &error),
                _ => error,
            })?,
        };
        let Some((name, keys)) = keys else { return Ok(Some(store)) };
        store.encrypted(EncryptionKey::parse_all(&keys).map_err(|error| of(&name, &error))?).map(Some)
    }

    /// A URL, or the path of a SQLite database.
    fn open(&self, place: &str) -> Result<Store> {
        let path = match url(place) {
            // As a relative path, a mistyped URL would be a file of this machine alone, with the
            // password in its name.
            None if Path::new(place).is_relative() && (place.contains("//") || place.contains(['@', '"', '\''])) => {
                let problem =
                    "is neither the path of a file nor the URL of a store; write it without quotes, as in postgres://user@host/database";
                return Err(Error::invalid_argument("SIPGATE_STORE", problem));
            }
            None => place.into(),
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("sqlite") => sqlite_path(place)?,
            Some(_) if self.only_reads => return Store::open_with(place, &StoreOptions::new().only_reads()),
            Some(_) => return Store::open(place),
        };
        if self.only_reads { Store::sqlite_if_it_exists(path) } else { Store::sqlite(path) }
    }

    /// A text that is not empty. Unset and empty are the same: that is how container tools unset.
    fn text(&self, name: &str) -> Result<Option<String>> {
        Ok(self.read(name)?.filter(|value| !value.is_empty()))
    }

    /// A secret and the variable it is from: `name`, or that of a file. An empty one is a mistake
    /// that would else show much later.
    fn secret(&self, name: &str) -> Result<Option<(String, String)>> {
        let file = format!("{name}_FILE");
        match (self.read(name)?, self.read(&file)?) {
            (None, None) => Ok(None),
            (Some(value), Some(path)) if !value.is_empty() && !path.is_empty() => {
                Err(Error::invalid_argument(&file, format_args!("is set beside {name}; unset one of them")))
            }
            (Some(value), _) if !value.is_empty() => Ok(Some((name.to_owned(), value))),
            (_, Some(path)) if !path.is_empty() => {
                check_expanded(&file, Path::new(&path))?;
                let text = fs::read_to_string(path).map_err(|cause| {
                    Error::invalid_argument(&file, "names a file that cannot be read as UTF-8 text; check path, rights and encoding")
                        .with_cause(cause)
                })?;
                match trimmed(&text) {
                    "" => Err(Error::invalid_argument(&file, "names an empty file; put the secret into it, or unset the variable")),
                    secret => Ok(Some((file, secret.to_owned()))),
                }
            }
            (Some(_), _) => Err(Error::invalid_argument(name, "is empty; set it, or unset it for none")),
            (None, Some(_)) => Err(Error::invalid_argument(&file, "is empty; set it, or unset it for none")),
        }
    }

    fn read(&self, name: &str) -> Result<Option<String>> {
        match (self.variable)(name) {
            Ok(value) => Ok(Some(trimmed(&value).to_owned())),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(Error::invalid_argument(name, "is not UTF-8; set it as plain text")),
        }
    }
}

/// A Keycloak's issuer says where everything is.
fn keycloak(issuer: &str) -> Result<Server> {
    let (base, realm) = issuer.trim_end_matches('/').split_once("/realms/").ok_or_else(|| {
        Error::invalid_argument(
            "SIPGATE_ISSUER",
            "is not that of a Keycloak (https://…/realms/…); make the client of another server from its metadata (docs/signing-in.md, \
             \"Any other server\")",
        )
    })?;
    Ok(Server::Keycloak { base: base.to_owned(), realm: realm.to_owned() })
}

/// Without what editors and line ends leave around a value, such as a byte order mark.
fn trimmed(value: &str) -> &str {
    value.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\0'))
}

/// An error about a setting, as one about the variable that it is from.
fn of(variable: &str, error: &Error) -> Error {
    let message = error.to_string();
    Error::invalid_argument(variable, message.split_once(": ").map_or(message.as_str(), |(_, problem)| problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;

    fn client(variables: &[(&str, &str)]) -> Result<Client> {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
        };
        Environment { variable: &find, only_reads: false }.client()?.build()
    }

    fn with(variables: &[(&str, &str)]) -> Result<Client> {
        client(&[&[("SIPGATE_CLIENT_ID", "1-0-a")], variables].concat())
    }

    fn secret_of(client: &Client) -> Option<String> {
        client.context.credentials.secret().map(|secret| secret.reveal().to_owned())
    }

    fn file(name: &str, contents: &[u8]) -> String {
        let path = env::temp_dir().join(format!("sipgate-oauth2-environment-{}-{name}", std::process::id()));
        fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_secret_in_a_file_is_what_an_editor_left_of_it() {
        for (index, contents) in ["s 1", "s 1\n", "\u{feff}s 1\r\n", "s 1 \t", "\n\ns 1\0\n"].into_iter().enumerate() {
            let path = file(&index.to_string(), contents.as_bytes());
            assert_eq!(secret_of(&with(&[("SIPGATE_CLIENT_SECRET_FILE", &path)]).unwrap()).as_deref(), Some("s 1"), "{contents:?}");
            fs::remove_file(path).unwrap();
        }
        for (name, contents) in [("empty", &b"\xEF\xBB\xBF \r\n"[..]), ("utf-16", b"\xFF\xFEs\0"), ("two-lines", b"s\n1")] {
            let path = file(name, contents);
            let error = with(&[("SIPGATE_CLIENT_SECRET_FILE", &path)]).unwrap_err();
            assert!(error.to_string().starts_with("SIPGATE_CLIENT_SECRET_FILE: "), "{name}: {error}");
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_file_whose_path_no_shell_has_expanded_is_a_mistake() {
        for name in ["SIPGATE_CLIENT_SECRET_FILE", "SIPGATE_ENCRYPTION_KEYS_FILE"] {
            let error = with(&[("SIPGATE_STORE", "memory"), (name, "~/secret")]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{name}: begins with ~, which no shell has expanded")), "{error}");
        }
    }

    #[test]
    fn a_program_that_only_reads_creates_no_database() {
        let folder = env::temp_dir().join(format!("sipgate-oauth2-to-read-{}", std::process::id()));
        let path = folder.join("logins.db");
        for place in [path.display().to_string(), format!("sqlite://{}", path.display())] {
            let find = |name: &str| match name {
                "SIPGATE_CLIENT_ID" => Ok("1-0-a".to_owned()),
                "SIPGATE_STORE" => Ok(place.clone()),
                _ => Err(VarError::NotPresent),
            };
            let client = Environment { variable: &find, only_reads: true }.client().unwrap().build().unwrap();
            assert!(client.store().unwrap().is_missing());
            assert_eq!(client.store().unwrap().place(), path.to_str().unwrap());
            assert_eq!(client.accounts().count(), 0);
            assert!(!folder.exists());
        }
    }

    #[test]
    fn a_secret_that_is_there_and_empty_is_a_mistake() {
        let problem = |variables: &[(&str, &str)]| with(variables).unwrap_err().to_string();
        assert!(problem(&[("SIPGATE_CLIENT_SECRET", "")]).starts_with("SIPGATE_CLIENT_SECRET: is empty"));
        assert!(problem(&[("SIPGATE_CLIENT_SECRET", " \r")]).starts_with("SIPGATE_CLIENT_SECRET: is empty"));
        assert!(problem(&[("SIPGATE_CLIENT_SECRET_FILE", "")]).starts_with("SIPGATE_CLIENT_SECRET_FILE: is empty"));
        assert!(
            problem(&[("SIPGATE_CLIENT_SECRET", "a"), ("SIPGATE_CLIENT_SECRET_FILE", "b")]).starts_with("SIPGATE_CLIENT_SECRET_FILE: ")
        );
        assert_eq!(secret_of(&with(&[]).unwrap()), None);
        assert_eq!(
            secret_of(&with(&[("SIPGATE_CLIENT_SECRET", "s\r"), ("SIPGATE_CLIENT_SECRET_FILE", "")]).unwrap()).as_deref(),
            Some("s")
        );
    }

    #[test]
    fn an_issuer_may_have_a_slash_at_its_end() {
        for issuer in ["https://k.example/auth/realms/r", "https://k.example/auth/realms/r/", " https://k.example/auth/realms/r//\n"] {
            assert_eq!(with(&[("SIPGATE_ISSUER", issuer)]).unwrap().issuer(), "https://k.example/auth/realms/r", "{issuer}");
        }
    }

    #[test]
    fn every_error_names_its_variable() {
        for (name, value) in [
            ("SIPGATE_CLIENT_ID", "a\u{1}b"),
            ("SIPGATE_CLIENT_ID", ""),
            ("SIPGATE_CLIENT_SECRET", "a\nb"),
            ("SIPGATE_REDIRECT_URI", "/cb"),
            ("SIPGATE_REALM", "a/b"),
            ("SIPGATE_ISSUER", "https://k.example"),
            ("SIPGATE_ISSUER", "http://k.example/realms/r"),
            ("SIPGATE_ISSUER", "https://k.example/realms/a/b"),
            ("SIPGATE_ISSUER", "https://k.example/realms/"),
            ("SIPGATE_ENCRYPTION_KEYS", "short"),
            ("SIPGATE_ENCRYPTION_KEYS", ""),
        ] {
            let error = client(&[(name, value), ("SIPGATE_CLIENT_ID", "app"), ("SIPGATE_STORE", "memory")]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{name}: ")), "{name}={value}: {error}");
        }
        let both = with(&[("SIPGATE_ISSUER", "https://k.example/realms/r"), ("SIPGATE_REALM", "r")]).unwrap_err();
        assert!(both.to_string().starts_with("SIPGATE_REALM: "), "{both}");
    }

    #[test]
    fn keys_are_for_the_store_and_several_may_be_given() {
        let (new, old) = ("0".repeat(64), "qkFQV6LIHCQMOm6MTHVoTu1u32GeYDmWMMn+rJpGhuo=");
        assert!(with(&[("SIPGATE_STORE", "memory"), ("SIPGATE_ENCRYPTION_KEYS", &format!("{new}, {old}"))]).is_ok());
        let path = file("keys", format!("{new}\n{old}\n").as_bytes());
        assert!(with(&[("SIPGATE_STORE", "memory"), ("SIPGATE_ENCRYPTION_KEYS_FILE", &path)]).is_ok());
        fs::remove_file(path).unwrap();
        let alone = with(&[("SIPGATE_ENCRYPTION_KEYS", old)]).unwrap_err();
        assert!(alone.to_string().starts_with("SIPGATE_ENCRYPTION_KEYS: ") && !alone.to_string().contains(old), "{alone}");
    }

    #[test]
    fn a_store_is_a_path_or_a_url_and_the_error_names_the_variable() {
        assert!(with(&[("SIPGATE_STORE", "memory:")]).is_ok());
        let folder = env::temp_dir().join(format!("anna@example-{}", std::process::id()));
        assert!(with(&[("SIPGATE_STORE", folder.join("logins.db").to_str().unwrap())]).is_ok());
        fs::remove_dir_all(folder).unwrap();
        for place in [
            "sqlite://host/x.db",
            "sqlite:x.db",
            "mysql://u:hunter2@h/d",
            "file:///x.db",
            "\"postgres://u:hunter2@h/d\"",
            "postgres//u:hunter2@h/d",
            "redis:hunter2@h",
            "'/var/lib/logins.db'",
        ] {
            let error = with(&[("SIPGATE_STORE", place)]).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument, "{place}");
            assert!(error.to_string().starts_with("SIPGATE_STORE: ") && !error.to_string().contains("hunter2"), "{error}");
        }
    }
}
