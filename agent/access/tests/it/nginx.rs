//! A real nginx writes JSON to a file and to syslog, and combined to a file, while a client knows
//! the code and the duration of each of its requests.

#![expect(
    clippy::disallowed_methods,
    reason = "a real server, a real clock and real files are what is tested"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    ops::Range,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use access::{
    config::SourceSettings,
    counting::Counting,
    kept::{Kept, KeptFile},
    sources,
};
use daemon::stop::Stop;
use disk::os::OsDisk;
use model::{labels::Labels, tenant::TenantId, time::Timestamp, write::WriteBatch};
use requests::{
    exponential::{SCHEMA_FINEST, upper_bound},
    recorder::{Options, Recorder},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// Requests of one client between two events.
const REQUESTS: usize = 150;
/// Datagrams that the kernel surely holds for a reader that is busy; it drops what comes beyond.
const QUEUED_MAX: usize = 5;
/// Longest wait for what was written to be counted.
const PATIENCE: Duration = Duration::from_secs(30);
/// nginx tells durations in whole milliseconds.
const RESOLUTION_MILLIS: f64 = 1.0;
/// The client's own part on a busy machine.
const LATE_MILLIS: f64 = 20.0;
/// Of a quantile's value, for the width of buckets.
const ERROR_MAX: f64 = 0.01;

struct Nginx {
    child: Child,
    port: u16,
    dir: TempDir,
}

impl Nginx {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("is made");
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let port = listener.local_addr().expect("has an address").port();
        drop(listener);
        let at = dir.path().display();
        let config = format!(
            "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;\n\
             events {{ worker_connections 64; }}\n\
             http {{ client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f;\n\
             uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
             log_format j escape=json '{{\"host\":\"$host\",\"request_method\":\"$request_method\",\
             \"request_uri\":\"$request_uri\",\"status\":\"$status\",\"request_time\":\"$request_time\",\
             \"body_bytes_sent\":\"$body_bytes_sent\",\"request_length\":\"$request_length\"}}';\n\
             log_format timed '$remote_addr - $remote_user [$time_local] \"$request\" $status \
             $body_bytes_sent \"$http_referer\" \"$http_user_agent\" $request_time';\n\
             access_log {at}/json.log j; access_log {at}/combined.log timed;\n\
             access_log syslog:server=unix:{at}/syslog,nohostname,tag=ng j;\n\
             server {{ listen 127.0.0.1:{port};\n\
             location /ok {{ return 200 \"fine\"; }} location /new {{ return 201 \"\"; }}\n\
             location /bad {{ return 503 \"\"; }} location / {{ return 404 \"\"; }}\n\
             location /slow {{ limit_rate 100k; root {at}; }} }} }}\n"
        );
        fs::write(dir.path().join("nginx.conf"), config).expect("is written");
        // At this rate it takes a few tenths of a second.
        fs::write(dir.path().join("slow"), vec![b'x'; 20_000]).expect("is written");
        let mut nginx = Command::new("nginx");
        nginx
            .arg("-c")
            .arg(dir.path().join("nginx.conf"))
            .arg("-e")
            .arg(dir.path().join("error.log"));
        let child = nginx.stderr(Stdio::null()).spawn().expect("nginx is installed");
        let nginx = Self { child, port, dir };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < PATIENCE, "nginx does not listen");
            std::thread::yield_now();
        }
        nginx
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn reopen(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-USR1", &pid]).status().expect("runs").success());
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a client knows of its requests.
#[derive(Default)]
struct Known {
    codes: BTreeMap<String, u64>,
    millis: Vec<f64>,
}

impl Known {
    fn send(&mut self, port: u16, numbers: Range<usize>) {
        for number in numbers {
            let path = match number % 30 {
                0 => "/slow",
                7 => "/bad",
                8 => "/missing",
                9 => "/new",
                _ => "/ok",
            };
            let (code, millis) = ask(port, path);
            *self.codes.entry(code).or_default() += 1;
            self.millis.push(millis);
        }
    }
}

/// The code of an answer, and how long it took.
fn ask(port: u16, path: &str) -> (String, f64) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connects");
    let begin = Instant::now();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n")
        .expect("is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("answers");
    let millis = begin.elapsed().as_secs_f64() * 1e3;
    let code = String::from_utf8_lossy(&answer[9..12]).into_owned();
    (code, millis)
}

/// An agent's part, with what it keeps.
struct Run {
    counting: Counting,
    stop: Stop,
    tasks: Vec<JoinHandle<()>>,
}

impl Run {
    async fn start(nginx: &Nginx, kept: Option<Kept>) -> Self {
        let mut recorder = Recorder::new(Options::default()).expect("are valid options");
        let mut files: BTreeMap<String, KeptFile> = BTreeMap::new();
        if let Some(kept) = kept {
            recorder.restore(kept.totals).expect("is whole");
            files = kept.files;
        }
        let (counting, stop) = (Counting::new(recorder), Stop::default());
        let source = |name: &str, place: &str, format: &str| -> SourceSettings {
            let path = nginx.path(place);
            let kind = if place == "syslog" { "syslog_socket" } else { "file" };
            let owner = serde_json::json!({ "tenants": [name], "app": "shop" });
            let source =
                serde_json::json!({ "name": name, kind: path, "format": format, "owner": owner });
            serde_json::from_value(source).expect("is a source")
        };
        let sources = [
            source("json", "json.log", "json"),
            source("combined", "combined.log", "combined"),
            source("syslog", "syslog", "json"),
        ];
        let tasks = sources::start(&sources, &counting, files, &stop).await.expect("starts");
        Self { counting, stop, tasks }
    }

    /// Keeps what is to be kept, as each tick does, and gives what leaves.
    fn tick(&self, dir: &Path) -> BTreeMap<TenantId, WriteBatch> {
        let mut batches = BTreeMap::new();
        let kept = self.counting.flush(Timestamp(1_000), &mut batches, true).expect("is kept");
        kept.write(&OsDisk, dir).expect("is written");
        batches
    }

    /// Ends without another tick.
    async fn kill(self) {
        self.stop.stop();
        for task in self.tasks {
            task.await.expect("ends");
        }
    }
}

fn codes(batches: &BTreeMap<TenantId, WriteBatch>, tenant: &str) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let batch = batches.get(&TenantId::new(tenant).expect("is a tenant"));
    for series in batch.into_iter().flat_map(WriteBatch::series) {
        let labels = Labels::from_bytes(series.labels).expect("are packed labels");
        if labels.metric() == "istio_requests_total" {
            let code = labels.get("response_code").expect("has a code").to_owned();
            *found.entry(code).or_default() += series.samples[0].value as u64;
        }
    }
    found
}

/// A tenant's latencies in milliseconds, all codes together: how many, and quantiles of them.
fn latencies(batches: &BTreeMap<TenantId, WriteBatch>, tenant: &str) -> (u64, Vec<f64>) {
    let batch = batches.get(&TenantId::new(tenant).expect("is a tenant")).expect("has series");
    let (mut buckets, mut zeros): (BTreeMap<i32, u64>, u64) = Default::default();
    for sample in batch.series().filter_map(|series| series.histograms.first()) {
        let histogram = &sample.value;
        assert_eq!(histogram.schema, SCHEMA_FINEST, "buckets add up as they are");
        zeros += histogram.zero_count as u64;
        let (mut index, mut counts) = (0, histogram.positive_buckets.iter());
        for span in &histogram.positive_spans {
            index += span.offset;
            for count in counts.by_ref().take(span.length as usize) {
                *buckets.entry(index).or_default() += *count as u64;
                index += 1;
            }
        }
    }
    let mut sorted = vec![0.0; zeros as usize];
    for (index, count) in buckets {
        sorted.extend((0..count).map(|_| upper_bound(index, SCHEMA_FINEST)));
    }
    (sorted.len() as u64, QUANTILES.map(|q| quantile(&sorted, q)).to_vec())
}

const QUANTILES: [f64; 5] = [0.1, 0.5, 0.9, 0.95, 0.99];

fn quantile(sorted: &[f64], q: f64) -> f64 {
    sorted[(q * (sorted.len() - 1) as f64) as usize]
}

async fn await_codes(run: &Run, dir: &Path, tenant: &str, known: &Known) {
    let begin = Instant::now();
    loop {
        let found = codes(&run.tick(dir), tenant);
        if found == known.codes {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "{tenant}: {found:?} is not {:?}", known.codes);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn send(nginx: &Nginx, mut known: Known, numbers: Range<usize>) -> Known {
    let port = nginx.port;
    let sent = tokio::task::spawn_blocking(move || {
        known.send(port, numbers);
        known
    });
    sent.await.expect("is sent")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_agree_with_the_client_through_rotations_and_a_kill() {
    let nginx = Nginx::start();
    let state = tempfile::tempdir().expect("is made");
    let run = Run::start(&nginx, None).await;
    // The files are found at their ends, which are their beginnings.
    run.tick(state.path());
    let begin = Instant::now();
    while run.counting.flush(Timestamp(0), &mut BTreeMap::new(), true).expect("is kept").files.len()
        < 2
    {
        assert!(begin.elapsed() < PATIENCE, "files are not followed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let mut known = Known::default();
    for from in (0..REQUESTS).step_by(QUEUED_MAX) {
        known = send(&nginx, known, from..from + QUEUED_MAX).await;
        await_codes(&run, state.path(), "syslog", &known).await;
    }
    for tenant in ["json", "combined"] {
        await_codes(&run, state.path(), tenant, &known).await;
    }
    let batches = run.tick(state.path());
    let mut asked = known.millis.clone();
    asked.sort_by(f64::total_cmp);
    for tenant in ["json", "combined", "syslog"] {
        let (count, logged) = latencies(&batches, tenant);
        assert_eq!(count, known.millis.len() as u64);
        for (q, logged) in QUANTILES.into_iter().zip(logged) {
            let asked = quantile(&asked, q);
            // The client hears late of what nginx has done when the machine is busy; never earlier.
            let late = RESOLUTION_MILLIS + LATE_MILLIS + asked * ERROR_MAX;
            let early = RESOLUTION_MILLIS + asked * ERROR_MAX;
            let near = asked - late <= logged && logged <= asked + early;
            assert!(near, "{tenant}, quantile {q}: {logged} ms, the client saw {asked} ms");
        }
    }

    for (from, to) in [("json.log", "json.log.1"), ("combined.log", "combined.log.1")] {
        fs::rename(nginx.path(from), nginx.path(to)).expect("is renamed");
    }
    // Written to the renamed files, until nginx hears of it in the midst of the load.
    let port = nginx.port;
    let sending = tokio::task::spawn_blocking(move || {
        known.send(port, 0..REQUESTS);
        known
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    nginx.reopen();
    known = sending.await.expect("is sent");
    for tenant in ["json", "combined"] {
        await_codes(&run, state.path(), tenant, &known).await;
    }

    // Killed with requests counted that were never kept; the log is rotated while nobody looks.
    known = send(&nginx, known, 0..REQUESTS).await;
    run.kill().await;
    fs::rename(nginx.path("json.log"), nginx.path("json.log.2")).expect("is renamed");
    nginx.reopen();
    known = send(&nginx, known, 0..REQUESTS).await;
    let kept = Kept::read(&OsDisk, state.path()).expect("is readable");
    let run = Run::start(&nginx, kept).await;
    known = send(&nginx, known, 0..REQUESTS).await;
    for tenant in ["json", "combined"] {
        await_codes(&run, state.path(), tenant, &known).await;
    }
    // Datagrams that nobody read are gone, and nothing is counted twice.
    for (code, heard) in codes(&run.tick(state.path()), "syslog") {
        assert!(heard <= known.codes[&code], "{code}: {heard}");
    }
    for (source, stats) in run.counting.stats() {
        assert_eq!((stats.malformed, stats.unattributed, stats.lost_files), (0, 0, 0), "{source}");
    }
    run.kill().await;
}
