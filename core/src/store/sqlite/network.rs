//! File systems that several machines share. Their locks often exclude nobody on another machine, and this store's locks are for one machine
//! only: there a lock would let two machines spend one refresh token.

use std::path::Path;

use super::misplaced;
use protocol::error::Result;

/// Whether a network file system will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NetworkFileSystem {
    Refused,
    /// The caller answers for it that the file system's locks are good, and that one machine alone uses the store.
    Accepted,
}

impl NetworkFileSystem {
    /// Refuses a database in such a place. Only Linux is asked: elsewhere none is noticed.
    pub(super) fn check(self, path: &Path) -> Result<()> {
        self.judge(path, kind(path).as_deref())
    }

    fn judge(self, path: &Path, kind: Option<&str>) -> Result<()> {
        match (self, kind) {
            (Self::Refused, Some(kind)) => {
                let problem = format!(
                    "is on a network file system ({kind}), whose locks cannot be relied on; keep it on a disk of this machine, or use a database \
                     server for several machines"
                );
                Err(misplaced(path, &problem))
            }
            (Self::Refused, None) | (Self::Accepted, _) => Ok(()),
        }
    }
}

/// The name of the network file system that holds the path.
#[cfg(target_os = "linux")]
fn kind(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    const FUSE: u64 = 0x6573_5546;

    let directory = path.parent()?;
    // The width and sign of the number differ between platforms; the magic numbers have 32 bits.
    #[expect(clippy::cast_sign_loss, reason = "only the lower 32 bits count")]
    let magic = rustix::fs::statfs(directory).ok()?.f_type as u64 & 0xFFFF_FFFF;
    if magic != FUSE {
        return name(magic).map(str::to_owned);
    }
    let device = directory.metadata().ok()?.dev();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    fuse_name(&mounts, rustix::fs::major(device), rustix::fs::minor(device)).map(str::to_owned)
}

#[cfg(not(target_os = "linux"))]
fn kind(_path: &Path) -> Option<String> {
    None
}

/// By the kernel's magic number (statfs(2)).
#[cfg(target_os = "linux")]
fn name(magic: u64) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517B | 0xFE53_4D42 | 0xFF53_4D42 => "SMB",
        0x564C => "NCP",
        0x5346_414F | 0x6B41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x00C3_6400 => "Ceph",
        0x0BD0_0BD0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x7461_636F => "OCFS2",
        0x0116_1970 => "GFS2",
        _ => return None,
    })
}

/// Programs that serve a file system over the network through FUSE, which serves local ones as well.
#[cfg(target_os = "linux")]
fn fuse_name(mounts: &str, major: u32, minor: u32) -> Option<&str> {
    const NETWORK: [&str; 14] = [
        "ceph-fuse",
        "curlftpfs",
        "davfs",
        "gcsfuse",
        "glusterfs",
        "goofys",
        "juicefs",
        "moosefs",
        "mount-s3",
        "nfs",
        "rclone",
        "s3fs",
        "smbnetfs",
        "sshfs",
    ];
    let device = format!("{major}:{minor}");
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&device))?;
    let (_, described) = line.split_once(" - ")?;
    let kind = described.split(' ').next()?;
    NETWORK.contains(&kind.strip_prefix("fuse.")?).then_some(kind)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use protocol::error::{ErrorCode, Remedy};

    const MOUNTS: &str = "\
        22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
        40 22 0:45 / /home/me/far\\040away rw,nosuid shared:2 - fuse.sshfs me@host:/ rw,user_id=1000\n\
        41 22 0:46 / /home/me/usb rw,nosuid - fuse.ntfs-3g /dev/sdb1 rw\n";

    #[test]
    fn network_file_systems_are_known_by_number_and_fuse_ones_by_name() {
        assert_eq!(name(0x6969), Some("NFS"));
        assert_eq!(name(0xFF53_4D42), Some("SMB"));
        assert_eq!(name(0xEF53), None);
        assert_eq!(fuse_name(MOUNTS, 0, 45), Some("fuse.sshfs"));
        assert_eq!(fuse_name(MOUNTS, 0, 46), None);
        assert_eq!(fuse_name(MOUNTS, 254, 0), None);
        assert_eq!(fuse_name(MOUNTS, 0, 47), None);
    }

    #[test]
    fn a_network_file_system_is_refused_by_name_unless_somebody_answers_for_it() {
        let path = Path::new("/home/me/logins.db");
        assert!(NetworkFileSystem::Accepted.judge(path, Some("NFS")).is_ok());
        assert!(NetworkFileSystem::Refused.judge(path, None).is_ok());
        let error = NetworkFileSystem::Refused.judge(path, Some("NFS")).unwrap_err();
        assert_eq!((error.code(), error.remedy()), (ErrorCode::StoreUnavailable, Remedy::FixConfiguration));
        assert!(error.to_string().contains("/home/me/logins.db: is on a network file system (NFS)"), "{error}");
    }
}
