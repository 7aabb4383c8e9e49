//! Access to the files of a store: only their own user may read and write them. On Windows, the
//! access control list of the folder decides.

#[cfg(unix)]
use std::fs::Permissions;
use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use protocol::error::{ErrorCode, Result};

use super::error::store_error;

/// Sets options so that a new file is accessible only to this user, and no symbolic link is
/// followed.
pub(super) fn make_private(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Non-blocking in case a pipe replaces the file after it was checked. It has no effect on a
        // regular file.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    let _ = options;
}

/// Creates a directory and its missing parents, accessible only to this user. An existing directory
/// is not changed.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Checks a file that contains secrets or serves as a lock: it must be a regular file of this user,
/// not accessible to others. Access of a group that this user is in is accepted, because it is
/// removed as soon as the file is open ([`remove_group_access`]).
pub(super) fn check_file(path: &Path, metadata: &Metadata) -> Result<()> {
    if metadata.is_symlink() {
        return refuse(path, "is a symbolic link, which could point anywhere; give the path of the file itself");
    }
    if !metadata.is_file() {
        return refuse(path, "is not a regular file; give another path");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        if belongs_to_another_user(metadata) {
            return refuse(path, "belongs to another user, who could read it; give another path, or change the owner");
        }
        let others = if is_in_group(metadata.gid()) { 0o007 } else { 0o077 };
        if metadata.mode() & others != 0 {
            return refuse_mode(path, metadata);
        }
    }
    Ok(())
}

/// Removes the access of the file's group. Kubernetes opens every file of a volume to its
/// `fsGroup`, again at each start.
#[cfg(unix)]
pub(super) fn remove_group_access(path: &Path, file: &File) -> Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    let metadata = file.metadata().map_err(|cause| group_access_error(path, cause))?;
    if metadata.mode() & 0o070 == 0 {
        return Ok(());
    }
    // It may not be the file that was checked before.
    check_file(path, &metadata)?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(|cause| group_access_error(path, cause))
}

#[cfg(not(unix))]
pub(super) fn remove_group_access(_path: &Path, _file: &File) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn group_access_error(path: &Path, cause: io::Error) -> protocol::error::Error {
    let problem = format!("is accessible to its group, and its mode could not be changed ({cause}); chmod 600 it");
    store_error(ErrorCode::StorePermissions, path, &problem).with_cause(cause)
}

/// Checks the directory of a store. Others may read it, because the files are not accessible to
/// them. They must not be able to write to it: they could put files of their own beside the
/// database. With the sticky bit, they cannot replace ours, and theirs are recognized by their
/// owner.
///
/// A group that this user is in may write: its files are recognized by their owner, too, and at
/// worst it can delete ours. So may a group with the user's own number, which is the user's private
/// group.
pub(super) fn check_directory(path: &Path, metadata: &Metadata) -> Result<()> {
    if !metadata.is_dir() {
        return refuse(path, "is not a directory; give another path");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let own_group = metadata.gid() == metadata.uid() && !belongs_to_another_user(metadata);
        let others = if own_group || is_in_group(metadata.gid()) { 0o002 } else { 0o022 };
        if metadata.mode() & others != 0 && metadata.mode() & 0o1000 == 0 {
            let problem = format!(
                "is a directory that others can write to (mode {:04o}); chmod 700 it, or keep the store in a directory of its own",
                metadata.mode() & 0o7777
            );
            return refuse(path, &problem);
        }
    }
    Ok(())
}

