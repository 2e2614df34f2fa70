//! Which cgroup hierarchies this process sees and where it is in them.
//!
//! Formats: `/proc/self/mountinfo` as in proc_pid_mountinfo(5), `/proc/self/cgroup` as in cgroups(7).

use std::path::{Path, PathBuf};

use crate::placement::Controller;

/// A mounted cgroup hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) point: PathBuf,
    /// The part of the hierarchy that is mounted, `/` unless it is a bind mount.
    pub(crate) root: PathBuf,
    /// `None` for v2.
    pub(crate) v1: Option<Vec<Controller>>,
}

/// Where a process is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) v2: Option<PathBuf>,
    pub(crate) v1: Vec<(Controller, PathBuf)>,
}

/// The cgroup mounts among the lines; lines that are not understood are passed over.
pub(crate) fn parse_mountinfo(text: &str) -> Vec<Mount> {
    text.lines().filter_map(parse_mount).collect()
}

fn parse_mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ').skip(3);
    let root = unescape(fields.next()?);
    let point = unescape(fields.next()?);
    let mut after = after.split(' ');
    let v1 = match after.next()? {
        "cgroup2" => None,
        "cgroup" => Some(controllers(after.nth(1)?)),
        _ => return None,
    };
    Some(Mount { point, root, v1 })
}

/// Controllers in a comma-separated list; other words are passed over.
fn controllers(list: &str) -> Vec<Controller> {
    let named = |word: &str| Controller::ALL.into_iter().find(|known| known.name() == word);
    list.split(',').filter_map(named).collect()
}

/// Lines `hierarchy:controllers:path`, where v2 is `0::path`.
pub(crate) fn parse_membership(text: &str) -> Membership {
    let mut membership = Membership::default();
    for line in text.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(hierarchy), Some(list), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if hierarchy == "0" && list.is_empty() {
            membership.v2 = Some(path.into());
        } else {
            membership.v1.extend(controllers(list).into_iter().map(|found| (found, path.into())));
        }
    }
    membership
}

impl Mount {
    /// Directories in which a cgroup might be made: the top first, because it is the same for
    /// every later start and so lets them find what this one leaves behind; then `own`, the cgroup
    /// of this process, and upwards from there.
    pub(crate) fn candidates(&self, own: &Path) -> Vec<PathBuf> {
        let inside = own.strip_prefix(&self.root).unwrap_or(Path::new(""));
        let inside = inside.strip_prefix("/").unwrap_or(inside);
        let mut candidates = vec![self.point.clone()];
        let upwards = inside.ancestors().filter(|path| !path.as_os_str().is_empty());
        candidates.extend(upwards.map(|path| self.point.join(path)));
        candidates
    }
}

/// Undoes the kernel's octal escapes of space, tab, newline and backslash.
fn unescape(field: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    let bytes = field.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = bytes.get(at + 1..at + 4).filter(|_| byte == b'\\').and_then(octal);
        plain.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 4 } else { 1 };
    }
    std::ffi::OsString::from_vec(plain).into()
}

fn octal(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

#[cfg(test)]
mod tests;
