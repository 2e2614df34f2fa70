//! Tests of whole blocks: what is written is read, by every way there is, and damage is found.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use disk::{Disk, sim::SimDisk};
use model::{
    columns::Columns,
    histogram::Histogram,
    labels::Labels,
    matcher::{MatchOp, Matcher},
    tenant::TenantId,
};
use proptest::prelude::*;

use super::{BlockPlan, BlockWriter, cuts};
use crate::{
    block::{
        BlockId,
        cache::Cache,
        cursor::Cursor,
        index::BlockTenant,
        reader::Block,
        verify::{Verified, verify},
    },
    bounds::Bounds,
    samples::Samples,
    select::Condition,
    times::Times,
};

const DIR: &str = "/blocks";
const END: i64 = 7_200_000;

type Content = BTreeMap<TenantId, BTreeMap<Labels, Samples>>;

fn block(content: &Content) -> (SimDisk, PathBuf) {
    let (sim, id) = (SimDisk::new(1), BlockId(7));
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    disk.create_dir_all(Path::new(DIR)).unwrap();
    let plan =
        BlockPlan { id, start: 0, end: END, level: 3, sources: vec![BlockId(2), BlockId(5)] };
    let mut writer = BlockWriter::create(&disk, Path::new(DIR), plan).unwrap();
    for (tenant, series) in content {
        for (labels, samples) in series {
            writer.push(tenant, labels, samples).unwrap();
        }
    }
    let finished = writer.finish().unwrap();
    finished.publish().unwrap();
    (sim, Path::new(DIR).join(id.file_name()))
}

fn open(disk: &SimDisk) -> Result<Arc<Block>, String> {
    let cache = Arc::new(Cache::new(1 << 20));
    let opened = Block::open(disk, Path::new(DIR), BlockId(7), &cache);
    opened.map(Arc::new).map_err(|error| error.to_string())
}

/// Everything that can be told apart.
fn bits(mut samples: Samples) -> String {
    let mut columns = Columns::default();
    samples.settle();
    samples.append_to(&mut columns);
    let values: Vec<u64> = columns.values.iter().map(|value| value.to_bits()).collect();
    let starts: Vec<i64> = (0..columns.len()).map(|at| columns.start(at)).collect();
    format!("{:?} {values:?} {starts:?} {:?}", columns.times, columns.histograms)
}

type Printed = BTreeMap<Labels, String>;

fn select(
    block: &Arc<Block>,
    tenant: &TenantId,
    matchers: &[Matcher],
    (start, end): (i64, i64),
) -> Result<Printed, String> {
    let conditions: Vec<Condition> = matchers.iter().map(Condition::new).collect();
    let Some(part) = BlockTenant::open(block, tenant).map_err(|e| e.to_string())? else {
        return Ok(Printed::new());
    };
    let mut found = Printed::new();
    let (times, mut selected) = (Times { start, end, windows: None }, Vec::new());
    part.select(&conditions, &times, &Bounds::NONE, &mut |labels, series| {
        selected.push((labels, series));
        true
    })
    .map_err(|e| e.to_string())?;
    for (labels, series) in selected {
        let mut samples = Samples::default();
        series.decode(&mut samples).map_err(|e| e.to_string())?;
        samples.retain(|time| start <= time && time <= end);
        found.insert(labels, bits(samples));
    }
    Ok(found)
}

fn walk(block: &Arc<Block>, tenant: &TenantId) -> Result<Printed, String> {
    let mut found = Printed::new();
    let Some(mut cursor) = Cursor::open(block, tenant).map_err(|e| e.to_string())? else {
        return Ok(found);
    };
    loop {
        cursor.fill().map_err(|error| error.to_string())?;
        let Some((labels, series)) = cursor.next() else { return Ok(found) };
        let mut samples = Samples::default();
        series.decode(&mut samples).map_err(|error| error.to_string())?;
        found.insert(labels, bits(samples));
    }
}

