//! From the URL of a store to the store.

use std::path::PathBuf;
use std::sync::Arc;

use protocol::error::{Error, Result};
use url::Url;

use super::memory::Memory;
use super::options::StoreOptions;
#[cfg(feature = "postgres")]
use super::postgres::Postgres;
#[cfg(feature = "redis")]
use super::redis::Redis;
use super::sqlite::{Sqlite, SqliteOptions};
use super::token_store::TokenStore;

/// A store, and where it is.
pub(crate) enum Opened {
    /// On this machine. It has locks.
    Local(Arc<dyn TokenStore>),
    /// Elsewhere, for any number of machines.
    #[cfg(any(feature = "postgres", feature = "redis"))]
    Remote(Arc<dyn TokenStore>),
}

/// The store of a URL. Errors never contain the URL, which may have a password.
pub(crate) fn open(url: &str, options: &StoreOptions) -> Result<Opened> {
    let (scheme, _) = url.split_once(':').unwrap_or_default();
    match scheme.to_ascii_lowercase().as_str() {
        "memory" if url.ends_with(':') => {
            options.only("memory", &[])?;
            Ok(Opened::Local(Arc::new(Memory::new())))
        }
        "sqlite" => {
            options.only("sqlite", &["allow_network_file_system"])?;
            let mut sqlite = SqliteOptions::new();
            if options.allow_network_file_system {
                sqlite = sqlite.allow_network_file_system();
            }
            Ok(Opened::Local(Arc::new(Sqlite::open_with(sqlite_path(url)?, &sqlite)?)))
        }
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            let known = ["password", "ca_certificates", "timeout", "connections", "table", "create_table"];
            options.only("postgres", &known)?;
            Ok(Opened::Remote(Arc::new(Postgres::open(url, options)?)))
        }
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "unix" => {
            let known = ["password", "ca_certificates", "timeout", "connections", "prefix", "durability", "replicas"];
            options.only("redis", &known)?;
            Ok(Opened::Remote(Arc::new(Redis::open(url, options)?)))
        }
        _ => Err(unknown()),
    }
}

/// The URL as messages show it: without user, password and options.
pub(crate) fn without_secrets(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.trim_end_matches(':').to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{scheme}://{}{path}", authority.rsplit_once('@').map_or(authority, |(_, place)| place))
}

/// The full path follows an empty host.
pub(crate) fn sqlite_path(url: &str) -> Result<PathBuf> {
    let rest = url.split_once(':').map_or("", |(_, rest)| rest);
    let path = rest.starts_with("///").then(|| Url::parse(&format!("file:{rest}")).ok()).flatten();
    path.filter(|url| url.query().is_none() && url.fragment().is_none()).and_then(|url| url.to_file_path().ok()).ok_or_else(|| {
        Error::invalid_argument("url", "names no SQLite file of this machine; give sqlite:/// and the full path, without a query")
    })
}

fn unknown() -> Error {
    Error::invalid_argument(
        "url",
        "is not the URL of a store; give postgres://user@host/database, rediss://host:6379, sqlite:///full/path or memory:",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(url: &str, options: &StoreOptions) -> String {
        match open(url, options) {
            Ok(_) => panic!("{url} was opened"),
            Err(error) => error.to_string(),
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_sqlite_url_has_a_full_path() {
        for (url, path) in [
            ("sqlite:///var/lib/logins.db", "/var/lib/logins.db"),
            ("sqlite:////var/lib/logins.db", "//var/lib/logins.db"),
            ("sqlite:///var/my%20logins.db", "/var/my logins.db"),
        ] {
            assert_eq!(sqlite_path(url).unwrap(), PathBuf::from(path), "{url}");
        }
        for url in ["sqlite://", "sqlite://host/x.db", "sqlite:x.db", "sqlite:///x.db?mode=ro", "sqlite:///x.db#a"] {
            assert!(problem(url, &StoreOptions::new()).starts_with("url: names no SQLite file"), "{url}");
        }
    }

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (url, shown) in [
            ("memory:", "memory"),
            ("sqlite:///var/lib/logins.db", "sqlite:///var/lib/logins.db"),
            ("sqlite:///home/anna@corp/logins.db", "sqlite:///home/anna@corp/logins.db"),
            ("postgres://app:hunter2@db,other:6432/app?password=hunter2", "postgres://db,other:6432/app"),
            ("redis://:hunter2@cache:6379/1", "redis://cache:6379/1"),
            ("unix:///run/redis.sock?password=hunter2", "unix:///run/redis.sock"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }

    #[test]
    fn what_is_no_url_of_a_store_is_refused_without_showing_it() {
        for url in ["", ":", "memory", "memory:x", "logins.db", "/var/lib/logins.db", "mysql://u:hunter2@h/d", "file:///x.db"] {
            let problem = problem(url, &StoreOptions::new());
            assert!(problem.starts_with("url: is not the URL of a store") && !problem.contains("hunter2"), "{problem}");
        }
    }

    #[test]
    fn an_option_of_another_store_is_refused_by_its_name() {
        for (options, name) in [
            (StoreOptions::new().table("t"), "table"),
            (StoreOptions::new().create_table(false), "create_table"),
            (StoreOptions::new().prefix("p"), "prefix"),
            (StoreOptions::new().replicas(1), "replicas"),
            (StoreOptions::new().connections(1), "connections"),
            (StoreOptions::new().password(|| Ok(String::new())), "password"),
            (StoreOptions::new().allow_network_file_system(), "allow_network_file_system"),
        ] {
            assert!(problem("memory:", &options).starts_with(&format!("{name}: ")), "{name}");
        }
    }
}
