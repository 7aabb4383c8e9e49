//! Detects file systems that several machines share. Their locks often do not exclude processes on
//! other machines, so two machines could spend one refresh token.

use std::path::Path;

use protocol::error::Result;

use super::error::configuration_error;

/// Refuses a database on a network file system. Only Linux tells; on other systems all are
/// accepted.
pub(super) fn check(path: &Path) -> Result<()> {
    refuse(path, detect(path).as_deref())
}

fn refuse(path: &Path, network: Option<&str>) -> Result<()> {
    let Some(kind) = network else { return Ok(()) };
    let problem = format!(
        "is on a network file system ({kind}), whose locks are not reliable; keep it on a local disk, or use a \
         database server for several machines; if you are sure of the locks, set allow_network_file_system"
    );
    Err(configuration_error(path, &problem))
}

/// The type of the file system that holds the path, if it is a network file system.
#[cfg(target_os = "linux")]
fn detect(path: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    const FUSE: u64 = 0x6573_5546;

    let directory = path.parent()?;
    // The width and sign of the number differ between platforms; magic numbers have 32 bits.
    #[expect(clippy::cast_sign_loss, reason = "only the lower 32 bits count")]
    let magic = rustix::fs::statfs(directory).ok()?.f_type as u64 & 0xFFFF_FFFF;
    if magic != FUSE {
        return name(magic).map(str::to_owned);
    }
    let device = directory.metadata().ok()?.dev();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    remote_fuse(&mounts, rustix::fs::major(device), rustix::fs::minor(device)).map(str::to_owned)
}

#[cfg(not(target_os = "linux"))]
fn detect(_path: &Path) -> Option<String> {
    None
}

/// The name for a magic number of the kernel (statfs(2)), if it is that of a network file system.
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

/// The type of a FUSE mount, such as `fuse.sshfs`, if its source is remote. FUSE serves local and
/// remote file systems under one magic number, and programs for it are too many to list. The rule
/// is that of `df --local`: the source of a remote file system has a colon (`host:/folder`, a URL).
/// The source of a local one is often a path, which may have a colon, too.
#[cfg(target_os = "linux")]
fn remote_fuse(mounts: &str, major: u32, minor: u32) -> Option<&str> {
    let device = format!("{major}:{minor}");
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&device))?;
    let (_, described) = line.split_once(" - ")?;
    let mut words = described.split(' ');
    let (kind, source) = (words.next()?, words.next()?);
    (source.contains(':') && !source.starts_with('/')).then_some(kind)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;
    use protocol::error::{ErrorCode, Remedy};

    const MOUNTS: &str = "\
        22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
        40 22 0:45 / /home/me/far\\040away rw,nosuid shared:2 - fuse.sshfs me@host:/ rw,user_id=1000\n\
        41 22 0:46 / /home/me/usb rw,nosuid - fuseblk /dev/sdb1 rw\n\
        42 22 0:47 / /home/me/dav rw,nosuid - fuse https://dav.example/me rw\n\
        43 22 0:48 / /home/me/disks rw,nosuid - fuse.mergerfs /mnt/a:/mnt/b rw\n\
        44 22 0:49 / /container rw,nosuid - fuse.fuse-overlayfs fuse-overlayfs rw\n";

    #[test]
    fn network_file_systems_are_detected_by_their_magic_number() {
        assert_eq!(name(0x6969), Some("NFS"));
        assert_eq!(name(0xFF53_4D42), Some("SMB"));
        assert_eq!(name(0xEF53), None);
    }

    #[test]
    fn fuse_is_a_network_file_system_if_the_source_of_the_mount_is_remote() {
        assert_eq!(remote_fuse(MOUNTS, 0, 45), Some("fuse.sshfs"));
        assert_eq!(remote_fuse(MOUNTS, 0, 47), Some("fuse"));
        for local in [46, 48, 49] {
            assert_eq!(remote_fuse(MOUNTS, 0, local), None, "{local}");
        }
        assert_eq!(remote_fuse(MOUNTS, 254, 0), None);
        assert_eq!(remote_fuse(MOUNTS, 0, 50), None, "not mounted");
    }

    #[test]
    fn a_network_file_system_is_refused_by_name_and_the_error_names_the_option() {
        let path = Path::new("/home/me/logins.db");
        assert!(refuse(path, None).is_ok());
        let error = refuse(path, Some("NFS")).unwrap_err();
        assert_eq!((error.code(), error.remedy()), (ErrorCode::StoreUnavailable, Remedy::FixConfiguration));
        let message = error.to_string();
        assert!(message.contains("/home/me/logins.db: is on a network file system (NFS)"), "{message}");
        assert!(message.ends_with("set allow_network_file_system"), "{message}");
    }
}
