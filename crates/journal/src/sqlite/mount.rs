//! Which file system a folder is on, from the kernel's list of mounts.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// File systems that several hosts can mount at once, as the kernel names them.
const NETWORK: [&str; 25] = [
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "fuse.ceph",
    "fuse.ceph-fuse",
    "fuse.curlftpfs",
    "fuse.gcsfuse",
    "fuse.glusterfs",
    "fuse.juicefs",
    "fuse.mfs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.sshfs",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "smbfs",
];

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) mount_point: PathBuf,
    pub(super) fstype: String,
}

impl Mount {
    /// Whether another host may have it mounted too.
    pub(super) fn is_network(&self) -> bool {
        NETWORK.contains(&self.fstype.as_str())
    }
}

/// The mount that `folder` is on. `folder` is absolute and free of symbolic links; `mountinfo` is the text of
/// `/proc/self/mountinfo` (proc(5)). Lines that do not follow its form are passed over.
pub(super) fn mount_of(mountinfo: &str, folder: &Path) -> Option<Mount> {
    mountinfo
        .lines()
        .filter_map(parse)
        .filter(|mount| folder.starts_with(&mount.mount_point))
        // Of two mounts at one place the later covers the earlier; `max_by_key` takes the last of equals.
        .max_by_key(|mount| mount.mount_point.components().count())
}

/// `36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/sda1 rw`
fn parse(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    Some(Mount {
        mount_point: unescape(before.split(' ').nth(4)?),
        fstype: after.split(' ').next()?.to_owned(),
    })
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let octal = tail
            .get(..3)
            .filter(|_| byte == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(octal.unwrap_or(byte));
        rest = if octal.is_some() { &tail[3..] } else { tail };
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:5 / /srv rw shared:2 - ext4 /dev/sdb1 rw
23 22 0:40 / /srv/share rw shared:3 master:1 - nfs4 filer:/vol/a rw,vers=4.2
24 21 0:41 / /mnt/with\\040space rw - cifs //filer/b rw
25 21 0:42 / /mnt/covered rw - nfs filer:/c rw
26 25 0:43 / /mnt/covered rw - xfs /dev/sdc1 rw
27 21 0:44 / /home/op/remote rw - fuse.sshfs op@host: rw
28 21 0:45 / /host rw - virtiofs share rw
";

    #[track_caller]
    fn check(folder: &str, fstype: &str, network: bool) {
        let mount = mount_of(MOUNTS, Path::new(folder)).expect("a mount");
        assert_eq!((mount.fstype.as_str(), mount.is_network()), (fstype, network));
    }

    #[test]
    fn the_deepest_mount_decides() {
        check("/var/lib/farside", "ext4", false);
        check("/srv/local", "ext4", false);
        check("/srv/share", "nfs4", true);
        check("/srv/share/farside", "nfs4", true);
        check("/srv/shared", "ext4", false);
    }

    #[test]
    fn a_mount_covers_an_earlier_one_at_its_place() {
        check("/mnt/covered/x", "xfs", false);
    }

    #[test]
    fn escaped_mount_points_are_understood() {
        check("/mnt/with space/farside", "cifs", true);
    }

    #[test]
    fn fuse_is_told_apart_by_its_subtype() {
        check("/home/op/remote", "fuse.sshfs", true);
        check("/host/farside", "virtiofs", false);
    }

    #[test]
    fn lines_of_another_form_are_passed_over() {
        let text = format!("nonsense\n - \n1 2 3 - nfs\n{MOUNTS}");
        assert_eq!(mount_of(&text, Path::new("/")).expect("a mount").fstype, "ext4");
    }
}
