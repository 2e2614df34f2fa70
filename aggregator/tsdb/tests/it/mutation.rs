//! Files of a store, changed at random, and what must hold of a store that is opened on them.
//! Shared by a test and by the longer-running example `fuzz`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use disk::{
    Disk,
    sim::{Random, SimDisk},
};
use model::{
    columns::Columns,
    exemplar::Exemplar,
    histogram::{Histogram, Span},
    labels::Labels,
    matcher::Matcher,
    metadata::Metadata,
    query::{Hints, Queryable, Selection},
    tenant::TenantId,
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};
use tsdb::{
    options::Options,
    outcome::OpenError,
    store::Store,
    view::{TenantSet, View},
};

const DIR: &str = "/data";
/// A full hour, which is the start of a window.
const START: i64 = 1_700_006_400_000;
const WINDOW: i64 = 2 * 3_600_000;
const TENANTS: [&str; 3] = ["acme", "beta", "core"];
const SERIES: usize = 40;
const ROUNDS: i64 = 12;
/// Parts that are written to a block of their own; what comes after them is in the log.
const BLOCKS: i64 = 2;
/// Calls of maintenance in which damage that was met is repaired.
const REPAIRS: usize = 20;

#[path = "changes.rs"]
mod changes;

pub(crate) use changes::{Change, changes_are_hidden};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
/// Times and bits of values by series, by tenant.
type Content = BTreeMap<(String, String), BTreeMap<i64, u64>>;

/// A whole store's files, and what is in them.
#[derive(Clone, Debug)]
pub(crate) struct Original {
    files: Vec<(PathBuf, Vec<u8>)>,
    /// What was ever written.
    written: Content,
    /// What is there: without what was deleted.
    content: Content,
}

/// What became of one store.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) refused: bool,
    pub(crate) lost: u64,
}

fn options() -> Options {
    Options {
        wal_segment_bytes: 3000,
        reserve_bytes: 0,
        cache_bytes: 1 << 20,
        replay_threads: 2,
        hash_key: Some([1, 2]),
        ..Options::default()
    }
}

fn open(disk: &SimDisk) -> std::result::Result<Store, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Store::open(disk, Path::new(DIR), options(), &|_| {}).map(|(store, _)| store)
}

fn fill(batch: &mut WriteBatch, tenant: usize, time: i64, at: i64) -> Result<()> {
    for series in 0..SERIES {
        let pod = format!("pod-{series}");
        let metric = ["requests_total", "memory_bytes"][series % 2];
        batch.begin_series(&mut [("__name__", metric), ("pod", &pod), ("zone", "a")])?;
        let value = ((at * 7919 + (series + tenant) as i64 * 104_729) as f64 / 1000.0).sin();
        batch.push_sample(Sample { time, value, start: if series % 3 == 0 { START } else { 0 } });
        if series == 1 {
            let labels = Labels::new([("trace_id", pod.as_str())])?;
            batch.push_exemplar(Exemplar { labels, value, time: Timestamp(time) });
        }
    }
    batch.begin_series(&mut [("__name__", "latency")])?;
    let value = Arc::new(Histogram {
        schema: 3,
        count: at as f64 * 3.0 + 4.0,
        sum: at as f64,
        zero_threshold: 0.001,
        zero_count: 1.0,
        positive_spans: vec![Span { offset: -2, length: 1 }, Span { offset: 3, length: 2 }],
        positive_buckets: vec![at as f64, at as f64 * 2.0, 3.0],
        ..Histogram::default()
    });
    batch.push_histogram(HistogramSample { time, value, start: 0 });
    batch.push_metadata("latency".to_owned(), Metadata::default());
    Ok(())
}

