//! Options of a store that a URL names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use protocol::error::{Error, Result};

use super::token_store::BoxError;
#[cfg(any(feature = "postgres", feature = "redis"))]
use crate::tls::Roots;

pub(super) type PasswordFunction = Arc<dyn Fn() -> Result<String, BoxError> + Send + Sync>;

/// Options for [`Store::open_with`](crate::Store::open_with): what a URL cannot say. An option that
/// the URL's store does not have is an error.
///
/// ```
/// use std::time::Duration;
/// use sipgate_oauth2::StoreOptions;
///
/// let options = StoreOptions::new().table("auth.logins").create_table(false).timeout(Duration::from_secs(2));
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct StoreOptions {
    pub(super) password: Option<PasswordFunction>,
    pub(super) ca_certificates: Option<Vec<u8>>,
    pub(super) timeout: Option<Duration>,
    pub(super) connections: Option<usize>,
    pub(super) table: Option<String>,
    pub(super) create_table: Option<bool>,
    pub(super) prefix: Option<String>,
    pub(super) durability: Option<Durability>,
    pub(super) replicas: Option<u32>,
    pub(super) allow_network_file_system: bool,
    pub(super) only_reads: bool,
}

/// When a Redis or Valkey counts a write as stored.
///
/// ```
/// use sipgate_oauth2::Durability;
///
/// assert_eq!(Durability::default(), Durability::Disk);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// Once it is on the server's disk. Needs its append-only file, and `WAITAOF` (Redis 7.2,
    /// Valkey) or `appendfsync always`.
    #[default]
    Disk,
    /// Once the server says so. For services that keep each write by themselves, such as MemoryDB.
    Server,
    /// Once it is in the server's memory. If the server stops, its last writes are lost, and users
    /// may have to log in again.
    Memory,
}

impl Durability {
    /// The name in configuration files and in the other languages: `disk`, `server` or `memory`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Server => "server",
            Self::Memory => "memory",
        }
    }
}

impl FromStr for Durability {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = [Self::Disk, Self::Server, Self::Memory].into_iter().find(|known| known.as_str() == name);
        known.ok_or_else(|| Error::invalid_argument("durability", "is not known; use disk, server or memory"))
    }
}

impl StoreOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks this function for the password before each new connection, such as for tokens of IAM or
    /// passwords that Vault changes. It overrides a password in the URL. Its error is reported as
    /// the cause of a [`StoreUnavailable`](crate::ErrorCode::StoreUnavailable).
    pub fn password(mut self, password: impl Fn() -> Result<String, BoxError> + Send + Sync + 'static) -> Self {
        self.password = Some(Arc::new(password));
        self
    }

    /// The certificate authorities of the database's server, as PEM, instead of those of the
    /// operating system.
    pub fn ca_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_certificates = Some(pem.into());
        self
    }

    /// How long an operation may take, with connecting: 3 s unless set, and at most 5 s, because
    /// other machines wait only so long for a process that refreshes.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The most connections of this process to each server at the same time: 4 unless set.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = Some(connections);
        self
    }

    /// The PostgreSQL table, with or without its schema: `sipgate_oauth2_logins` unless set.
    pub fn table(mut self, table: impl Into<String>) -> Self {
        self.table = Some(table.into());
        self
    }

    /// Whether a PostgreSQL table that does not exist is created: `true` unless set. Otherwise a
    /// missing table is an error that contains the SQL script.
    pub fn create_table(mut self, create_table: bool) -> Self {
        self.create_table = Some(create_table);
        self
    }

    /// What the names of all Redis keys start with: `sipgate-oauth2:` unless set.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// When a Redis or Valkey counts a write as stored: [`Durability::Disk`] unless set.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = Some(durability);
        self
    }

    /// How many Redis or Valkey replicas must have a write too, with [`Durability::Disk`] on their
    /// disks: 0 unless set.
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = Some(replicas);
        self
    }

    /// A store that does not exist is not created, and has no entries.
    pub(crate) fn only_reads(mut self) -> Self {
        self.only_reads = true;
        self
    }

    /// Accepts a SQLite database on a network file system, as
    /// [`SqliteOptions`](crate::SqliteOptions::allow_network_file_system) does.
    pub fn allow_network_file_system(mut self) -> Self {
        self.allow_network_file_system = true;
        self
    }

    /// Fails if an option is given that this kind of store does not have.
    pub(super) fn only(&self, kind: &str, known: &[&str]) -> Result<()> {
        let given = [
            ("password", self.password.is_some()),
            ("ca_certificates", self.ca_certificates.is_some()),
            ("timeout", self.timeout.is_some()),
            ("connections", self.connections.is_some()),
            ("table", self.table.is_some()),
            ("create_table", self.create_table.is_some()),
            ("prefix", self.prefix.is_some()),
            ("durability", self.durability.is_some()),
            ("replicas", self.replicas.is_some()),
            ("allow_network_file_system", self.allow_network_file_system),
        ];
        match given.iter().find(|(name, is_given)| *is_given && !known.contains(name)) {
            Some((name, _)) => Err(Error::invalid_argument(name, format_args!("is not an option of a store in {kind}; omit it"))),
            None => Ok(()),
        }
    }

    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(super) fn roots(&self) -> Result<Roots> {
        self.ca_certificates.as_deref().map_or(Ok(Roots::System), Roots::parse)
    }
}

/// The function and its password are secret, and the rest is not worth a dump of certificates.
impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreOptions").field("table", &self.table).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
