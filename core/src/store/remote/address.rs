//! Where a server is.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// The address of a server, which errors may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// The host is a name, or an IP address without brackets.
    Tcp {
        host: String,
        port: u16,
    },
    Unix(PathBuf),
}

impl Address {
    /// Whether it is on this machine, as far as the address tells. A name is also checked when it
    /// has been looked up.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp { host, .. } => match host.parse::<IpAddr>() {
                Ok(address) => address.to_canonical().is_loopback(),
                Err(_) => {
                    let host = host.to_ascii_lowercase();
                    host == "localhost" || host.ends_with(".localhost")
                }
            },
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str) -> Address {
        Address::Tcp { host: host.to_owned(), port: 5432 }
    }

    #[test]
    fn an_address_is_shown_as_in_a_url() {
        for (address, shown) in [
            (tcp("db.internal"), "db.internal:5432"),
            (tcp("192.0.2.1"), "192.0.2.1:5432"),
            (tcp("::1"), "[::1]:5432"),
            (Address::Unix("/run/db.sock".into()), "/run/db.sock"),
        ] {
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn this_machine_is_known_by_its_addresses() {
        for local in
            [tcp("localhost"), tcp("DB.localhost"), tcp("127.0.0.2"), tcp("::1"), tcp("::ffff:127.0.0.1"), Address::Unix("s".into())]
        {
            assert!(local.is_local(), "{local}");
        }
        for other in [tcp("db.internal"), tcp("localhost.example"), tcp("192.0.2.1"), tcp("0.0.0.0"), tcp("::")] {
            assert!(!other.is_local(), "{other}");
        }
    }
}
