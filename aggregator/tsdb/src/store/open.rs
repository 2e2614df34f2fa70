//! Opening a data directory.

use std::{
    collections::BTreeSet,
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64},
    },
};

use disk::{Disk, journal};

use super::{Blocks, Counters, Inner, blocks::Shelf, maintenance::Maintenance};
use crate::{
    block::BlockId,
    hash::HashKey,
    head::Head,
    manifest::{Manifest, Read},
    options::Options,
    outcome::OpenError,
    stats::{OpenStats, Phase, Progress},
    wal::{Wal, replay::Dispatcher},
};

/// Where the write-ahead log is, within the data directory.
pub(crate) const WAL_DIR: &str = "wal";
/// Locked while a store is open, within the data directory.
pub const LOCK_FILE: &str = "lock";

/// Between two calls of `progress`, in bytes of the log.
const PROGRESS_BYTES: u64 = 1 << 20;

pub(super) fn open(
    disk: Arc<dyn Disk>,
    dir: &Path,
    options: Options,
    progress: &dyn Fn(Progress),
) -> Result<(Inner, OpenStats), OpenError> {
    let failed = |action| {
        let path = dir.to_owned();
        move |source| OpenError::Io { action, path, source }
    };
    disk.create_dir_all(dir).map_err(failed("create"))?;
    let lock = disk.lock(&dir.join(LOCK_FILE)).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => OpenError::Locked { dir: dir.to_owned() },
        _ => OpenError::Io { action: "lock", path: dir.join(LOCK_FILE), source },
    })?;
    let mut stats = OpenStats::default();
    let blocks = Blocks::new(dir, options.cache_bytes);
    let shelf = open_blocks(&*disk, dir, &blocks, &mut stats, progress)?;
    let key = options.hash_key.map_or_else(HashKey::random, HashKey::new);
    let head = Head::new(key, options.limits.clone(), options.tenants_max);
    let first = shelf.manifest.wal_first;
    let (wal, run) = replay(&disk, dir, first, &options, &head, &mut stats, progress)?;
    let run = run.max(shelf.manifest.run.saturating_add(1));
    let mut inner = Inner {
        options,
        head,
        blocks,
        wal,
        maintenance: Mutex::default(),
        now: AtomicI64::new(0),
        suspects: Mutex::default(),
        damaged_reads: AtomicU64::new(0),
        disk,
        dir: dir.to_owned(),
        run,
        closed: AtomicBool::new(false),
        full: AtomicBool::new(false),
        workspaces: Mutex::default(),
        counters: Counters::default(),
        last_error: Mutex::default(),
        _lock: lock,
    };
    start(&mut inner, shelf, &mut stats);
    Ok((inner, stats))
}

/// Counts what there is, and tells the disk that a new run has begun.
fn start(inner: &mut Inner, shelf: Shelf, stats: &mut OpenStats) {
    for partition in inner.head.all() {
        stats.tenants += 1;
        stats.series += partition.data().table.len() as u64;
    }
    let mut manifest = shelf.manifest.clone();
    manifest.run = inner.run;
    let mut maintenance = Maintenance::new(shelf);
    // Runs are told apart by the log too; a full disk is no reason not to answer queries.
    if let Err(error) = inner.change(&mut maintenance.shelf, manifest, Vec::new()) {
        stats.problems.push(error.to_string());
    }
    inner.maintenance = Mutex::new(maintenance);
}

