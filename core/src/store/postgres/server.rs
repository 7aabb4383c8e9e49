//! The servers of a database, and how to log in.

use std::fs;
use std::time::Instant;

use protocol::error::{Error, ErrorCode, Remedy, Result};
use protocol::secret::Secret;

use super::connection::Connection;
use super::sql_error::Place;
use super::startup::{Login, Protection};
use super::table::Table;
use super::url::DatabaseUrl;
use crate::store::options::StoreOptions;
use crate::store::remote::address::Address;
use crate::store::remote::encryption::{Encryption, Tls, only_this_machine};
use crate::store::remote::failure::unavailable;
use crate::store::remote::limits::share;
use crate::store::remote::password::Password;
use crate::tls::Roots;

/// The servers of a database: one, or several of which one is the primary.
pub(super) struct Server {
    url: DatabaseUrl,
    password: Password,
    encryption: Encryption,
}

impl Server {
    pub(super) fn new(mut url: DatabaseUrl, options: &StoreOptions, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let encryption = encryption(&url, options, environment)?;
        let password = Password::new(url.password.take(), options);
        Ok(Self { url, password, encryption })
    }

    /// The hosts, for errors.
    pub(super) fn place(&self) -> String {
        self.url.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }

    pub(super) fn role(&self) -> &str {
        &self.url.user
    }

    /// A connection to the first server that accepts one and is no standby. All of them share the
    /// time that is left.
    pub(super) fn connect(&self, table: &Table, deadline: Instant) -> Result<Connection> {
        let password = self.password.get(&self.place())?;
        let addresses = &self.url.addresses;
        let mut failures = Vec::new();
        for (index, address) in addresses.iter().enumerate() {
            let until = share(deadline, addresses.len() - index);
            match self.connect_to(address, password.as_ref(), table, until).and_then(|connection| self.primary(connection)) {
                Ok(connection) => return Ok(connection),
                Err(error) => failures.push(error),
            }
        }
        Err(together(failures))
    }

    fn connect_to(&self, address: &Address, password: Option<&Secret>, table: &Table, deadline: Instant) -> Result<Connection> {
        let login = Login {
            user: &self.url.user,
            database: &self.url.database,
            application_name: &self.url.application_name,
            password: password.map(Secret::reveal),
            protection: Protection::ThisMachine,
        };
        let tls = match &self.encryption {
            Encryption::Tls(tls) => Some(tls),
            Encryption::ThisMachine => None,
        };
        let place = Place { address, table, role: self.role() };
        Connection::open(place, tls, login, deadline)
    }

    /// Fails for a standby if there are other servers. Of a single server, each operation asks it.
    fn primary(&self, mut connection: Connection) -> Result<Connection> {
        if self.url.addresses.len() > 1 && connection.is_standby()? { Err(standby(connection.address())) } else { Ok(connection) }
    }
}

/// A standby has old logins, and writes none.
pub(super) fn standby(address: &Address) -> Error {
    unavailable(address, "the server is a standby; try again when it is the primary, or give the primary's host")
}

/// The failures of all servers as one.
fn together(mut failures: Vec<Error>) -> Error {
    if failures.len() == 1
        && let Some(error) = failures.pop()
    {
        return error;
    }
    let message = failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let error = Error::new(ErrorCode::StoreUnavailable, message);
    if failures.iter().any(Error::retryable) { error } else { error.with_remedy(Remedy::FixConfiguration) }
}

fn encryption(url: &DatabaseUrl, options: &StoreOptions, environment: &dyn Fn(&str) -> Option<String>) -> Result<Encryption> {
    let is_local = url.addresses.iter().all(Address::is_local);
    let has_roots = options.ca_certificates.is_some() || url.root_certificate.is_some();
    if !url.tls.unwrap_or(!is_local || has_roots) {
        only_this_machine(&url.addresses, "write sslmode=verify-full")?;
        return Ok(Encryption::ThisMachine);
    }
    if options.ca_certificates.is_some() {
        return Ok(Encryption::Tls(Tls::new(options.roots()?)));
    }
    let file = url.root_certificate.clone().or_else(|| environment("PGSSLROOTCERT")).filter(|file| !file.is_empty() && file != "system");
    let roots = file.map_or(Ok(Roots::System), |file| read_roots(&file))?;
    Ok(Encryption::Tls(Tls::new(roots)))
}

fn read_roots(file: &str) -> Result<Roots> {
    let pem = fs::read(file)
        .map_err(|cause| Error::invalid_argument("sslrootcert", format_args!("{file} cannot be read ({cause}); correct the path")))?;
    Roots::parse(&pem).map_err(|error| Error::invalid_argument("sslrootcert", format_args!("{file}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::TemporaryDirectory;

    fn open(url: &str, options: &StoreOptions) -> Result<Server> {
        Server::new(DatabaseUrl::parse(url, &|_| None).unwrap(), options, &|_| None)
    }

    fn pem() -> String {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()
    }

    fn is_encrypted(url: &str, options: &StoreOptions) -> bool {
        matches!(open(url, options).unwrap().encryption, Encryption::Tls(_))
    }

    #[test]
    fn another_machine_is_reached_by_tls_and_this_one_without() {
        let (plain, with_roots) = (StoreOptions::new(), StoreOptions::new().ca_certificates(pem()));
        for local in ["postgres://u@localhost/d", "postgres://u@127.0.0.1,[::1]/d", "postgres://u@/d?host=/run"] {
            assert!(!is_encrypted(local, &plain) && is_encrypted(local, &with_roots), "{local}");
        }
        for tls in ["postgres://u@db/d", "postgres://u@localhost,db/d", "postgres://u@localhost/d?sslmode=verify-full"] {
            assert!(is_encrypted(tls, &plain), "{tls}");
        }
        assert!(!is_encrypted("postgres://u@localhost/d?sslmode=disable", &with_roots));
        let error = open("postgres://u:hunter2@localhost,db/d?sslmode=disable", &plain).err().unwrap();
        assert!(error.to_string().contains("db:5432 is not; write sslmode=verify-full"), "{error}");
    }

    #[test]
    fn certificates_are_read_from_the_file_that_the_url_names() {
        let directory = TemporaryDirectory::new();
        let file = directory.join("ca.pem");
        let url = format!("postgres://u@localhost/d?sslrootcert={}", file.display().to_string().replace(' ', "%20"));
        let error = open(&url, &StoreOptions::new()).err().unwrap();
        assert!(error.to_string().starts_with("sslrootcert: ") && error.to_string().contains("cannot be read"), "{error}");
        fs::write(&file, "no certificate").unwrap();
        assert!(open(&url, &StoreOptions::new()).err().unwrap().to_string().starts_with("sslrootcert: "));
        fs::write(&file, pem()).unwrap();
        assert!(is_encrypted(&url, &StoreOptions::new()));
    }

    #[test]
    fn the_failures_of_several_servers_are_one() {
        let address = Address::Tcp { host: "a".to_owned(), port: 1 };
        let lasting = || unavailable(&address, "x").with_remedy(Remedy::FixConfiguration);
        assert_eq!(together(vec![lasting()]).to_string(), "store a:1: x");
        let both = together(vec![lasting(), standby(&address)]);
        assert_eq!(both.remedy(), Remedy::TryLater);
        assert!(both.to_string().starts_with("store a:1: x; store a:1: the server is a standby"), "{both}");
        assert_eq!(together(vec![lasting(), lasting()]).remedy(), Remedy::FixConfiguration);
    }
}
