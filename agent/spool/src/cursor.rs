//! What each destination has taken.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use disk::{Disk, atomic};

const MAGIC: [u8; 8] = *b"TWCURS1\n";
/// The ending of cursor files.
const EXTENSION: &str = "cursor";
/// No file of ours is longer than this.
const FILE_BYTES_MAX: u64 = 4096;

/// The next tick of each destination. What is saved may lag behind what was taken: a destination
/// then gets some ticks a second time, which a store recognises.
#[derive(Debug)]
pub struct Cursors {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    saved: BTreeMap<String, u64>,
}

impl Cursors {
    /// Reads the cursors of these destinations, and removes the files of all others, so that one
    /// which is no longer configured holds up nothing. A name is of letters, digits, `-` and `_`.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, destinations: &[&str]) -> io::Result<Self> {
        disk.create_dir_all(dir)?;
        let mut saved = BTreeMap::new();
        for entry in disk.list(dir)? {
            let Some((name, EXTENSION)) = entry.name.rsplit_once('.') else { continue };
            let path = dir.join(&entry.name);
            if !destinations.contains(&name) {
                disk.remove(&path)?;
            } else if let Some(next) = parse(&disk::read(&*disk, &path, FILE_BYTES_MAX)?) {
                saved.insert(name.to_owned(), next);
            }
        }
        Ok(Self { disk, dir: dir.to_owned(), saved })
    }

    /// The next tick of a destination; `None` for one that has no cursor, or had a damaged one.
    pub fn get(&self, destination: &str) -> Option<u64> {
        self.saved.get(destination).copied()
    }

    /// The last tick that any destination has taken, and one.
    pub fn newest(&self) -> Option<u64> {
        self.saved.values().copied().max()
    }

    /// Saves a cursor, durably, if it has moved.
    pub fn save(&mut self, destination: &str, next: u64) -> io::Result<()> {
        if self.get(destination) == Some(next) {
            return Ok(());
        }
        let path = self.dir.join(format!("{destination}.{EXTENSION}"));
        atomic::write(&*self.disk, &path, &write(next))?;
        self.saved.insert(destination.to_owned(), next);
        Ok(())
    }
}

fn write(next: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&next.to_le_bytes());
    bytes.extend_from_slice(&codec::checksum::crc32c(&bytes).to_le_bytes());
    bytes
}

fn parse(bytes: &[u8]) -> Option<u64> {
    let (covered, checksum) = bytes.split_last_chunk()?;
    let next = covered.strip_prefix(&MAGIC)?.first_chunk()?;
    let whole = u32::from_le_bytes(*checksum) == codec::checksum::crc32c(covered);
    (whole && covered.len() == MAGIC.len() + next.len()).then_some(u64::from_le_bytes(*next))
}
