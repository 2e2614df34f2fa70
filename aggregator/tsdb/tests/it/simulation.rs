//! Random operations with crashes at random points; one seed is one run.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use disk::{
    Disk,
    sim::{Random, SimDisk},
};
use model::{
    columns::{Columns, stale_nan},
    labels::Labels,
    matcher::{MatchOp, Matcher},
    query::{Hints, Queryable, Selection},
    tenant::TenantId,
    time::Timestamp,
    write::{HistogramSample, Sample as FloatSample, WriteBatch},
};
use tsdb::{
    options::Options,
    outcome::RejectReason,
    store::Store,
    view::{TENANT_LABEL, TenantSet},
};

use super::expected::{Model, Sample, histogram, start_of};

mod frames;

const DIR: &str = "/data";
const HOUR: i64 = 3_600_000;
const RETENTION_HOURS: u64 = 80;
const FUTURE_MAX: i64 = 600_000;

fn options(seed: u64) -> Options {
    Options {
        retention: Duration::from_secs(RETENTION_HOURS * 3600),
        future_max: Duration::from_millis(FUTURE_MAX as u64),
        wal_segment_bytes: 4 << 10,
        wal_bytes_max: 40 << 10,
        head_bytes_max: 60 << 10,
        active_window: Duration::from_secs(600),
        cache_bytes: 32 << 10,
        reserve_bytes: 0,
        replay_threads: 1 + seed as usize % 2,
        hash_key: Some([seed, 1]),
        ..Options::default()
    }
}

/// What may go wrong in a run.
#[derive(Clone, Copy, Debug, Default)]
struct Troubles {
    crashes: bool,
    full: bool,
    failing_syncs: bool,
    rot: bool,
}

struct Simulation {
    seed: u64,
    random: Random,
    disk: SimDisk,
    store: Option<Store>,
    model: Model,
    now: i64,
    troubles: Troubles,
    tenants: Vec<TenantId>,
    labels: Vec<Labels>,
    groups: Vec<frames::Group>,
    steps: Cell<u64>,
}

impl Simulation {
    fn new(seed: u64, troubles: Troubles) -> Self {
        let labels = ["a", "b", "c", "d"].map(|pod| {
            let pairs =
                [("__name__", "m"), ("pod", pod), ("zone", if pod < "c" { "1" } else { "2" })];
            Labels::new(pairs).unwrap()
        });
        let mut simulation = Self {
            seed,
            random: Random::new(seed),
            disk: SimDisk::new(seed),
            store: None,
            model: Model::default(),
            now: 1_700_000_000_000,
            troubles,
            tenants: ["acme", "beta", "core"].map(|name| TenantId::new(name).unwrap()).to_vec(),
            labels: labels.to_vec(),
            groups: Vec::new(),
            steps: Cell::new(0),
        };
        simulation.open();
        simulation
    }

    fn open(&mut self) {
        loop {
            self.store = None;
            let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
            match Store::open(disk, Path::new(DIR), options(self.seed), &|_| {}) {
                Ok((store, stats)) => {
                    let Troubles { crashes, full, failing_syncs, rot } = self.troubles;
                    // What a crash tears within the last write looks like damage, and costs only
                    // what was not acknowledged.
                    if !crashes && !full && !failing_syncs && !rot {
                        assert_eq!(stats.problems, Vec::<String>::new(), "seed {}", self.seed);
                        assert_eq!(stats.orphaned_samples, 0, "seed {}", self.seed);
                    }
                    self.store = Some(store);
                    return;
                }
                Err(_) if self.disk.has_crashed() => self.disk.restart(),
                Err(error) => panic!("seed {}: {error:?}", self.seed),
            }
        }
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("the store is open")
    }

    fn tenant(&mut self) -> TenantId {
        let at = self.random.index(self.tenants.len());
        self.tenants[at].clone()
    }

    fn time(&mut self) -> i64 {
        match self.random.below(20) {
            0 => self.now - self.random.below(RETENTION_HOURS * 3_600_000) as i64,
            1..4 => self.now - self.random.below(3 * 3_600_000) as i64,
            4 => self.now + self.random.below(600_000) as i64,
            _ => self.now,
        }
    }

    fn value(&mut self) -> f64 {
        match self.random.below(12) {
            0 => stale_nan(),
            1 => f64::INFINITY,
            2 => -0.0,
            3 => self.random.next_u64() as f64 / 1000.0,
            4..8 => 42.0,
            _ => self.random.below(1000) as f64,
        }
    }

