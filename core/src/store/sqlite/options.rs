//! Settings of the embedded store.

/// Options for [`Store::sqlite_with`](crate::Store::sqlite_with).
///
/// ```
/// use sipgate_oauth2::SqliteOptions;
///
/// assert_ne!(SqliteOptions::new().allow_network_file_system(), SqliteOptions::new());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct SqliteOptions {
    pub(super) allow_network_file_system: bool,
}

impl SqliteOptions {
    /// The defaults: no network file system.
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts a database on a network file system. Without this it is refused, because the locks
    /// of many network file systems fail, and two machines then spend one refresh token.
    ///
    /// Use this only if you are sure that the locks are reliable and that only one machine uses the
    /// store.
    pub fn allow_network_file_system(mut self) -> Self {
        self.allow_network_file_system = true;
        self
    }
}
