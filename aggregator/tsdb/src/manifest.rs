//! The list of what a store consists of, replaced as a whole. `FORMAT.md` has the bytes.
//!
//! It is written twice, one after the other. When neither can be read, the blocks that are there
//! are taken, without those that others say they replace.

use std::{io, path::Path};

use codec::{checksum::crc32c, varint};
use disk::Disk;
use model::{
    labels::Labels,
    matcher::{MatchOp, Matcher},
    tenant::TenantId,
};

use crate::block::BlockId;

const MAGIC: &[u8; 8] = b"TWMANIF1";
const VERSION: u64 = 1;
const FILES: [&str; 2] = ["manifest", "manifest.copy"];

/// Longest manifest that is read, in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// What the store consists of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Manifest {
    /// The last run of a process that has opened the store.
    pub(crate) run: u32,
    /// The first segment of the log that is needed.
    pub(crate) wal_first: u64,
    pub(crate) next_block: u64,
    pub(crate) blocks: Vec<BlockId>,
    pub(crate) tombstones: Vec<Tombstone>,
}

/// A deletion that blocks still have to be rewritten for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tombstone {
    pub(crate) tenant: TenantId,
    /// All must match; none means all series.
    pub(crate) matchers: Vec<Matcher>,
    /// First and last time.
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Blocks after this one were written later and are not concerned.
    pub(crate) until: BlockId,
}

impl Tombstone {
    pub(crate) fn applies_to(&self, tenant: &TenantId, block: BlockId) -> bool {
        self.tenant == *tenant && block <= self.until
    }

    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches_labels(labels))
    }
}

/// Why a manifest was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The old one is there.
    Unchanged(io::Error),
    /// A crash may leave the old one or the new one.
    Unknown(io::Error),
}

impl WriteError {
    pub(crate) fn into_inner(self) -> io::Error {
        match self {
            Self::Unchanged(error) | Self::Unknown(error) => error,
        }
    }
}

/// What reading found.
#[derive(Debug)]
pub(crate) enum Read {
    Found {
        manifest: Manifest,
        is_copy: bool,
    },
    /// There is none, as in a new directory.
    Absent,
    /// There are some, and none can be read.
    Damaged,
    Newer {
        found: u64,
    },
}

impl Manifest {
    /// Makes this the manifest. The copy follows; that it cannot be written is no failure, because
    /// an old one does as well.
    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), WriteError> {
        let mut bytes = MAGIC.to_vec();
        self.put(&mut bytes);
        bytes.extend_from_slice(&crc32c(&bytes).to_le_bytes());
        let [first, copy] = FILES.map(|name| dir.join(name));
        disk::atomic::prepare(disk, &first, &bytes).map_err(WriteError::Unchanged)?;
        disk::atomic::commit(disk, &first).map_err(WriteError::Unknown)?;
        drop(disk::atomic::write(disk, &copy, &bytes));
        Ok(())
    }

    /// Reads the manifest, or else its copy. The error is that of the disk, when neither helps.
    pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> io::Result<Read> {
        let mut outcome = Ok(Read::Absent);
        for (number, name) in FILES.iter().enumerate() {
            match disk::read(disk, &dir.join(name), BYTES_MAX) {
                Ok(bytes) => match Self::parse(&bytes) {
                    Ok(manifest) => return Ok(Read::Found { manifest, is_copy: number > 0 }),
                    Err(Some(found)) => return Ok(Read::Newer { found }),
                    Err(None) => outcome = outcome.and(Ok(Read::Damaged)),
                },
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    /// Which of the two files are there and cannot be read.
    pub(crate) fn damaged(disk: &dyn Disk, dir: &Path) -> Vec<&'static str> {
        let is_damaged = |name: &&str| match disk::read(disk, &dir.join(name), BYTES_MAX) {
            Ok(bytes) => matches!(Self::parse(&bytes), Err(None)),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        FILES.into_iter().filter(is_damaged).collect()
    }

    /// The error is the version, when that is the trouble.
    fn parse(bytes: &[u8]) -> Result<Self, Option<u64>> {
        let (body, check) = bytes.split_last_chunk::<4>().ok_or(None)?;
        if crc32c(body) != u32::from_le_bytes(*check) {
            return Err(None);
        }
        let mut input = body.strip_prefix(MAGIC).ok_or(None)?;
        match varint::take_u64(&mut input) {
            Some(VERSION) => Self::take(&mut input).ok_or(None),
            Some(found) if found > VERSION => Err(Some(found)),
            _ => Err(None),
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        varint::put_u64(out, VERSION);
        varint::put_u64(out, u64::from(self.run));
        varint::put_u64(out, self.wal_first);
        varint::put_u64(out, self.next_block);
        varint::put_u64(out, self.blocks.len() as u64);
        self.blocks.iter().for_each(|block| varint::put_u64(out, block.0));
        varint::put_u64(out, self.tombstones.len() as u64);
        for tombstone in &self.tombstones {
            put_text(out, tombstone.tenant.as_str());
            varint::put_u64(out, tombstone.matchers.len() as u64);
            for matcher in &tombstone.matchers {
                put_text(out, matcher.name());
                let op = OPS.iter().position(|op| *op == matcher.op()).unwrap_or(0);
                out.push(op as u8);
                put_text(out, matcher.value());
            }
            varint::put_i64(out, tombstone.start);
            varint::put_i64(out, tombstone.end);
            varint::put_u64(out, tombstone.until.0);
        }
    }

    fn take(input: &mut &[u8]) -> Option<Self> {
        let mut manifest = Self {
            run: u32::try_from(varint::take_u64(input)?).ok()?,
            wal_first: varint::take_u64(input)?,
            next_block: varint::take_u64(input)?,
            ..Self::default()
        };
        for _ in 0..varint::take_u64(input)? {
            manifest.blocks.push(BlockId(varint::take_u64(input)?));
        }
        for _ in 0..varint::take_u64(input)? {
            let tenant = TenantId::new(take_text(input)?).ok()?;
            let mut matchers = Vec::new();
            for _ in 0..varint::take_u64(input)? {
                let name = take_text(input)?;
                let (op, rest) = input.split_first()?;
                *input = rest;
                let op = *OPS.get(usize::from(*op))?;
                matchers.push(Matcher::new(name, op, take_text(input)?).ok()?);
            }
            manifest.tombstones.push(Tombstone {
                tenant,
                matchers,
                start: varint::take_i64(input)?,
                end: varint::take_i64(input)?,
                until: BlockId(varint::take_u64(input)?),
            });
        }
        input.is_empty().then_some(manifest)
    }
}

const OPS: [MatchOp; 4] = [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex];

fn put_text(out: &mut Vec<u8>, text: &str) {
    varint::put_u64(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn take_text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(varint::take_u64(input)?).ok()?;
    let (text, rest) = input.split_at_checked(length)?;
    *input = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests;