    /// One series with one sample, so that a refusal tells which, or many that cannot clash.
    fn append(&mut self) {
        let tenant = self.tenant();
        let mut batch = WriteBatch::default();
        let mut sent = Vec::new();
        let one = self.random.one_in(3);
        for labels in self.labels.clone() {
            if (one && !sent.is_empty()) || self.random.one_in(3) {
                continue;
            }
            let mut pairs: Vec<(&str, &str)> = labels.iter().collect();
            batch.begin_series(&mut pairs).unwrap();
            let mut time = self.time() / 1000 * 1000;
            if one {
                let sample = if self.random.one_in(4) {
                    let number = self.random.below(50) as u32;
                    let value = histogram(number);
                    batch.push_histogram(HistogramSample { time, value, start: start_of(time) });
                    Sample::Histogram(number)
                } else {
                    let value = self.value();
                    batch.push_sample(FloatSample { time, value, start: start_of(time) });
                    Sample::float(value)
                };
                sent.push((labels.clone(), time, sample));
                continue;
            }
            // Times of its own, so that no other batch has another value for them.
            let own = 1 + self.random.below(998) as i64;
            for _ in 0..self.random.below(60) {
                let value = self.value();
                let at = time + own;
                batch.push_sample(FloatSample { time: at, value, start: start_of(at) });
                sent.push((labels.clone(), at, Sample::float(value)));
                time -= 15_000;
            }
        }
        let answer = self.store().append(&tenant, &batch, Timestamp(self.now));
        let refused: BTreeSet<RejectReason> =
            answer.iter().flat_map(|a| &a.rejected).map(|rejected| rejected.reason).collect();
        let (oldest, newest) = (self.oldest(), self.now + FUTURE_MAX);
        for (labels, time, sample) in sent {
            let is_refused = time < oldest || time > newest;
            match &answer {
                Err(_) => self.model.unanswered(&tenant, &labels, time, sample),
                // One of a batch of many clashed with another batch's: which is not told.
                Ok(_) if refused.contains(&RejectReason::DuplicateTimestamp) => {
                    self.model.unanswered(&tenant, &labels, time, sample);
                }
                Ok(_) if is_refused => {}
                Ok(_) => self.model.acknowledged(&tenant, &labels, time, sample),
            }
        }
    }

    fn oldest(&self) -> i64 {
        self.now - RETENTION_HOURS as i64 * HOUR
    }

    fn delete(&mut self) {
        let tenant = self.tenant();
        let (mut matchers, mut range) = (Vec::new(), (i64::MIN, i64::MAX));
        let answer = if self.random.one_in(3) {
            self.store().delete_tenant(&tenant)
        } else {
            let zone = ["1", "2", "1|2"][self.random.index(3)];
            matchers.push(Matcher::new("zone", MatchOp::Regex, zone).unwrap());
            if self.random.one_in(2) {
                let start = self.now - self.random.below(20 * 3_600_000) as i64;
                range = (start, start + self.random.below(4 * 3_600_000) as i64);
            }
            let (start, end) = (Timestamp(range.0), Timestamp(range.1));
            self.store().delete(&tenant, &matchers, start, end)
        };
        self.model.delete(&tenant, &matchers, range, answer.is_ok());
    }

    fn step(&mut self) {
        self.steps.set(self.steps.get() + 1);
        match self.random.below(100) {
            0..35 => self.append(),
            35..40 => self.register(),
            40..60 => self.frames(),
            60..66 => {
                let flushed = self.store().flush();
                if let Err(error) = flushed {
                    self.assert_troubled(&error);
                }
            }
            66..80 => {
                self.now += match self.random.below(4) {
                    0 => 3 * HOUR,
                    1 => 400_000,
                    _ => 15_000,
                };
                let stats = self.store().maintain(Timestamp(self.now));
                if let Some(error) = stats.errors.first() {
                    self.assert_troubled(error);
                }
            }
            80..83 => self.delete(),
            83..85 => self.open(),
            85..89 => self.compare(),
            89 => self.snapshot(),
            _ => self.trouble(),
        }
        if self.disk.has_crashed() {
            self.store = None;
            self.disk.restart();
            self.open();
            self.compare();
        }
    }

    fn assert_troubled(&self, error: &dyn std::fmt::Debug) {
        let Troubles { crashes, full, failing_syncs, rot } = self.troubles;
        let troubled = crashes || full || failing_syncs || rot;
        assert!(troubled, "seed {}: {error:?} without any trouble", self.seed);
    }

    fn trouble(&mut self) {
        match self.random.below(4) {
            0 if self.troubles.crashes => self.disk.crash_after(self.random.below(30)),
            1 if self.troubles.full => {
                let space = self.disk.space(Path::new(DIR)).unwrap();
                let used = space.total - space.free;
                let more = self.random.below(20_000);
                let full = self.random.one_in(2);
                self.disk.set_capacity(if full { used + more } else { u64::MAX });
            }
            2 if self.troubles.failing_syncs => {
                self.disk.fail_syncs(1 + self.random.below(3) as u32);
            }
            3 if self.troubles.rot && self.random.one_in(5) => {
                let files = self.disk.files();
                let at = self.random.index(files.len());
                self.disk.rot(&files[at]);
                self.model.doubt_everything();
            }
            _ => {}
        }
    }

