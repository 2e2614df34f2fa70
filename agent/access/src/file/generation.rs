//! One file, and how far it was read.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

use rustix::fs::OFlags;

use crate::{intake::LINE_SPACE, kept::FileMark};

/// Read at once.
const PIECE_BYTES: usize = 256 << 10;
/// Bytes before the place by which a file is known again.
const HASHED_BYTES: u64 = 64;

/// See the module. Lines that are not yet whole are read again the next time.
#[derive(Debug)]
pub(super) struct Generation {
    file: File,
    mark: FileMark,
    /// When something was last read, from the first look on.
    grown: Option<Duration>,
}

/// What one look found.
#[derive(Debug, Default)]
pub(super) struct Read<'a> {
    /// Whole lines.
    pub(super) lines: &'a [u8],
    /// Lines that were passed over.
    pub(super) too_long: u64,
    /// Whether to look again at once.
    pub(super) more: bool,
    /// Whether the place has moved.
    moved: bool,
}

impl Read<'_> {
    pub(super) fn is_empty(&self) -> bool {
        !self.moved && self.too_long == 0
    }
}

impl Generation {
    /// To be read from its start.
    pub(super) fn at_start(path: &Path) -> io::Result<Self> {
        // A pipe that nobody writes to would block.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let (device, inode) = (metadata.dev(), metadata.ino());
        let mark = FileMark { device, inode, offset: 0, hash: hash(&[]), skipping: false };
        Ok(Self { file, mark, grown: None })
    }

    /// To be read from the end of what it holds now.
    pub(super) fn at_end(path: &Path) -> io::Result<Self> {
        let mut generation = Self::at_start(path)?;
        let size = generation.file.metadata()?.len();
        generation.move_to(size)?;
        let mut last = [b'\n'];
        if size > 0 {
            generation.file.read_at(&mut last, size - 1)?;
        }
        generation.mark.skipping = last != [b'\n'];
        Ok(generation)
    }

    /// To be read on from a place that it knows, `None` when it does not.
    pub(super) fn at_mark(path: &Path, mark: &FileMark) -> Option<Self> {
        let mut generation = Self::at_start(path).ok()?;
        let FileMark { device, inode, .. } = generation.mark;
        generation.mark = FileMark { device, inode, ..*mark };
        let known = !generation.was_cut().ok()?;
        known.then_some(generation)
    }

    pub(super) fn mark(&self) -> FileMark {
        self.mark
    }

    /// Device and inode.
    pub(super) fn id(&self) -> (u64, u64) {
        (self.mark.device, self.mark.inode)
    }

    /// Whether the name leads to a file: what does comes last.
    pub(super) fn has_name(path: &Path) -> impl Fn(&Self) -> bool {
        let found = Self::at_start(path).ok();
        move |generation| found.as_ref().is_some_and(|found| found.id() == generation.id())
    }

    /// Whether it no longer holds what was read, because it was cut, and perhaps written anew.
    pub(super) fn was_cut(&self) -> io::Result<bool> {
        let size = self.file.metadata()?.len();
        let offset = self.mark.offset;
        Ok(size < offset || self.hash_before(offset)? != self.mark.hash)
    }

    /// Reads from the start again.
    pub(super) fn restart(&mut self) {
        self.mark = FileMark { offset: 0, hash: hash(&[]), skipping: false, ..self.mark };
    }

    /// Whether nothing was read for so long.
    pub(super) fn is_quiet(&self, now: Duration, quiet: Duration) -> bool {
        self.grown.is_some_and(|grown| now.saturating_sub(grown) >= quiet)
    }

    /// Reads the next piece.
    pub(super) fn read<'b>(
        &mut self,
        now: Duration,
        buffer: &'b mut Vec<u8>,
    ) -> io::Result<Read<'b>> {
        let length = self.fill(buffer)?;
        let text = buffer.get(..length).unwrap_or_default();
        if self.grown.is_none() || text.contains(&b'\n') {
            self.grown = Some(now);
        }
        let more = length == PIECE_BYTES;
        let mut too_long = 0;
        let start = if self.mark.skipping {
            let end = text.iter().position(|byte| *byte == b'\n').map(|end| end + 1);
            self.mark.skipping = end.is_none();
            end.unwrap_or(length)
        } else {
            0
        };
        let rest = text.get(start..).unwrap_or_default();
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut moved = start + whole;
        if rest.len() - whole > LINE_SPACE {
            (too_long, moved, self.mark.skipping) = (1, length, true);
        }
        if moved > 0 {
            self.move_to(self.mark.offset + moved as u64)?;
        }
        let lines = rest.get(..whole).unwrap_or_default();
        Ok(Read { lines, too_long, more, moved: moved > 0 })
    }

    /// The rest, a last line without an end included. More than one piece is given up.
    pub(super) fn finish<'b>(&mut self, buffer: &'b mut Vec<u8>) -> io::Result<Read<'b>> {
        let length = self.fill(buffer)?;
        let lines = if self.mark.skipping { &[] } else { buffer.get(..length).unwrap_or_default() };
        Ok(Read { lines, too_long: 0, more: length == PIECE_BYTES, moved: true })
    }

    fn fill(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        buffer.resize(PIECE_BYTES, 0);
        let mut length = 0;
        while let Some(space) = buffer.get_mut(length..).filter(|space| !space.is_empty()) {
            match self.file.read_at(space, self.mark.offset + length as u64) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(length)
    }

    fn move_to(&mut self, offset: u64) -> io::Result<()> {
        self.mark.hash = self.hash_before(offset)?;
        self.mark.offset = offset;
        Ok(())
    }

    fn hash_before(&self, offset: u64) -> io::Result<u64> {
        let mut bytes = [0; HASHED_BYTES as usize];
        let length = usize::try_from(offset.min(HASHED_BYTES)).unwrap_or_default();
        let space = bytes.get_mut(..length).unwrap_or_default();
        let read = self.file.read_at(space, offset - length as u64)?;
        Ok(hash(space.get(..read).unwrap_or_default()))
    }
}

/// FNV-1a: it need only tell a log from another.
fn hash(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}
