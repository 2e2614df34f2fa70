//! What is kept over a restart: totals, and how far files are counted, as of one moment.
//!
//! It is written before the totals leave for the aggregator. So a restart never begins below what
//! the aggregator has seen, and what was read after it is read again and counted once.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use disk::Disk;
use requests::saved::Saved;
use serde::{Deserialize, Serialize};

/// Larger ones are not read.
pub const KEPT_BYTES_MAX: usize = 256 << 20;
const FILE_NAME: &str = "requests.json";

/// All that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub totals: Saved,
    /// By the name of the source.
    pub files: BTreeMap<String, KeptFile>,
}

/// The file of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFile {
    pub path: PathBuf,
    /// The files that had this name and are still read, the newest last.
    pub marks: Vec<FileMark>,
}

/// How far one file is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMark {
    pub device: u64,
    pub inode: u64,
    /// Everything before is counted.
    pub offset: u64,
    /// A hash of the bytes right before the offset, by which a file is known again.
    pub hash: u64,
    /// Whether the offset is inside of a line that is too long.
    pub skipping: bool,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error(transparent)]
    Disk(#[from] io::Error),
    #[error("it is not what was written: {0}")]
    Damaged(#[from] serde_json::Error),
    #[error("it is longer than {KEPT_BYTES_MAX} bytes")]
    TooLong,
}

impl Kept {
    /// What was kept in this folder, `None` when nothing was.
    pub fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<Self>, KeptError> {
        let file = match disk.open(&dir.join(FILE_NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
        if size > KEPT_BYTES_MAX {
            return Err(KeptError::TooLong);
        }
        let (mut bytes, mut read) = (vec![0; size], 0);
        while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        Ok(Some(serde_json::from_slice(&bytes)?))
    }

    /// Whether both have the same totals and places, whenever they were taken.
    pub fn is_same(&self, other: &Self) -> bool {
        self.files == other.files && self.totals.has_same_totals(&other.totals)
    }

    /// Replaces what is kept in this folder, durably.
    pub fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), KeptError> {
        let bytes = serde_json::to_vec(self)?;
        Ok(disk::atomic::write(disk, &dir.join(FILE_NAME), &bytes)?)
    }
}
