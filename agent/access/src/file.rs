//! Follows an access log through rotation.
//!
//! A log is renamed and made anew, or copied and cut. The file behind the name, and those that had
//! it before and may still be written to, are each a [`Generation`]. After a restart they are found
//! again by device and inode, or by the bytes before the place where reading ended, since a copy has
//! those too.

mod find;
mod generation;
mod task;

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use self::{
    find::{Sibling, find, siblings},
    generation::{Generation, Read},
};
use crate::{
    intake::Piece,
    kept::{FileMark, KeptFile},
};

pub(crate) use task::follow;

/// A file that has lost its name is read until nothing was added for so long.
const QUIET: Duration = Duration::from_secs(60);
/// Files that once had the name and are still read; the oldest are given up.
const GENERATIONS_MAX: usize = 8;

/// One log.
#[derive(Debug)]
pub(crate) struct Follower {
    path: PathBuf,
    /// The newest last; the others have lost the name.
    generations: VecDeque<Generation>,
    marks: Vec<FileMark>,
    truncated: u64,
    lost_files: u64,
}

impl Follower {
    /// Goes on from what was kept. Without that, what the file holds now is not counted.
    pub(crate) fn new(path: &Path, kept: Option<&KeptFile>) -> Self {
        let mut follower = Self {
            path: path.to_path_buf(),
            generations: VecDeque::new(),
            marks: Vec::new(),
            truncated: 0,
            lost_files: 0,
        };
        match kept.filter(|kept| kept.path == path) {
            Some(kept) => follower.recover(&kept.marks),
            None => follower.generations.extend(Generation::at_end(path).ok()),
        }
        follower.note_marks();
        follower
    }

    /// As it is to be kept.
    pub(crate) fn kept(&self) -> KeptFile {
        KeptFile { path: self.path.clone(), marks: self.marks.clone() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Finds the files again in which reading ended, and those that had the name since.
    fn recover(&mut self, marks: &[FileMark]) {
        let mut siblings = siblings(&self.path);
        let mut newest = None;
        for mark in marks {
            let Some((index, generation)) = find(&siblings, mark) else {
                self.lost_files += 1;
                continue;
            };
            if let Some(sibling) = siblings.get(index) {
                newest = newest.max(Some(sibling.modified));
            }
            self.generations.push_back(generation);
        }
        // If the last of them has lost the name, whatever was written after it had the name while
        // nobody looked.
        let named = self.generations.iter().any(Generation::has_name(&self.path));
        siblings.retain(|Sibling { path, modified, rotated, .. }| {
            let after = newest.is_some_and(|newest| *modified > newest);
            !named && *path != self.path && *rotated && after
        });
        siblings.retain(|sibling| !self.generations.iter().any(|known| known.id() == sibling.id));
        siblings.sort_by_key(|sibling| sibling.modified);
        let missed = siblings.iter().filter_map(|sibling| Generation::at_start(&sibling.path).ok());
        self.generations.extend(missed);
        self.generations.make_contiguous().sort_by_key(Generation::has_name(&self.path));
    }

    /// Reads once what is new of each file, and gives it to `each` in pieces. `now` is any clock
    /// that only goes forward. Returns whether there is more.
    pub(crate) fn pump(
        &mut self,
        now: Duration,
        buffer: &mut Vec<u8>,
        each: &mut dyn FnMut(&Piece<'_>),
    ) -> io::Result<bool> {
        self.follow_name()?;
        let mut more = false;
        for index in 0..self.generations.len() {
            more |= self.read(index, now, buffer, each)?;
        }
        self.retire(now, buffer, each)?;
        if self.truncated + self.lost_files > 0 {
            self.give(&Read::default(), each);
        }
        Ok(more)
    }

    /// Opens the file behind the name when it is another one than before.
    fn follow_name(&mut self) -> io::Result<()> {
        let opened = match Generation::at_start(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened?,
        };
        match self.generations.iter().position(|known| known.id() == opened.id()) {
            Some(index) if index + 1 == self.generations.len() => {}
            Some(index) => {
                let known = self.generations.remove(index);
                self.generations.extend(known);
            }
            None => self.generations.push_back(opened),
        }
        Ok(())
    }

    fn read(
        &mut self,
        index: usize,
        now: Duration,
        buffer: &mut Vec<u8>,
        each: &mut dyn FnMut(&Piece<'_>),
    ) -> io::Result<bool> {
        let newest = index + 1 == self.generations.len();
        let Some(generation) = self.generations.get_mut(index) else { return Ok(false) };
        if generation.was_cut()? && !newest {
            // It was read to its end, and is used for something else now.
            self.generations.remove(index);
            return Ok(true);
        }
        if generation.was_cut()? {
            self.truncated += 1;
            let (mark, path) = (generation.mark(), &self.path);
            let known = |sibling: &Sibling| sibling.id == (mark.device, mark.inode);
            let mut copies = siblings(path);
            copies.retain(|sibling| !known(sibling));
            copies.sort_by_key(|sibling| std::cmp::Reverse(sibling.modified));
            generation.restart();
            // What was added between the last look and the cut is in the copy, if in any file.
            match find(&copies, &mark) {
                Some((_, copy)) => self.generations.push_front(copy),
                None => self.lost_files += 1,
            }
            return Ok(true);
        }
        let read = generation.read(now, buffer)?;
        let more = read.more;
        if !read.is_empty() {
            self.give(&read, each);
        }
        Ok(more)
    }

    fn give(&mut self, read: &Read<'_>, each: &mut dyn FnMut(&Piece<'_>)) {
        self.note_marks();
        each(&Piece {
            text: read.lines,
            marks: &self.marks,
            too_long: read.too_long,
            truncated: std::mem::take(&mut self.truncated),
            lost_files: std::mem::take(&mut self.lost_files),
        });
    }

    fn note_marks(&mut self) {
        self.marks.clear();
        self.marks.extend(self.generations.iter().map(Generation::mark));
    }

    /// Lets go of files that have lost the name and are no longer written to.
    fn retire(
        &mut self,
        now: Duration,
        buffer: &mut Vec<u8>,
        each: &mut dyn FnMut(&Piece<'_>),
    ) -> io::Result<()> {
        while self.generations.len() > 1 {
            let crowded = self.generations.len() > GENERATIONS_MAX;
            let done = |generation: &Generation| generation.is_quiet(now, QUIET);
            let old = self.generations.len() - 1;
            let index = self.generations.iter().take(old).position(done);
            let Some(index) = index.or(crowded.then_some(0)) else { return Ok(()) };
            let Some(mut generation) = self.generations.remove(index) else { return Ok(()) };
            let rest = generation.finish(buffer)?;
            self.lost_files += u64::from(rest.more);
            self.give(&rest, each);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
