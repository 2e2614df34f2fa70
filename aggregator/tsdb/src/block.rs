//! Blocks: immutable, checksummed files with the samples of a range of time. `FORMAT.md` has the
//! bytes.
//!
//! A block is written once, from series in order of tenant and labels, and read by pages. Every
//! page is checked against the checksum that its parent holds, from the footer down.

pub(crate) mod cache;
pub(crate) mod cursor;
pub(crate) mod directory;
mod format;
pub(crate) mod index;
mod labels;
mod postings;
pub(crate) mod reader;
mod root;
mod series;
mod shared;
mod tenant_writer;
pub(crate) mod verify;
pub(crate) mod writer;

/// Numbers a block within its store. Names the file, and orders blocks by when they were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlockId(pub(crate) u64);

impl BlockId {
    const EXTENSION: &str = "block";

    pub(crate) fn file_name(self) -> String {
        format!("{:010}.{}", self.0, Self::EXTENSION)
    }

    pub(crate) fn from_file_name(name: &str) -> Option<Self> {
        let (number, extension) = name.split_once('.')?;
        let is_ours = extension == Self::EXTENSION && number.len() >= 10;
        is_ours.then(|| number.parse().ok().map(Self))?
    }
}

impl std::fmt::Display for BlockId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "block {}", self.0)
    }
}

/// Why a block, or a part of it, cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum BlockError {
    #[error("{block}: {what} is damaged")]
    Damaged { block: BlockId, what: String },
    #[error("{block} was written by a newer version ({found})")]
    Newer { block: BlockId, found: u64 },
    #[error("{block} cannot be read: {message}")]
    Io { block: BlockId, message: String },
}

impl BlockError {
    pub(crate) fn block(&self) -> BlockId {
        match self {
            Self::Damaged { block, .. } | Self::Newer { block, .. } | Self::Io { block, .. } => {
                *block
            }
        }
    }
}

impl From<BlockError> for model::query::QueryError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::Damaged { .. } | BlockError::Newer { .. } => {
                Self::Damaged(error.to_string())
            }
            BlockError::Io { .. } => Self::Storage(error.to_string()),
        }
    }
}
