//! Tests of what a starting aggregator says while its store is still opening.

use std::{
    io,
    path::Path,
    sync::{Arc, Condvar, Mutex},
};

use daemon::{admin::Readiness, metrics::Metrics, stop::Stop};
use disk::{Disk, Entry, File, Lock, Space, os::OsDisk};
use model::{
    tenant::TenantId,
    time::Timestamp,
    write::{Sample, WriteBatch},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tsdb::{
    options::Options,
    stats::{Phase, Progress},
    store::Store,
};

use super::{Host, describe, run_on};
use crate::config::{Scope, Settings, Token};

const NOW: i64 = 1_700_006_400_000;

#[test]
fn progress_is_told_in_percent() {
    let told = |phase, done, total| describe(&Progress { phase, done, total });
    assert_eq!(told(Phase::Blocks, 1, 8), "opening blocks: 12 % (1 of 8)");
    assert_eq!(told(Phase::Wal, 42 << 20, 100 << 20), "replaying log: 42 % (42 of 100 MiB)");
    assert_eq!(told(Phase::Wal, 0, 0), "replaying log: 100 % (0 of 0 MiB)");
    assert_eq!(told(Phase::Wal, u64::MAX, 1), "replaying log: 100 % (17592186044415 of 0 MiB)");
}

/// A disk on which one file cannot be opened before it is let through.
#[derive(Clone, Debug)]
struct Gated {
    disk: OsDisk,
    file: &'static str,
    open: Arc<(Mutex<bool>, Condvar)>,
}

impl Gated {
    fn let_through(&self) {
        *self.open.0.lock().unwrap() = true;
        self.open.1.notify_all();
    }
}

impl Disk for Gated {
    fn open(&self, path: &Path) -> io::Result<Box<dyn File>> {
        if path.ends_with(self.file) {
            let shut = self.open.0.lock().unwrap();
            drop(self.open.1.wait_while(shut, |open| !*open).unwrap());
        }
        self.disk.open(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.disk.create(path)
    }
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn File>> {
        self.disk.open_append(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.hard_link(from, to)
    }
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir_all(dir)
    }
    fn remove_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.remove_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.disk.list(dir)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
    fn space(&self, dir: &Path) -> io::Result<Space> {
        self.disk.space(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        self.disk.lock(path)
    }
}

/// A log of two segments, the first of which is a few MiB long.
fn write_log(dir: &Path) {
    let options = Options { wal_segment_bytes: 3 << 20, ..Options::default() };
    let (store, _) = Store::open(Arc::new(OsDisk), dir, options, &|_| {}).unwrap();
    let tenant = TenantId::new("acme").unwrap();
    // Nothing that could be compressed (xorshift; Marsaglia, "Xorshift RNGs").
    let mut word = 1u64;
    let mut noise = || {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        format!("{word:016x}")
    };
    for round in 0..10 {
        let mut batch = WriteBatch::default();
        for number in 0..100 {
            let long: String = (0..625).map(|_| noise()).collect();
            let pod = format!("{round}-{number}-{long}");
            batch.begin_series(&mut [("__name__", "m"), ("pod", &pod)]).unwrap();
            batch.push_sample(Sample { time: NOW, value: 1.0, start: 0 });
        }
        store.append(&tenant, &batch, Timestamp(NOW)).unwrap();
    }
}

const OPERATOR: &str = "operator-0123456789abcdef0123456789";

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {OPERATOR}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_log_is_replayed_its_progress_is_told() {
    let dir = tempfile::tempdir().unwrap();
    write_log(&dir.path().join("metrics"));
    let disk = Gated { disk: OsDisk, file: "wal/0000000001.log", open: Arc::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let host = Host {
        metrics: Metrics::default(),
        readiness: Readiness::waiting("starting"),
        stop: Stop::default(),
    };
    let settings = Settings {
        data_dir: dir.path().to_owned(),
        tokens: vec![Token {
            name: "operator".to_owned(),
            token: serde_json::from_value(OPERATOR.into()).unwrap(),
            tenants: vec!["*".to_owned()],
            scopes: [Scope::MetricsRead, Scope::Operator].into(),
            node: None,
            expires: None,
        }],
        ..Settings::default()
    };
    let running =
        tokio::spawn(run_on(Arc::new(disk.clone()), settings, listener, host.clone(), None));
    // The first segment is read, the second waits.
    let mut told = String::new();
    while !told.contains("replaying log: ") || told.contains("log: 0 %") {
        told = get(address, "/-/ready").await;
        assert!(told.starts_with("HTTP/1.1 503"), "{told}");
    }
    assert!(told.contains(" MiB)"), "{told}");
    let refused = get(address, "/api/v1/query?query=up").await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("opening"), "{refused}");
    assert!(refused.contains("x-prometheus-stopping: false"), "{refused}");
    let replay = get(address, "/api/v1/status/walreplay").await;
    assert!(replay.contains("\"state\":\"in progress\""), "{replay}");
    let notified = get(address, "/api/v1/notifications").await;
    assert!(notified.contains("is starting"), "{notified}");
    assert!(get(address, "/-/healthy").await.starts_with("HTTP/1.1 200"));
    disk.let_through();
    host.readiness.until_ready().await;
    assert!(get(address, "/-/ready").await.starts_with("HTTP/1.1 200"));
    assert!(get(address, "/metrics").await.contains("tsdb_head_series 1000"));
    let replay = get(address, "/api/v1/status/walreplay").await;
    assert!(replay.contains("\"state\":\"done\""), "{replay}");
    let notified = get(address, "/api/v1/notifications").await;
    assert!(notified.contains("\"data\":[]"), "{notified}");
    host.stop.stop();
    running.await.unwrap().unwrap();
}
