//! The systems that are measured, each as its user runs it: a process with its data in a directory
//! of its own, listening on a free port of this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use e2e::{
    process::{Process, free_port, tidewatch},
    server::{ACME, AGENT},
};
use tempfile::TempDir;
use wire::{frames, remote_write::HEADER_VERSION};

use crate::{http::Connection, load::Protocol, proc, report::complain};

/// Longest wait for a system to be ready.
const START_MAX: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(5);

/// Which system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tidewatch,
    VictoriaMetrics,
    Prometheus,
}

impl Kind {
    pub(crate) const PEERS: [Self; 2] = [Self::VictoriaMetrics, Self::Prometheus];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tidewatch => "tidewatch",
            Self::VictoriaMetrics => "VictoriaMetrics",
            Self::Prometheus => "Prometheus",
        }
    }

    /// Command and Debian package.
    fn package(self) -> Option<&'static str> {
        match self {
            Self::Tidewatch => None,
            Self::VictoriaMetrics => Some("victoria-metrics"),
            Self::Prometheus => Some("prometheus"),
        }
    }

    fn ready_path(self) -> &'static str {
        if self == Self::VictoriaMetrics { "/health" } else { "/-/ready" }
    }
}

/// A system that runs.
#[derive(Debug)]
pub(crate) struct System {
    pub(crate) kind: Kind,
    pub(crate) port: u16,
    process: Process,
    dir: TempDir,
}

impl System {
    /// Starts a system on an empty directory; `None` when it is a peer that is not installed.
    pub(crate) fn start(kind: Kind) -> Result<Option<Self>, String> {
        if let Some(package) = kind.package()
            && !is_installed(package)
        {
            complain(&format!(
                "{} is not installed and is left out: apt-get install {package}\n",
                kind.name()
            ));
            return Ok(None);
        }
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let port = free_port();
        configure(kind, dir.path(), port)?;
        let process = Process::start(kind.name(), &mut command(kind, dir.path(), port));
        let system = Self { kind, port, process, dir };
        system.wait_until_ready()?;
        Ok(Some(system))
    }

    /// Ours, which is there.
    pub(crate) fn ours() -> Result<Self, String> {
        Self::start(Kind::Tidewatch)?.ok_or_else(|| "tidewatch is not there".to_owned())
    }

    /// Kills it and starts it on the same data: seconds from the start until it is ready.
    pub(crate) fn crash_and_restart(&mut self) -> Result<f64, String> {
        self.process.kill();
        let begun = Instant::now();
        let mut command = command(self.kind, self.dir.path(), self.port);
        self.process = Process::start(self.kind.name(), &mut command);
        self.wait_until_ready()?;
        Ok(begun.elapsed().as_secs_f64())
    }

    /// Ends it in order and leaves its data.
    pub(crate) fn stop(mut self) -> Result<TempDir, String> {
        match self.process.terminate() {
            Some(0) => Ok(self.dir),
            code => Err(format!("{} ended with {code:?}", self.kind.name())),
        }
    }

    /// The directory with all its data.
    pub(crate) fn data(&self) -> PathBuf {
        data(self.dir.path())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub(crate) fn cpu(&self) -> Result<f64, String> {
        proc::cpu_seconds(self.pid())
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A connection to write over, as an agent or as a tenant.
    pub(crate) fn writer(&self, protocol: Protocol, agent: bool) -> Result<Connection, String> {
        let (path, mut headers) = match protocol {
            Protocol::RemoteWrite(version) => (
                "/api/v1/write",
                vec![
                    format!("Content-Type: {}", version.content_type()),
                    "Content-Encoding: snappy".to_owned(),
                    format!("{HEADER_VERSION}: {}", version.header()),
                ],
            ),
            Protocol::Frames => {
                (frames::PATH, vec![format!("Content-Type: {}", frames::CONTENT_TYPE)])
            }
        };
        if self.kind == Kind::Tidewatch {
            headers.push(format!("Authorization: Bearer {}", if agent { AGENT } else { ACME }));
        }
        Connection::open(self.port, path, &headers)
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let client = e2e::server::client();
        let url = self.url(self.kind.ready_path());
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline {
            if client.get(&url).send().is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            sleep(POLL);
        }
        Err(format!("{} does not start:\n{}", self.kind.name(), self.process.output()))
    }
}

fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}

fn data(dir: &Path) -> PathBuf {
    dir.join("data")
}

fn configure(kind: Kind, dir: &Path, port: u16) -> Result<(), String> {
    let (file, text) = match kind {
        Kind::Tidewatch => ("tidewatch.toml", configuration(port, &data(dir))),
        // It writes to itself from outside and scrapes nothing.
        Kind::Prometheus => ("prometheus.yml", "global: {scrape_interval: 15s}\n".to_owned()),
        Kind::VictoriaMetrics => return Ok(()),
    };
    fs::write(dir.join(file), text).map_err(|error| error.to_string())
}

/// Ours: a token of agents on any node and one of a tenant, and limits that let the load through. Real data is older
/// than the usual retention.
fn configuration(port: u16, data: &Path) -> String {
    format!(
        "[aggregator]\nlisten = \"127.0.0.1:{port}\"\ndata_dir = {data:?}\nretention = \"36500d\"\n\
         [aggregator.limits]\nactive_series = 5000000\n\
         [aggregator.query]\nsamples_max = 500000000\n\
         [[aggregator.tokens]]\nname = \"agent\"\ntoken = {AGENT:?}\ntenants = [\"*\"]\n\
         scopes = [\"agent\"]\n\
         [[aggregator.tokens]]\nname = \"acme\"\ntoken = {ACME:?}\ntenants = [\"acme\"]\n\
         scopes = [\"metrics-read\", \"metrics-write\"]\n"
    )
}

/// The command line. Limits that would refuse the load are raised, and caches of whole answers are
/// off, because a repeated query is to be evaluated each time.
fn command(kind: Kind, dir: &Path, port: u16) -> Command {
    let data = data(dir);
    let data = data.display();
    let (program, arguments) = match kind {
        Kind::Tidewatch => {
            let mut command = Command::new(tidewatch());
            command.args(["aggregator", "--config"]).arg(dir.join("tidewatch.toml"));
            return command;
        }
        Kind::VictoriaMetrics => (
            "victoria-metrics",
            vec![
                format!("-storageDataPath={data}"),
                format!("-httpListenAddr=127.0.0.1:{port}"),
                "-retentionPeriod=100y".to_owned(),
                // It would close connections in the midst of a load.
                "-http.connTimeout=24h".to_owned(),
                "-search.disableCache".to_owned(),
                "-search.latencyOffset=0s".to_owned(),
                "-search.maxUniqueTimeseries=5000000".to_owned(),
                "-search.maxQueryDuration=120s".to_owned(),
                "-loggerLevel=WARN".to_owned(),
            ],
        ),
        Kind::Prometheus => (
            "prometheus",
            vec![
                format!("--config.file={}", dir.join("prometheus.yml").display()),
                format!("--storage.tsdb.path={data}"),
                "--storage.tsdb.retention.time=100y".to_owned(),
                format!("--web.listen-address=127.0.0.1:{port}"),
                "--web.enable-remote-write-receiver".to_owned(),
                "--web.enable-admin-api".to_owned(),
                "--query.max-samples=500000000".to_owned(),
                "--log.level=warn".to_owned(),
            ],
        ),
    };
    let mut command = Command::new(program);
    command.args(arguments);
    command
}
