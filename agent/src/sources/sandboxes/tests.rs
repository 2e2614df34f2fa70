//! The source with real sandboxes, of each generation of `runsc` that is here.

mod runsc;

use std::{collections::BTreeMap, time::Duration};

use collector::kernel::{DescriptorBudget, Kernel};
use model::{
    columns::is_stale,
    labels::{Labels, METRIC_NAME},
    tenant::TenantId,
    time::Timestamp,
    write::WriteBatch,
};

use self::runsc::RealPod;
use super::{Claims, Options, SandboxSource};
use crate::sources::{NodeLabels, Source, Tick};

const CPU: &str = "container_cpu_usage_seconds_total";
const BUSY: &str = "while :; do :; done";
const IDLE: &str = "exec sleep 100000";
/// What a test waits for comes long before so many looks.
const LOOKS_MAX: u64 = 3000;

/// Newest values by metric and container (empty for the pod's own series).
type Seen = BTreeMap<(String, String), f64>;

/// The source, and a clock that goes as fast as a test likes.
struct Bench {
    source: SandboxSource,
    now: Timestamp,
    seen: Seen,
    /// The pod's and the containers' counters in the first look and in the newest.
    falls: usize,
    ended: Vec<String>,
}

impl Bench {
    fn new(pod: &RealPod) -> Self {
        let options = Options {
            roots: vec![pod.root()],
            metrics: true,
            tenant: TenantId::new("host").expect("is a tenant"),
        };
        let labels =
            NodeLabels { node: "n1".to_owned(), cluster: String::new(), region: String::new() };
        let kernel = Kernel::new(DescriptorBudget::new(1000));
        let runtime = tokio::runtime::Handle::current();
        let source = SandboxSource::new(kernel, options, labels, Claims::default(), runtime);
        let (now, seen) = (Timestamp(1_000_000), Seen::new());
        Self { source: source.expect("starts"), now, seen, falls: 0, ended: Vec::new() }
    }

    /// One tick, in which twenty seconds have passed: any sandbox that ran may be asked again.
    fn look(&mut self) {
        self.now = self.now.saturating_add(Duration::from_secs(20));
        let mut batch = WriteBatch::default();
        self.source.collect(&Tick { now: self.now, full: true }, &mut batch);
        for series in batch.series() {
            let labels = Labels::from_bytes(series.labels).expect("labels");
            let label = |wanted: &str| labels.get(wanted).unwrap_or_default().to_owned();
            if label("pod") != "web-0" {
                panic!("a series of no pod: {:?}", series.labels);
            }
            assert_eq!([label("tenant"), label("namespace")], ["shop", "shop"]);
            let key = (label(METRIC_NAME), label("container"));
            for sample in series.samples {
                if is_stale(sample.value) {
                    self.seen.remove(&key);
                    self.ended.push(key.1.clone());
                    continue;
                }
                let before = self.seen.insert(key.clone(), sample.value);
                let fell = before.is_some_and(|before| sample.value < before);
                self.falls += usize::from(fell && key.0.ends_with("_total"));
            }
        }
    }

