//! From a URL to where a Redis is, and who asks.

use std::fmt;

use protocol::error::Result;

use crate::store::remote::address::Address;
use crate::store::remote::url::{decoded, invalid, port, split_port, tcp};

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// What a URL says.
pub(super) struct RedisUrl {
    pub(super) route: Route,
    pub(super) is_encrypted: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: u32,
}

/// The way to the primary.
pub(super) enum Route {
    /// The server itself, or any node of a cluster.
    Server(Address),
    /// Sentinels know where it is.
    Sentinels { sentinels: Vec<Address>, primary: String },
}

impl Route {
    pub(super) fn addresses(&self) -> &[Address] {
        match self {
            Self::Server(address) => std::slice::from_ref(address),
            Self::Sentinels { sentinels, .. } => sentinels,
        }
    }
}

/// As errors show it.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(address) => address.fmt(f),
            Self::Sentinels { primary, .. } => primary.fmt(f),
        }
    }
}

impl RedisUrl {
    /// Errors never contain the URL.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| invalid("has no // behind its scheme"))?;
        if rest.contains('#') {
            return Err(invalid("has a fragment; write # as %23"));
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // Parts of a password that is not encoded, which no error may show.
        if path.contains('@') || query.contains('@') {
            return Err(invalid("has an @ in the wrong place; write / and ? of the password as %2F and %3F"));
        }
        let (userinfo, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
        let some = |text: &str| decoded(text).map(|text| Some(text).filter(|text| !text.is_empty()));

        let scheme = scheme.to_ascii_lowercase();
        let database_of_query = database_of_query(query, scheme == "unix")?;
        let (route, database) = match scheme.as_str() {
            "unix" if !hosts.is_empty() => return Err(invalid("names a host before the socket; give unix:/// and the full path")),
            "unix" if path.is_empty() => return Err(invalid("names no socket; give unix:/// and the full path")),
            "unix" => (Route::Server(Address::Unix(format!("/{}", decoded(path)?).into())), database_of_query),
            "redis" | "rediss" => (Route::Server(address(hosts, PORT)?), database(path)?),
            _ => {
                let (primary, path) = path.split_once('/').unwrap_or((path, ""));
                let primary =
                    some(primary)?.ok_or_else(|| invalid("does not name the primary; write its name behind the sentinels: /mymaster"))?;
                let sentinels = hosts.split(',').map(|host| address(host, SENTINEL_PORT)).collect::<Result<_>>()?;
                (Route::Sentinels { sentinels, primary }, database(path)?)
            }
        };
        Ok(Self { route, is_encrypted: scheme.starts_with("rediss"), user: some(user)?, password: some(password)?, database })
    }
}

fn database(text: &str) -> Result<u32> {
    match text.trim_end_matches('/') {
        "" => Ok(0),
        number => number.parse().map_err(|_| invalid("has a database that is not a number")),
    }
}

fn database_of_query(query: &str, has_database: bool) -> Result<u32> {
    let mut found = 0;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("db", number) if has_database => found = database(number)?,
            // Its name is not shown: it may be the end of a password that is not encoded.
            _ => return Err(invalid("has a parameter that is not known; omit it, or percent-encode the password")),
        }
    }
    Ok(found)
}

fn address(text: &str, default_port: u16) -> Result<Address> {
    let (host, given) = split_port(text)?;
    tcp(decoded(host)?, if given.is_empty() { default_port } else { port(given)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp { host: host.to_owned(), port }
    }

    fn problem(url: &str) -> String {
        match RedisUrl::parse(url) {
            Ok(_) => panic!("{url} was accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_url_names_the_server_and_the_database() {
        for (url, address, database, is_encrypted) in [
            ("redis://localhost", tcp("localhost", 6379), 0, false),
            ("redis://127.0.0.1:6380/", tcp("127.0.0.1", 6380), 0, false),
            ("REDISS://cache.internal/7", tcp("cache.internal", 6379), 7, true),
            ("rediss://[2001:db8::1]:6390/1", tcp("2001:db8::1", 6390), 1, true),
            ("rediss://[::1]", tcp("::1", 6379), 0, true),
            ("unix:///run/my%20redis.sock?db=3", Address::Unix("/run/my redis.sock".into()), 3, false),
            ("unix:///run/redis.sock", Address::Unix("/run/redis.sock".into()), 0, false),
        ] {
            let parsed = RedisUrl::parse(url).unwrap();
            assert_eq!((parsed.route.addresses(), parsed.database, parsed.is_encrypted), (&[address][..], database, is_encrypted), "{url}");
        }
    }

    #[test]
    fn a_url_names_the_user_and_the_password() {
        for (url, user, password) in [
            ("rediss://h", None, None),
            ("rediss://app@h", Some("app"), None),
            ("rediss://app:p%40ss%3A%2f@h", Some("app"), Some("p@ss:/")),
            ("rediss://:secret@h", None, Some("secret")),
            ("rediss://app:a:b@c@h", Some("app"), Some("a:b@c")),
            ("unix://app:secret@/run/redis.sock", Some("app"), Some("secret")),
        ] {
            let parsed = RedisUrl::parse(url).unwrap();
            assert_eq!((parsed.user.as_deref(), parsed.password.as_deref()), (user, password), "{url}");
        }
    }

    #[test]
    fn a_url_names_sentinels_and_the_primary() {
        let parsed = RedisUrl::parse("rediss+sentinel://app:pw@s1,s2:5000,[::1]:1/my%2Fmaster/2").unwrap();
        let Route::Sentinels { sentinels, primary } = &parsed.route else { panic!("{}", parsed.route) };
        assert_eq!(sentinels[..], [tcp("s1", 26379), tcp("s2", 5000), tcp("::1", 1)]);
        assert_eq!((primary.as_str(), parsed.database, parsed.is_encrypted), ("my/master", 2, true));
    }

    #[test]
    fn a_mistake_is_named_without_the_url() {
        for (url, word) in [
            ("redis:localhost", "//"),
            ("redis://hunter2@", "host"),
            ("redis://h,g", "host"),
            ("redis://u:hunter2@h:port", "port"),
            ("redis://h:0", "port"),
            ("redis://h:65536", "port"),
            ("redis://[::1]6379", "port"),
            ("redis://u:hunter2@h/x", "database"),
            ("redis://h/-1", "database"),
            ("redis://h?db=1", "a parameter that is not known"),
            ("redis://h?ssl_cert_reqs=none&x=hunter2", "a parameter that is not known"),
            ("unix:///s?timeout=3", "a parameter that is not known"),
            ("unix://h/s", "host before"),
            ("unix://", "no socket"),
            ("redis+sentinel://s1", "primary"),
            ("redis+sentinel://s1,/m", "host"),
            ("redis://u:hunter2%zz@h", "%25"),
            ("redis://u:%ff@h", "UTF-8"),
            ("redis://u:hunter2#@h", "%23"),
        ] {
            let problem = problem(url);
            assert!(problem.starts_with("url: has") || problem.starts_with("url: names") || problem.starts_with("url: does"), "{problem}");
            assert!(problem.contains(word) && !problem.contains("hunter2"), "{url}: {problem}");
        }
    }
}
