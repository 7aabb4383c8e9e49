//! The identity of a file.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

/// Distinguishes a file from another file at the same path: its device and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId(u64, u64);

#[cfg(unix)]
impl FileId {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        Ok(Self::in_metadata(&file.metadata()?))
    }

    /// What is at the path, which may be a symbolic link.
    pub(super) fn at(path: &Path) -> io::Result<(Self, Metadata)> {
        let metadata = std::fs::symlink_metadata(path)?;
        Ok((Self::in_metadata(&metadata), metadata))
    }

    fn in_metadata(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self(metadata.dev(), metadata.ino())
    }
}

#[cfg(windows)]
impl FileId {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let information = winapi_util::file::information(file)?;
        Ok(Self(information.volume_serial_number(), information.file_index()))
    }

    /// What is at the path, which may be a symbolic link or a directory.
    pub(super) fn at(path: &Path) -> io::Result<(Self, Metadata)> {
        use std::os::windows::fs::OpenOptionsExt as _;

        const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;

        let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
        let file = File::options().access_mode(0).custom_flags(flags).open(path)?;
        Ok((Self::of(&file)?, file.metadata()?))
    }
}