/// Tenants with series whose samples share times, have their own, are constant, or histograms.
fn content(series: usize, samples: usize, seed: u64) -> Content {
    let mut random = disk::sim::Random::new(seed);
    let mut content = Content::new();
    for tenant in ["acme", "beta", "z.9"] {
        let all = content.entry(TenantId::new(tenant).unwrap()).or_default();
        for number in 0..random.index(series + 1) {
            let pod = format!("pod-{}", random.below(40));
            let (metric, zone) = (format!("m{}", number % 3), format!("{}", number % 2));
            let pairs = [("__name__", metric), ("pod", pod), ("zone", zone)];
            let labels = Labels::new(pairs).unwrap();
            let (own, kind) = (random.one_in(3), random.below(4));
            let mut content = Samples::default();
            for at in 0..=random.index(samples) as i64 {
                let time = at * 15_000 + if own { random.below(1000) as i64 } else { 7 };
                if time >= END {
                    break;
                }
                let start = if kind == 0 { 5 } else { 0 };
                match kind {
                    0 | 1 => content.floats.push(time, random.below(1000) as f64, start),
                    2 => content.floats.push(time, 42.0, 0),
                    _ => {
                        let sum = random.below(50) as f64;
                        let value = Histogram { sum, count: sum, ..Histogram::default() };
                        content.histograms.push(time, Arc::new(value), 0);
                    }
                }
            }
            all.insert(labels, content);
        }
    }
    content.retain(|_, series| !series.is_empty());
    content
}