    /// All series of a view with their samples, by tenant.
    fn read(&self, store: &Store, tenants: TenantSet) -> Option<BTreeMap<Labels, Columns>> {
        let view = store.view(tenants);
        let selection = Selection {
            matchers: &[Matcher::metric("m")],
            start: Timestamp::MIN,
            end: Timestamp::MAX,
            hints: Hints::default(),
        };
        let found = view.select(&selection);
        if found.is_err() && self.may_not_answer() {
            return None;
        }
        let mut read = BTreeMap::new();
        for handle in found.unwrap_or_else(|error| panic!("seed {}: {error}", self.seed)) {
            let mut columns = Columns::default();
            let decoded = handle.decode(&mut columns);
            if decoded.is_err() && self.may_not_answer() {
                return None;
            }
            decoded.unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
            let before = read.insert(handle.labels().clone(), columns);
            assert!(before.is_none(), "seed {}: {} twice", self.seed, handle.labels());
        }
        Some(read)
    }

    fn may_not_answer(&self) -> bool {
        self.troubles.rot || self.disk.has_crashed()
    }

    fn compare(&self) {
        self.compare_store(self.store());
    }

    fn compare_store(&self, store: &Store) {
        let mut separate = BTreeMap::new();
        for tenant in &self.tenants {
            let Some(found) = self.read(store, TenantSet::One(tenant.clone())) else { return };
            if let Err(problem) = self.model.check(tenant, &found, self.oldest()) {
                panic!("seed {}, step {}: {problem}", self.seed, self.steps.get());
            }
            for (labels, columns) in found {
                separate.insert(labels.with(TENANT_LABEL, tenant.as_str()), columns);
            }
        }
        if let Some(together) = self.read(store, TenantSet::All) {
            assert!(same(&together, &separate), "seed {}: views differ", self.seed);
        }
    }

    /// Nothing is damaged after all that, unless bits were flipped.
    fn check(&mut self) {
        self.store = None;
        let report = tsdb::check::check(&self.disk, Path::new(DIR), &|_, _| {});
        let of_log = report.wal.corrupt;
        let blamed = self.troubles.rot || self.troubles.crashes && report.problem_count == of_log;
        assert!(report.is_good() || blamed, "seed {}: {:?}", self.seed, report.problems);
    }

    fn snapshot(&mut self) {
        let target = format!("/snapshots/{}", self.steps.get());
        let target = Path::new(&target);
        self.disk.create_dir_all(Path::new("/snapshots")).ok();
        if self.store().snapshot(target).is_err() {
            return;
        }
        let restored = target.with_extension("restored");
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        if tsdb::snapshot::restore(&*disk, target, &restored).is_ok()
            && let Ok((store, stats)) = Store::open(disk, &restored, options(self.seed), &|_| {})
            && !self.troubles.rot
            && !self.disk.has_crashed()
        {
            assert_eq!(stats.wal.records, 0);
            self.compare_store(&store);
        }
        for dir in [target, &restored] {
            disk::remove_all(&self.disk, dir).ok();
        }
    }
}

/// Whether two readings are the same to the bit.
fn same(a: &BTreeMap<Labels, Columns>, b: &BTreeMap<Labels, Columns>) -> bool {
    let key = |columns: &Columns| {
        let bits: Vec<u64> = columns.values.iter().map(|value| value.to_bits()).collect();
        (columns.times.clone(), bits, columns.starts.clone(), columns.histograms.len())
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && key(a.1) == key(b.1))
}

fn run(seeds: std::ops::Range<u64>, steps: usize, troubles: Troubles) {
    for seed in seeds {
        let mut simulation = Simulation::new(seed, troubles);
        for _ in 0..steps {
            simulation.step();
        }
        simulation.disk.set_capacity(u64::MAX);
        simulation.disk.fail_syncs(0);
        simulation.disk.crash_after(u64::MAX);
        simulation.open();
        simulation.compare();
        simulation.check();
    }
}

/// How many seeds: more when asked for by the environment.
fn seeds(usual: u64) -> std::ops::Range<u64> {
    let more = option_env!("TSDB_SIMULATION_SEEDS").and_then(|count| count.parse().ok());
    0..more.unwrap_or(usual)
}

#[test]
fn without_troubles_everything_is_there() {
    run(seeds(15), 250, Troubles::default());
}

#[test]
fn crashes_lose_nothing_acknowledged() {
    run(seeds(40), 250, Troubles { crashes: true, ..Troubles::default() });
}

#[test]
fn full_disks_and_failing_syncs_lose_nothing_acknowledged() {
    let troubles = Troubles { full: true, failing_syncs: true, ..Troubles::default() };
    run(seeds(25), 250, troubles);
}

#[test]
fn all_troubles_but_rot_lose_nothing_acknowledged() {
    let troubles = Troubles { crashes: true, full: true, failing_syncs: true, rot: false };
    run(seeds(40), 250, troubles);
}

#[test]
fn rot_makes_nothing_up_and_stops_nothing() {
    run(seeds(25), 250, Troubles { crashes: true, rot: true, ..Troubles::default() });
}