/// Reads the manifest and opens its blocks. Blocks that are damaged or missing are reported and
/// left out; files that do not belong to the store are removed.
fn open_blocks(
    disk: &dyn Disk,
    dir: &Path,
    blocks: &Blocks,
    stats: &mut OpenStats,
    progress: &dyn Fn(Progress),
) -> Result<Shelf, OpenError> {
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Io { action, path, source }
    };
    disk.create_dir_all(&blocks.dir).map_err(failed("create", &blocks.dir))?;
    let entries = disk.list(&blocks.dir).map_err(failed("list", &blocks.dir))?;
    let present: BTreeSet<BlockId> =
        entries.iter().filter_map(|entry| BlockId::from_file_name(&entry.name)).collect();
    let read = Manifest::read(disk, dir).map_err(failed("read", &dir.join("manifest")))?;
    let (mut manifest, is_certain) = match read {
        Read::Found { manifest, is_copy } => {
            if is_copy {
                stats.problems.push("the manifest is damaged; its copy was read".to_owned());
            }
            (manifest, !is_copy)
        }
        Read::Absent if present.is_empty() => (Manifest::default(), true),
        Read::Newer { found } => {
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            return Err(OpenError::NewerFormat { path: dir.join("manifest"), found, known: 1 });
        }
        Read::Absent | Read::Damaged => {
            let told = "the manifest is lost; all blocks found were taken, and deletions not yet \
                        carried out are forgotten";
            stats.problems.push(told.to_owned());
            (Manifest::default(), false)
        }
    };
    let mut wanted: BTreeSet<BlockId> = manifest.blocks.iter().copied().collect();
    if !is_certain {
        let unknown = present.iter().filter(|block| block.0 >= manifest.next_block);
        wanted.extend(unknown);
    }
    let mut opened = Vec::new();
    let mut unreadable = Vec::new();
    let total = wanted.len() as u64;
    for (done, id) in (1..).zip(wanted) {
        match blocks.open(disk, id) {
            Ok(block) => opened.push(block),
            Err(error) => unreadable.push((id, error)),
        }
        progress(Progress { phase: Phase::Blocks, done, total });
    }
    // Blocks from which others were made have nothing to add.
    let replaced: BTreeSet<BlockId> =
        opened.iter().flat_map(|block| &block.footer.sources).copied().collect();
    opened.retain(|block| !replaced.contains(&block.id()));
    unreadable.retain(|(block, _)| !replaced.contains(block));
    stats.blocks = opened.len() as u64;
    stats.blocks_damaged = unreadable.len() as u64;
    stats.problems.extend(unreadable.iter().map(|(_, error)| error.to_string()));
    let ids = opened.iter().map(|block| block.id());
    manifest.blocks = ids.chain(unreadable.iter().map(|(block, _)| *block)).collect();
    manifest.blocks.sort_unstable();
    let after = present.iter().chain(&manifest.blocks).max().map_or(0, |block| block.0 + 1);
    manifest.next_block = manifest.next_block.max(after);
    for entry in entries {
        let is_kept = BlockId::from_file_name(&entry.name)
            .is_some_and(|block| manifest.blocks.binary_search(&block).is_ok());
        if !is_kept && !entry.is_dir {
            // What is left of a crash. If it cannot be removed now, then the next time.
            drop(disk.remove(&blocks.dir.join(&entry.name)));
        }
    }
    let shelf = Shelf { manifest };
    blocks.install(&shelf, opened);
    Ok(shelf)
}

fn replay(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    first: u64,
    options: &Options,
    head: &Head,
    stats: &mut OpenStats,
    progress: &dyn Fn(Progress),
) -> Result<(Wal, u32), OpenError> {
    let dir = &dir.join(WAL_DIR);
    let sizes = disk.list(dir).unwrap_or_default();
    let total = sizes.iter().map(|entry| entry.size).sum();
    let journal_options = journal::Options {
        segment_bytes: options.wal_segment_bytes,
        // What waits while the disk is full is bounded by refusing more, not by losing it.
        pending_bytes_max: usize::MAX / 4,
        salt: options.hash_key.map(|key| key[0] as u32),
        ..journal::Options::default()
    };
    progress(Progress { phase: Phase::Wal, done: 0, total });
    let threads = options.replay_threads;
    let (opened, counts) = std::thread::scope(|scope| {
        let mut dispatcher = Dispatcher::new(scope, head, threads);
        let (mut done, mut told) = (0u64, 0u64);
        let visit = &mut |record: journal::Record<'_>| {
            done += record.payload.len() as u64;
            if done - told >= PROGRESS_BYTES {
                told = done;
                progress(Progress { phase: Phase::Wal, done, total });
            }
            dispatcher.dispatch(record);
        };
        let opened =
            journal::Journal::open_from(Arc::clone(disk), dir, journal_options, first, visit);
        (opened, dispatcher.finish())
    });
    let (journal, replayed) = opened?;
    progress(Progress { phase: Phase::Wal, done: total, total });
    for damage in &replayed.damage {
        let (segment, bytes) = (damage.segment, &damage.bytes);
        let (start, end) = (bytes.start, bytes.end);
        stats.problems.push(format!("log segment {segment}: bytes {start} to {end} are damaged"));
    }
    if counts.malformed > 0 {
        stats.problems.push(format!("{} log records make no sense", counts.malformed));
    }
    stats.wal = replayed;
    stats.samples = counts.samples;
    stats.orphaned_samples = counts.orphaned_samples;
    Ok((Wal::new(journal), counts.run.saturating_add(1)))
}