fn expected(
    series: &BTreeMap<Labels, Samples>,
    matchers: &[Matcher],
    (start, end): (i64, i64),
) -> Printed {
    let matching = |labels: &Labels| matchers.iter().all(|matcher| matcher.matches_labels(labels));
    series
        .iter()
        .filter(|(labels, _)| matching(labels))
        .map(|(labels, samples)| {
            let mut samples = samples.clone();
            samples.retain(|time| start <= time && time <= end);
            (labels.clone(), bits(samples))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_block_gives_back_what_was_written(
        series in 0usize..120, samples in 1usize..400, seed in any::<u64>(),
    ) {
        let content = content(series, samples, seed);
        let (disk, _) = block(&content);
        let opened = open(&disk).unwrap();
        let mut problems = Vec::new();
        let verified = verify(&opened, &mut |error| problems.push(error.to_string()));
        prop_assert_eq!(problems, Vec::<String>::new());
        let count = |of: fn(&Samples) -> usize| {
            content.values().flat_map(BTreeMap::values).map(of).sum::<usize>() as u64
        };
        let (series, samples) = (count(|_| 1), count(Samples::len));
        prop_assert_eq!(verified, Verified { series, samples, short: Vec::new() });
        prop_assert_eq!(opened.footer.level, 3);
        prop_assert_eq!(&opened.footer.sources, &[BlockId(2), BlockId(5)]);
        let all = (i64::MIN, i64::MAX);
        for (tenant, series) in &content {
            prop_assert_eq!(walk(&opened, tenant).unwrap(), expected(series, &[], all));
            for matchers in [
                vec![],
                vec![Matcher::metric("m1")],
                vec![Matcher::new("pod", MatchOp::Regex, "pod-1.*").unwrap()],
                vec![Matcher::new("pod", MatchOp::NotRegex, "pod-[123].?").unwrap()],
                vec![Matcher::equal("zone", "1"), Matcher::new("pod", MatchOp::Regex, ".*3").unwrap()],
                vec![Matcher::equal("nothing", "")],
                vec![Matcher::equal("nothing", "x")],
            ] {
                let found = select(&opened, tenant, &matchers, all).unwrap();
                prop_assert_eq!(found, expected(series, &matchers, all), "{:?}", matchers);
            }
            let part = (1_000_000, 1_900_000);
            let found = select(&opened, tenant, &[], part).unwrap();
            let nothing = bits(Samples::default());
            let mut wanted = expected(series, &[], part);
            wanted.retain(|labels, samples| *samples != nothing || found.contains_key(labels));
            prop_assert_eq!(found, wanted);
        }
        let stranger = TenantId::new("stranger").unwrap();
        prop_assert_eq!(walk(&opened, &stranger).unwrap(), Printed::new());
    }

    /// A flipped bit anywhere is told, or is of no consequence because it is in one of two copies.
    /// Nobody reads something wrong.
    #[test]
    fn a_flipped_bit_is_found(
        seed in any::<u64>(), at in any::<proptest::sample::Index>(), bit in 0u8..8,
    ) {
        let content = content(30, 100, seed);
        let (disk, path) = block(&content);
        let mut bytes = disk::read(&disk, &path, 1 << 30).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        disk::atomic::write(&disk, &path, &bytes).unwrap();
        let opened = open(&disk).expect("footer and list of tenants are there twice");
        for (tenant, series) in &content {
            let all = (i64::MIN, i64::MAX);
            let right = expected(series, &[], all);
            for found in [walk(&opened, tenant), select(&opened, tenant, &[], all)] {
                prop_assert!(found.is_err() || found == Ok(right.clone()));
            }
        }
        let mut told = 0;
        let verified = verify(&opened, &mut |_| told += 1);
        let lost = opened.footer.samples - verified.samples;
        prop_assert!(lost == 0 || told > 0);
    }

    /// Cut or overwritten, a block is refused or read in part, and never with a panic.
    #[test]
    fn mangled_blocks_are_read_without_a_panic(
        seed in any::<u64>(),
        cut in any::<proptest::sample::Index>(),
        garbage in proptest::collection::vec(any::<u8>(), 0..200),
        keep_end in any::<bool>(),
    ) {
        let content = content(10, 40, seed);
        let (disk, path) = block(&content);
        let bytes = disk::read(&disk, &path, 1 << 30).unwrap();
        let cut = cut.index(bytes.len());
        let mut mangled = bytes[..cut].to_vec();
        mangled.extend_from_slice(&garbage);
        if keep_end {
            mangled.extend_from_slice(bytes.get(mangled.len()..).unwrap_or_default());
        }
        disk::atomic::write(&disk, &path, &mangled).unwrap();
        if let Ok(opened) = open(&disk) {
            verify(&opened, &mut |_| {});
            for (tenant, series) in &content {
                let right = expected(series, &[], (i64::MIN, i64::MAX));
                let found = walk(&opened, tenant);
                prop_assert!(found.is_err() || found == Ok(right));
            }
        }
    }

    #[test]
    fn cuts_cover_everything_once(
        steps in proptest::collection::vec(prop_oneof![Just(15_000i64), Just(1), 0i64..400_000], 0..3000),
    ) {
        let mut time = -1;
        let times: Vec<i64> = steps.iter().map(|step| { time += step + 1; time % END }).collect();
        let times: Vec<i64> = std::collections::BTreeSet::from_iter(times).into_iter().collect();
        let ranges = cuts(&times, 0, END);
        let mut next = 0;
        for range in ranges {
            prop_assert_eq!(range.start, next);
            prop_assert!(!range.is_empty() && range.len() <= 2000);
            next = range.end;
        }
        prop_assert_eq!(next, times.len());
    }
}

#[test]
fn series_with_the_same_times_share_their_columns() {
    let times: Vec<i64> = (0..480).map(|at| at * 15_000).collect();
    assert_eq!(cuts(&times, 0, END).first(), Some(&(0..480)));
    let dense: Vec<i64> = (0..7200).map(|at| at * 1000).collect();
    let sparse: Vec<i64> = dense.iter().copied().filter(|time| *time != 3_599_000).collect();
    let (dense, sparse) = (cuts(&dense, 0, END), cuts(&sparse, 0, END));
    assert_eq!(dense.len(), 8);
    assert_eq!(dense[..3], sparse[..3], "a gap changes only the part that it is in");
    assert_eq!(dense[4].len(), sparse[4].len());
}