impl Original {
    /// Blocks, a log of several segments, a deletion that is not carried out yet.
    pub(crate) fn new() -> Result<Self> {
        let disk = SimDisk::new(1);
        let store = open(&disk)?;
        let mut written = Content::new();
        for part in 0..=BLOCKS {
            for round in 0..ROUNDS {
                let time = START + part * WINDOW + round * 15_000;
                for (number, name) in TENANTS.iter().enumerate() {
                    let mut batch = WriteBatch::default();
                    fill(&mut batch, number, time, part * ROUNDS + round)?;
                    let appended = store.append(&TenantId::new(name)?, &batch, Timestamp(time))?;
                    assert!(appended.rejected.is_empty(), "{appended:?}");
                }
            }
            for (series, mut samples) in read(&store)? {
                written.entry(series).or_default().append(&mut samples);
            }
            if part < BLOCKS {
                store.flush()?;
            }
            if part == 0 {
                let (start, end) = (Timestamp(START), Timestamp(START + 60_000));
                let matchers = [Matcher::equal("pod", "pod-3")];
                store.delete(&TenantId::new("acme")?, &matchers, start, end)?;
            }
        }
        drop(store);
        let store = open(&disk)?;
        let log: Vec<(PathBuf, Vec<u8>)> = files(&disk, |path| path.starts_with("/data/wal"))?;
        assert!(log.len() > 4, "{} segments", log.len());
        let content = read(&store)?;
        assert_ne!(content, written, "something was deleted");
        drop(store);
        let files = files(&disk, |path| !path.ends_with("lock"))?;
        Ok(Self { files, written, content })
    }

    /// Changes one or two files at random.
    pub(crate) fn mutate(&self, random: &mut Random) -> (Vec<(PathBuf, Vec<u8>)>, Vec<Change>) {
        let mut files = self.files.clone();
        let count = if random.one_in(4) { 2 } else { 1 };
        let changes = (0..count).map(|_| changes::mutate(&mut files, random)).collect();
        (files, changes)
    }

    /// Opens, reads, maintains and opens again; an error says what does not hold.
    pub(crate) fn try_out(
        &self,
        files: &[(PathBuf, Vec<u8>)],
        changes: &[Change],
        seed: u64,
    ) -> Result<Outcome> {
        let disk = SimDisk::new(seed);
        for (path, bytes) in files {
            if let Some(dir) = path.parent() {
                disk.create_dir_all(dir)?;
            }
            let mut file = disk.create(path)?;
            file.append(bytes)?;
            file.sync()?;
        }
        let unseen = changes.iter().any(|change| change.unseen);
        let checked = tsdb::check::check(&disk, Path::new(DIR), &|_, _| {});
        let store = match open(&disk) {
            Ok(store) => store,
            // A version beyond our own cannot be told from damage that no checksum shows.
            Err(OpenError::NewerFormat { .. }) if unseen => {
                return Ok(Outcome { refused: true, lost: 0 });
            }
            Err(error) => return Err(error.into()),
        };
        let found = settle(&store)?;
        exercise(&store, &found)?;
        if unseen {
            drop(store);
            return Ok(Outcome::default());
        }
        let lost = self.compare(&found, changes)?;
        let is_told = checked.problem_count > 0 || checked.wal.torn_bytes > 0;
        let shows = changes.iter().all(|change| change.same_length || !is_log(&change.file));
        if lost > 0 && shows && !is_told {
            return Err(
                format!("{lost} samples are lost, and a check says that all is well").into()
            );
        }
        drop(store);
        let again = settle(&open(&disk)?)?;
        if again != found {
            return Err("it reads otherwise when it is opened again".into());
        }
        Ok(Outcome { refused: false, lost })
    }