    async fn until(&mut self, what: &str, mut true_now: impl FnMut(&Self) -> bool) {
        for _look in 0..LOOKS_MAX {
            self.look();
            if true_now(self) {
                return;
            }
            // Lets the sandbox run, and its answers come.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never: {what}; seen: {:#?}", self.seen);
    }

    fn value(&self, metric: &str, container: &str) -> f64 {
        let key = (metric.to_owned(), container.to_owned());
        self.seen.get(&key).copied().unwrap_or(0.0)
    }

    /// What all containers were charged with, and what is still to be.
    fn charged(&self) -> f64 {
        let charged = self
            .seen
            .iter()
            .filter(|((metric, container), _)| metric == CPU && !container.is_empty());
        charged.map(|(_, value)| value).sum::<f64>()
            + self.value("sandbox_cpu_undivided_seconds", "")
    }
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-6
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_is_divided_as_it_works_and_its_end_is_seen() {
    for runsc in runsc::generations("sandboxes: a pod is divided as it works") {
        let Some(mut pod) = RealPod::start(&runsc, &[("busy", BUSY), ("idle", IDLE)]) else {
            continue;
        };
        let mut bench = Bench::new(&pod);
        bench.look();
        let first = bench.value(CPU, "");
        assert!(first > 0.0, "the host has counted its start");
        assert_eq!(bench.source.watched(), 1);
        bench.until("the busy one is seen", |bench| bench.value(CPU, "busy") > 0.5).await;
        divided(&bench, first);
        overhead(&bench);
        let claimed = bench.source.claims.get();
        assert!(claimed.contains(&pod.group()), "{claimed:?}");
        if runsc.as_os_str() != "runsc" {
            assert!(bench.value("runsc_fs_opens", "") > 0.0, "{:#?}", bench.seen);
        }

        let (idle, total) = (bench.value(CPU, "idle"), bench.value(CPU, ""));
        pod.end("busy");
        bench.until("the end of one", |bench| bench.ended.iter().any(|one| one == "busy")).await;
        bench
            .until("its last word", |bench| bench.value("sandbox_cpu_undivided_seconds", "") == 0.0)
            .await;
        let (grew, used) = (bench.value(CPU, "idle") - idle, bench.value(CPU, "") - total);
        // The end itself is work of the sandbox, which may be charged to who is left.
        assert!(grew < 0.5 * used + 0.5, "{grew} of {used} went to the idle one");
        assert_eq!(bench.falls, 0);

        kill_sentry(&bench, &pod);
        bench.until("the end of all", |bench| bench.source.watched() == 0).await;
        assert!(bench.seen.is_empty(), "{:#?}", bench.seen);
        assert!(bench.source.claims.get().is_empty());
    }
}

fn divided(bench: &Bench, first: f64) {
    let used = bench.value(CPU, "") - first;
    let (busy, idle) = (bench.value(CPU, "busy"), bench.value(CPU, "idle"));
    assert!(busy > 0.9 * (busy + idle), "busy {busy}, idle {idle}");
    assert!(close(bench.charged(), used), "{} of {used}", bench.charged());
}

fn overhead(bench: &Bench) {
    let used = bench.value("container_memory_usage_bytes", "");
    let app = bench.value("sandbox_memory_app_bytes", "");
    let overhead = bench.value("sandbox_memory_overhead_bytes", "");
    assert!(app > 1e6 && overhead > 1e6, "app {app}, overhead {overhead}");
    assert!(close(app + overhead, used), "{app} + {overhead} is not {used}");
}

/// As the kernel does when the pod is out of memory: nobody tells `runsc`, its state files stay.
fn kill_sentry(bench: &Bench, pod: &RealPod) {
    let pid = bench.source.pods[&pod.sandbox].sentry_pid();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("is one")).expect("is one");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("is killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_app_has_all_of_the_pod() {
    for runsc in runsc::generations("sandboxes: the only app has all of the pod") {
        let Some(pod) = RealPod::start(&runsc, &[("busy", BUSY)]) else { continue };
        let mut bench = Bench::new(&pod);
        bench.look();
        let first = bench.value(CPU, "");
        bench
            .until("its memory", |bench| {
                bench.value(CPU, "busy") > 0.1
                    && bench.value("container_memory_working_set_bytes", "busy") > 0.0
            })
            .await;
        assert!(close(bench.value(CPU, "busy"), bench.value(CPU, "") - first));
        assert_eq!(bench.value(CPU, "POD"), 0.0);
    }
}

/// What a tick costs for each sandbox; run by hand, its figures are for people.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn cost_of_a_tick() {
    for runsc in runsc::generations("sandboxes: cost") {
        let Some(pod) = RealPod::start(&runsc, &[("busy", BUSY), ("idle", IDLE)]) else { continue };
        for (what, asks) in
            [("ticks without a question", false), ("each tick with a question", true)]
        {
            let mut bench = Bench::new(&pod);
            bench.look();
            tokio::time::sleep(Duration::from_millis(300)).await;
            let before = cpu();
            let rounds = 200u32;
            for round in 0..rounds {
                let step = if asks { 20_000 } else { 1 };
                bench.now = Timestamp(bench.now.0 + step);
                let mut batch = WriteBatch::default();
                bench.source.collect(&Tick { now: bench.now, full: round % 10 == 0 }, &mut batch);
                if asks {
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
            }
            let micros = (cpu() - before) * 1e6 / f64::from(rounds);
            println!("{}: {what}: {micros:.1} µs of processor time", runsc.display());
        }
    }
}

/// Of this process, in seconds.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