/// Whether files can be created in a directory, without creating one.
pub(super) fn check_can_create_in(directory: &Path) -> io::Result<()> {
    if !std::fs::metadata(directory)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    // On Windows, only an attempt tells.
    #[cfg(unix)]
    rustix::fs::access(directory, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?;
    Ok(())
}

/// Creates a directory that only the store uses.
pub(super) fn create_own_directory(path: &Path) -> Result<()> {
    let unusable = |cause: io::Error| {
        let problem = format!("cannot be used for locking ({cause}); check the directory and its permissions");
        store_error(ErrorCode::StoreUnavailable, path, &problem).with_cause(cause)
    };
    create_directory(path).map_err(unusable)?;
    let metadata = std::fs::symlink_metadata(path).map_err(unusable)?;
    #[cfg(unix)]
    if belongs_to_another_user(&metadata) {
        return refuse(path, "belongs to another user; remove it, or change the owner");
    }
    check_directory(path, &metadata)
}

/// The superuser may use the files of any user: in a container, files of its host belong to others.
#[cfg(unix)]
fn belongs_to_another_user(metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let user = rustix::process::geteuid();
    !user.is_root() && metadata.uid() != user.as_raw()
}

#[cfg(unix)]
fn is_in_group(group: u32) -> bool {
    let is_it = |own: rustix::process::Gid| own.as_raw() == group;
    is_it(rustix::process::getegid()) || rustix::process::getgroups().is_ok_and(|groups| groups.into_iter().any(is_it))
}

#[cfg(unix)]
fn refuse_mode(path: &Path, metadata: &Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let problem = format!("can be read or written by others (mode {:04o}); chmod 600 it", metadata.mode() & 0o7777);
    refuse(path, &problem)
}

fn refuse(path: &Path, problem: &str) -> Result<()> {
    Err(store_error(ErrorCode::StorePermissions, path, problem))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

    use super::*;
    use crate::store::sqlite::Sqlite;
    use crate::store::testing::{TemporaryDirectory, entry, key};
    use crate::store::token_store::TokenStore as _;
    use protocol::error::Error;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn refused(path: &Path) -> Error {
        let error = Sqlite::open(path).err().expect("it should have been refused");
        assert_eq!(error.code(), ErrorCode::StorePermissions, "{error}");
        error
    }

    #[test]
    fn new_files_and_directories_are_accessible_to_the_user_alone() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("a/b/logins.db");
        let store = Sqlite::open(&path).unwrap();
        drop(store.try_lock(&key(1)).unwrap());
        for made in ["a", "a/b"] {
            assert_eq!(mode(&directory.join(made)), 0o700, "{made}");
        }
        for made in ["a/b/logins.db", "a/b/logins.db.lock"] {
            assert_eq!(mode(&directory.join(made)), 0o600, "{made}");
        }
    }

    #[test]
    fn an_existing_directory_keeps_its_mode() {
        let directory = TemporaryDirectory::new();
        set_mode(directory.path(), 0o755);
        Sqlite::open(directory.join("logins.db")).unwrap();
        assert_eq!(mode(directory.path()), 0o755);
    }

    #[test]
    fn a_file_that_others_can_read_or_write_is_refused_also_if_its_mode_changes_in_use() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("logins.db");
        let store = Sqlite::open(&path).unwrap();
        for loose in [0o604, 0o602, 0o644, 0o666, 0o664] {
            set_mode(&path, loose);
            let error = refused(&path);
            assert!(
                error.to_string().contains(&format!("logins.db: can be read or written by others (mode {loose:04o}); chmod 600 it")),
                "{error}"
            );
            assert!(store.load(&key(1)).is_err());
            assert!(store.swap(&key(1), None, &entry("a", None)).is_err());
        }
        set_mode(&path, 0o600);
        assert_eq!(store.load(&key(1)).unwrap(), None);
    }

    #[test]
    fn a_symbolic_link_is_refused_as_the_file_and_accepted_as_a_directory() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("logins.db");
        Sqlite::open(directory.join("real.db")).unwrap();
        symlink("real.db", &path).unwrap();
        assert!(refused(&path).to_string().contains("is a symbolic link"));
        fs::remove_file(&path).unwrap();
        symlink("missing.db", &path).unwrap();
        refused(&path);
        assert!(!directory.join("missing.db").exists());
        symlink(".", directory.join("folder")).unwrap();
        Sqlite::open(directory.join("folder/other.db")).unwrap();
        assert!(directory.join("other.db").exists());
    }

    #[test]
    fn anything_but_a_regular_file_is_refused_without_waiting() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("logins.db");
        fs::create_dir(&path).unwrap();
        assert!(refused(&path).to_string().contains("is not a regular file"));
        fs::remove_dir(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(refused(&path).to_string().contains("is not a regular file"));
    }

    #[test]
    fn a_directory_that_others_can_write_to_is_refused_unless_it_is_sticky() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("logins.db");
        for loose in [0o702, 0o777] {
            set_mode(directory.path(), loose);
            let error = refused(&path);
            assert!(error.to_string().contains("is a directory that others can write to"), "{error}");
        }
        for fine in [0o1777, 0o755, 0o711, 0o700] {
            set_mode(directory.path(), fine);
            Sqlite::open(&path).unwrap();
        }
    }

    /// A group that this process is not in. Only the superuser can give files to it.
    fn foreign_group() -> Option<u32> {
        rustix::process::geteuid().is_root().then(|| (70_000..).find(|group| !is_in_group(*group)).unwrap())
    }

    #[test]
    fn access_of_a_group_of_this_user_is_accepted_and_removed() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("logins.db");
        let store = Sqlite::open(&path).unwrap();
        store.swap(&key(1), None, &entry("a", None)).unwrap();
        let open_all = || {
            set_mode(directory.path(), 0o2770);
            for file in ["logins.db", "logins.db.lock"] {
                set_mode(&directory.join(file), 0o660);
            }
        };
        open_all();
        let other = Sqlite::open(&path).unwrap();
        assert_eq!(other.load(&key(1)).unwrap(), Some(entry("a", None)));
        assert_eq!((mode(&path), mode(&directory.join("logins.db.lock"))), (0o600, 0o600));
        // Again while the store is open, with the journal of a process that was killed.
        open_all();
        fs::write(directory.join("logins.db-journal"), "").unwrap();
        set_mode(&directory.join("logins.db-journal"), 0o660);
        assert_eq!(store.swap(&key(1), Some("a"), &entry("b", None)).unwrap(), crate::store::token_store::SwapOutcome::Stored);
        drop(store.try_lock(&key(1)).unwrap());
        assert_eq!((mode(&path), mode(&directory.join("logins.db.lock"))), (0o600, 0o600));
        assert_eq!(mode(directory.path()), 0o2770);
    }

    #[test]
    fn access_of_any_other_group_is_refused() {
        let Some(group) = foreign_group() else { return };
        let directory = TemporaryDirectory::new();
        let path = directory.join("logins.db");
        Sqlite::open(&path).unwrap();
        chown(&path, None, Some(group)).unwrap();
        for loose in [0o640, 0o620, 0o660] {
            set_mode(&path, loose);
            assert!(refused(&path).to_string().contains("chmod 600 it"));
            assert_eq!(mode(&path), loose);
        }
        set_mode(&path, 0o600);
        chown(directory.path(), None, Some(group)).unwrap();
        set_mode(directory.path(), 0o770);
        refused(&path);
    }

    #[test]
    fn a_journal_that_others_can_write_is_not_rolled_back() {
        let directory = TemporaryDirectory::new();
        let path = directory.join("logins.db");
        let store = Sqlite::open(&path).unwrap();
        fs::write(directory.join("logins.db-journal"), "planted").unwrap();
        set_mode(&directory.join("logins.db-journal"), 0o644);
        let error = store.load(&key(1)).unwrap_err();
        assert!(error.to_string().contains("logins.db-journal: can be read or written by others"), "{error}");
    }
}