    /// Returns how many samples are lost.
    fn compare(&self, found: &Content, changes: &[Change]) -> Result<u64> {
        for (series, samples) in found {
            let known = self.written.get(series).ok_or(format!("{series:?} is made up"))?;
            if let Some(sample) = samples.iter().find(|(time, bits)| known.get(time) != Some(bits))
            {
                return Err(format!("{series:?}: {sample:?} is made up").into());
            }
        }
        let mut lost = 0;
        let nothing = BTreeMap::new();
        for (series, samples) in &self.content {
            let left = found.get(series).unwrap_or(&nothing);
            for time in samples.keys().filter(|time| !left.contains_key(time)) {
                lost += 1;
                let part = (time - START) / WINDOW;
                let may_be = changes.iter().any(|change| is_of(&change.file, part));
                if !may_be {
                    return Err(
                        format!("{series:?} at {time} is lost, where nothing was hit").into()
                    );
                }
            }
        }
        let alone = changes.len() == 1 && changes.iter().all(|change| change.single_bit);
        let in_log = changes.iter().all(|change| is_log(&change.file));
        // One record has what one batch brought; all else is told twice.
        let batch = SERIES as u64 + 1;
        if alone && in_log && lost > batch {
            return Err(format!("one bit of the log costs {lost} samples").into());
        }
        Ok(lost)
    }
}

fn is_log(file: &Path) -> bool {
    file.starts_with("/data/wal")
}

/// Whether a file holds samples of a part, or says where they are.
fn is_of(file: &Path, part: i64) -> bool {
    if is_log(file) {
        return part >= BLOCKS;
    }
    file.file_stem().and_then(|stem| stem.to_str()?.parse().ok()) == Some(part)
}

fn files(disk: &SimDisk, wanted: impl Fn(&Path) -> bool) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for path in disk.files().into_iter().filter(|path| wanted(path)) {
        let bytes = disk::read(disk, &path, 1 << 30)?;
        files.push((path, bytes));
    }
    Ok(files)
}

/// Reads until damage that is met has been repaired.
fn settle(store: &Store) -> Result<Content> {
    let now = Timestamp(START + BLOCKS * WINDOW + ROUNDS * 15_000);
    for _ in 0..REPAIRS {
        match read(store) {
            Ok(content) => return Ok(content),
            Err(_damage) => drop(store.maintain(now)),
        }
    }
    Err("damage is met again and again".into())
}

fn selection<'a>(matchers: &'a [Matcher]) -> Selection<'a> {
    let (start, end) = (Timestamp::MIN, Timestamp::MAX);
    Selection { matchers, start, end, hints: Hints::default() }
}

/// What a store holds.
fn read(store: &Store) -> Result<Content> {
    let mut content = Content::new();
    for name in TENANTS {
        let view = store.view(TenantSet::One(TenantId::new(name)?));
        for handle in view.select(&selection(&[]))? {
            let mut columns = Columns::default();
            handle.decode(&mut columns)?;
            let key = (name.to_owned(), handle.labels().to_string());
            let bits = columns.values.iter().map(|value| value.to_bits());
            let samples: BTreeMap<i64, u64> = columns.times.iter().copied().zip(bits).collect();
            if !samples.is_empty() {
                content.insert(key, samples);
            }
        }
    }
    Ok(content)
}

/// Calls what else there is, to see that it answers, and that what can be written is read.
fn exercise(store: &Store, found: &Content) -> Result<()> {
    let view: View = store.view(TenantSet::All);
    let matchers = [Matcher::equal("zone", "a")];
    for matchers in [&[][..], &matchers] {
        let selection = selection(matchers);
        // After a repair none of them meets damage any more, but another tenant's may be new.
        drop(view.series(&selection));
        drop(view.label_names(&selection));
        drop(view.label_values("pod", &selection));
        drop(view.exemplars(&selection));
    }
    drop(store.metadata(&TenantSet::All, None, 0));
    drop(store.stats());
    let tenant = TenantId::new("fresh")?;
    let mut batch = WriteBatch::default();
    batch.begin_series(&mut [("__name__", "m")])?;
    batch.push_sample(Sample { time: START, value: 1.0, start: 0 });
    let appended = store.append(&tenant, &batch, Timestamp(START))?;
    assert_eq!(appended.samples, 1, "{found:?}");
    store.flush()?;
    Ok(())
}
