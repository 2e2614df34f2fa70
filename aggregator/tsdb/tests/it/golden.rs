//! Data directories written by each version of the format must open for ever, with what was in
//! them. They are in `tests/golden`; `cargo test -p tsdb --test it -- --ignored write_golden`
//! writes the one of the present version, which is done once, when the version begins.

use std::{path::Path, sync::Arc};

use codec::frame;
use disk::{Disk, File, os::OsDisk, sim::SimDisk};
use model::{
    columns::{Columns, stale_nan},
    exemplar::Exemplar,
    histogram::{Histogram, Span},
    labels::Labels,
    matcher::Matcher,
    metadata::{Metadata, MetricType},
    query::{Hints, Queryable, Selection},
    time::Timestamp,
    write::{HistogramSample, Sample, WriteBatch},
};
use tsdb::{
    limits::Limits,
    options::Options,
    store::{Store, Write},
    view::TenantSet,
};

use super::tools::{DIR, NOW, tenant};

/// What was written with some version: the directory, how it was filled, and how many lines the dump
/// of it has.
type Version = (&'static str, fn(&Store), usize);

/// All versions, the present one last.
const VERSIONS: [Version; 2] = [("v1", write, 14), ("v1-frames", write_frames, 5)];

/// Half of it goes to a block, half stays in the log.
fn write(store: &Store) {
    for round in 0..2 {
        for name in ["acme", "beta"] {
            let mut batch = WriteBatch::default();
            for series in 0..5 {
                let pod = format!("pod-{series}");
                batch.begin_series(&mut [("__name__", "m"), ("pod", &pod), ("ü", "ö")]).unwrap();
                for at in 0..40 {
                    let time = NOW + round * 3_600_000 + at * 15_000 + series;
                    let value = match (series, at) {
                        (0, _) => 42.0,
                        (1, 39) => stale_nan(),
                        (1, _) => at as f64 * 0.1,
                        (2, _) => (at * 4096) as f64,
                        (3, _) => (at as f64).sqrt(),
                        _ => -(at as f64),
                    };
                    let start = if series == 2 { NOW - 1000 } else { 0 };
                    batch.push_sample(Sample { time, value, start });
                }
            }
            batch.begin_series(&mut [("__name__", "h")]).unwrap();
            for at in 0..5 {
                let value = histogram(at);
                let time = NOW + round * 3_600_000 + at * 15_000;
                batch.push_histogram(HistogramSample { time, value, start: 0 });
            }
            let labels = Labels::new([("trace_id", "abc")]).unwrap();
            let time = Timestamp(NOW + round * 3_600_000);
            batch.push_exemplar(Exemplar { labels, value: 0.5, time });
            let help = "A metric.".to_owned();
            let described = Metadata { kind: MetricType::Gauge, help, unit: String::new() };
            batch.push_metadata("m".to_owned(), described);
            let now = Timestamp(NOW + 2 * 3_600_000);
            assert_eq!(store.append(&tenant(name), &batch, now).unwrap().rejected, []);
        }
        if round == 0 {
            store.flush().unwrap();
            let matchers = [Matcher::equal("pod", "pod-4")];
            store
                .delete(&tenant("beta"), &matchers, Timestamp::MIN, Timestamp(NOW + 60_000))
                .unwrap();
        }
    }
}

/// Frames, of which the last window is in the log only.
fn write_frames(store: &Store) {
    let sets: Vec<Labels> = ["a", "b", "c", "d"]
        .map(|pod| Labels::new([("__name__", "m"), ("pod", pod)]).unwrap())
        .into();
    let packed: Vec<&[u8]> = sets.iter().map(Labels::as_bytes).collect();
    store.set_limits(&tenant("acme"), Limits { active_series: 3, ..Limits::default() });
    let registered = store.register_group(&tenant("acme"), &packed, Timestamp(NOW)).unwrap();
    let group = registered.group.unwrap();
    let mut row = vec![0; 4];
    for at in 0..200 {
        let values = [at as f64, 42.0, (at / 5) as f64 * 0.1, 1.0];
        let next: Vec<u64> = values.map(f64::to_bits).into();
        let mut payload = Vec::new();
        frame::encode(&row, &next, &mut payload);
        row = next;
        let write = Write::Frame { group: &group, time: NOW + at * 1000, payload: &payload };
        let appended = store.append_all(&[write], Timestamp(NOW)).unwrap().appended;
        assert_eq!((appended.samples, appended.rejected_count()), (3, 1));
        if at == 99 {
            store.flush().unwrap();
        }
    }
}

fn histogram(at: i64) -> Arc<Histogram> {
    Arc::new(Histogram {
        schema: 2,
        count: at as f64 + 2.0,
        sum: at as f64 * 1.5,
        zero_threshold: 0.001,
        zero_count: 1.0,
        positive_spans: vec![Span { offset: 1, length: 2 }],
        positive_buckets: vec![at as f64, 1.0],
        ..Histogram::default()
    })
}

/// Everything in a store as text.
fn dump(store: &Store) -> Vec<String> {
    let selection = Selection {
        matchers: &[],
        start: Timestamp::MIN,
        end: Timestamp::MAX,
        hints: Hints::default(),
    };
    let view = store.view(TenantSet::All);
    let mut lines = Vec::new();
    for handle in view.select(&selection).unwrap() {
        let mut columns = Columns::default();
        handle.decode(&mut columns).unwrap();
        let values: Vec<u64> = columns.values.iter().map(|value| value.to_bits()).collect();
        let (times, starts, histograms) = (&columns.times, &columns.starts, &columns.histograms);
        lines.push(format!("{} {times:?} {values:?} {starts:?} {histograms:?}", handle.labels()));
    }
    lines.push(format!("{:?}", view.exemplars(&selection).unwrap()));
    lines.push(format!("{:?}", store.metadata(&TenantSet::All, None, 0)));
    lines
}

fn open(disk: &SimDisk) -> Store {
    let options = Options { hash_key: Some([1, 2]), ..Options::default() };
    let (store, stats) =
        Store::open(Arc::new(disk.clone()), Path::new(DIR), options, &|_| {}).unwrap();
    assert_eq!(stats.problems, [""; 0]);
    store
}

fn copy(from: &dyn Disk, source: &Path, to: &dyn Disk, target: &Path) {
    to.create_dir_all(target).unwrap();
    for entry in from.list(source).unwrap() {
        let (source, target) = (source.join(&entry.name), target.join(&entry.name));
        if entry.is_dir {
            copy(from, &source, to, &target);
        } else if entry.name != "lock" {
            let mut file: Box<dyn File> = to.create(&target).unwrap();
            file.append(&disk::read(from, &source, 1 << 20).unwrap()).unwrap();
            file.sync().unwrap();
        }
    }
    to.sync_dir(target).unwrap();
}

fn golden(version: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(version)
}

#[test]
fn old_directories_open_with_what_was_in_them() {
    for (version, write, lines) in VERSIONS {
        let expected = {
            let store = open(&SimDisk::new(1));
            write(&store);
            dump(&store)
        };
        assert_eq!(expected.len(), lines);
        let disk = SimDisk::new(1);
        copy(&OsDisk, &golden(version), &disk, Path::new(DIR));
        let report = tsdb::check::check(&disk, Path::new(DIR), &|_, _| {});
        assert!(report.is_good() && report.blocks > 0 && report.wal.records > 0, "{report:?}");
        let store = open(&disk);
        assert_eq!(dump(&store), expected, "{version}");
        // And they can be worked with.
        store.flush().unwrap();
        assert_eq!(dump(&store), expected, "{version}");
    }
}

#[test]
#[ignore = "writes into the source tree, once per version of the format"]
fn write_golden() {
    let disk = SimDisk::new(1);
    let (version, write, _) = VERSIONS.last().unwrap();
    write(&open(&disk));
    let target = golden(version);
    disk::remove_all(&OsDisk, &target).ok();
    copy(&disk, Path::new(DIR), &OsDisk, &target);
}
