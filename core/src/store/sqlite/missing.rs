//! A database that does not exist, for programs that only read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::error::Result;

use super::error::configuration_error;
use super::{Sqlite, network, path, permissions};
use crate::store::token_store::{BoxError, StoreEntry, StoreKey, SwapOutcome, TokenStore};

/// What is at a path.
pub(crate) enum Found {
    Database(Sqlite),
    Nothing(Missing),
}

/// Stands in for the database. It has no entries, and nothing is created.
pub(crate) struct Missing {
    path: PathBuf,
}

impl Sqlite {
    /// Opens the database if there is one. Creates nothing.
    pub(crate) fn find(path: impl Into<PathBuf>) -> Result<Found> {
        let path = path.into();
        let (directory, name) = path::absolute(&path)?;
        let absolute = directory.join(name);
        match fs::symlink_metadata(&absolute) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing(Missing { path: absolute })),
            // If it cannot be looked at, opening it says why.
            _ => Ok(Found::Database(Self::open(path)?)),
        }
    }
}

impl Missing {
    /// The full path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl TokenStore for Missing {
    fn load(&self, _key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        Ok(None)
    }

    fn swap(&self, _key: &StoreKey, _expected: Option<&str>, _entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        Err(configuration_error(&self.path, "does not exist yet; a login creates it").into())
    }

    fn keys(&self, _after: Option<&StoreKey>, _limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        Ok(Vec::new())
    }

    /// Whether the database can be created.
    fn check(&self) -> Result<Vec<String>, BoxError> {
        let parent = self.path.parent().unwrap_or(&self.path);
        let (directory, metadata) = existing(parent).map_err(|cause| path::directory_error(parent, cause))?;
        network::check(&directory.join("logins.db"))?;
        if directory == parent {
            permissions::check_directory(directory, &metadata)?;
        }
        permissions::check_can_create_in(directory).map_err(|cause| path::directory_error(directory, cause))?;
        Ok(Vec::new())
    }

    fn is_missing(&self) -> bool {
        true
    }
}

/// The directory, or else the nearest one above it that exists.
fn existing(directory: &Path) -> io::Result<(&Path, fs::Metadata)> {
    match fs::metadata(directory) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => match directory.parent() {
            Some(parent) => existing(parent),
            None => Err(cause),
        },
        found => Ok((directory, found?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{TemporaryDirectory, entry, key};
    use protocol::error::{ErrorCode, Remedy};

    fn missing(path: &Path) -> Missing {
        match Sqlite::find(path).unwrap() {
            Found::Nothing(missing) => missing,
            Found::Database(_) => panic!("{} exists", path.display()),
        }
    }

    #[test]
    fn a_database_that_does_not_exist_has_no_entries_and_is_not_created() {
        let directory = TemporaryDirectory::new();
        let store = missing(&directory.join("a/b/logins.db"));
        assert!(store.load(&key(1)).unwrap().is_none());
        assert!(store.keys(None, 10).unwrap().is_empty());
        assert!(store.check().unwrap().is_empty());
        let error = store.swap(&key(1), None, &entry("a", None)).unwrap_err();
        assert!(error.to_string().contains("does not exist yet"), "{error}");
        assert!(fs::read_dir(directory.path()).unwrap().next().is_none());
    }

    #[test]
    fn a_database_that_exists_is_opened() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("logins.db");
        drop(Sqlite::open(&path).unwrap());
        assert!(matches!(Sqlite::find(&path).unwrap(), Found::Database(_)));
    }

    #[test]
    fn the_check_finds_a_place_where_none_can_be_created() {
        let directory = TemporaryDirectory::new();
        let file = directory.join("file");
        fs::write(&file, "").unwrap();
        let below = Missing { path: file.join("a/logins.db") };
        let error = below.check().unwrap_err().downcast::<protocol::error::Error>().unwrap();
        assert_eq!((error.code(), error.remedy()), (ErrorCode::StoreUnavailable, Remedy::FixConfiguration), "{error}");
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_check_finds_a_folder_that_others_can_write_to() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = TemporaryDirectory::new();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = missing(&directory.join("logins.db")).check().unwrap_err();
        assert!(error.to_string().contains("that others can write to"), "{error}");
    }
}
