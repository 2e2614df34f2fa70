//! Real use of processor, memory and disk.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    hint::black_box,
    io::{self, Seek, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{say, serve::App};
use crate::fleet::Personality;

/// Items remembered.
const CACHE_ITEMS_MAX: usize = 400;
/// Size of a remembered item, in bytes: 3 MiB in all.
const ITEM_BYTES: usize = 8 * 1024;
/// The journal starts over at this size, in bytes.
const JOURNAL_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The most that one call computes.
const BURN_MAX: Duration = Duration::from_secs(1);

/// Computes for about that long.
pub(super) fn burn(duration: Duration) {
    let end = Instant::now() + duration.min(BURN_MAX);
    let mut value = 1_u64;
    while Instant::now() < end {
        for _ in 0..500 {
            value = black_box(value.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1));
        }
    }
}

/// Items by number; the oldest go first.
#[derive(Debug, Default)]
pub(super) struct Cache {
    items: HashMap<u64, Vec<u8>>,
    order: VecDeque<u64>,
}

impl Cache {
    /// A checksum of the item, and whether it had been remembered.
    pub(super) fn get(&mut self, id: u64) -> (u64, bool) {
        let sum = |item: &[u8]| item.iter().map(|&byte| u64::from(byte)).sum();
        if let Some(item) = self.items.get(&id) {
            return (sum(item), true);
        }
        let item = vec![id.to_le_bytes()[0] | 1; ITEM_BYTES];
        let checksum = sum(&item);
        if self.order.len() >= CACHE_ITEMS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.items.remove(&oldest);
        }
        self.order.push_back(id);
        self.items.insert(id, item);
        (checksum, false)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }
}

/// A file that is written to and brought to the disk now and then.
#[derive(Debug)]
pub(super) struct Journal {
    file: Mutex<(File, u64)>,
}

impl Journal {
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        let path = directory.join("journal.log");
        let file = File::options().create(true).truncate(true).write(true).open(path)?;
        Ok(Self { file: Mutex::new((file, 0)) })
    }

    pub(super) fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut guard = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (file, length) = &mut *guard;
        if *length > JOURNAL_BYTES_MAX {
            file.rewind()?;
            *length = 0;
        }
        file.write_all(bytes)?;
        *length += bytes.len() as u64;
        Ok(())
    }

    fn handle(&self) -> io::Result<File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).0.try_clone()
    }
}

/// What an app does unasked: brings its journal to the disk each second, and a worker its jobs.
pub(super) async fn in_background(app: Arc<App>) {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut jobs = tokio::time::interval(Duration::from_millis(100));
    let mut done = 0_u64;
    loop {
        tokio::select! {
            _ = seconds.tick() => {
                if let Err(error) = sync(&app.journal).await {
                    say(&format!("warn journal: {error}"));
                }
            }
            _ = jobs.tick(), if app.args.personality == Personality::Worker => {
                burn(Duration::from_millis(3));
                app.record(&[b'j'; 8 * 1024]);
                done += 1;
                if done.is_multiple_of(50) {
                    say(&format!("info {done} jobs done"));
                }
            }
        }
    }
}

async fn sync(journal: &Journal) -> io::Result<()> {
    let file = journal.handle()?;
    tokio::task::spawn_blocking(move || file.sync_data()).await.map_err(io::Error::other)?
}
