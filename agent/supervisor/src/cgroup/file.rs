//! Reads and writes cgroup and `/proc` files: the kernel's interface, not data on a disk.

use std::{
    io::{self, Read},
    path::Path,
};

/// Longest file read, in bytes; what follows is not looked at.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The whole file as text, up to [`FILE_BYTES_MAX`].
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let file = std::fs::OpenOptions::new().read(true).open(path)?;
    let mut text = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Writes in one call, as these files demand, and never creates anything.
pub(crate) fn write(path: &Path, value: &str) -> io::Result<()> {
    use std::io::Write;
    std::fs::OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes())
}

/// The number after `key` in lines of `key number`.
pub(crate) fn counter(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        if name == key { value.trim().parse().ok() } else { None }
    })
}
