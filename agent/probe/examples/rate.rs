//! How many probes a prober makes per second of CPU, over fresh and over kept connections, on
//! loopback. Everything counts that a probe costs the prober: schedule, queue, judgement, report.
//! The server runs in a thread of its own, whose CPU is not counted.
//!
//! `cargo run --release -p probe --example rate [-- SECONDS [MODE]]`

use std::{
    io::{self, Write},
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use model::{event::Target, tenant::TenantId, time::Timestamp};
use probe::{
    guard::{AllowList, Network},
    prober::{Address, Assignment, Clock, Config, Prober, Report},
    spec::{Check, Connection, Draft, HttpGet, Purpose, Spec},
};
use rustix::time::{ClockId, clock_gettime};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
};

const TARGETS: usize = 3000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    let only = std::env::args().nth(2);
    let port = serve()?;
    let mut out = io::stdout();
    let http = |port| Check::Http(HttpGet::new(port, "/healthz"));
    for (name, check, connection) in [
        ("tcp fresh", Check::Tcp { port }, Connection::Fresh),
        ("http fresh", http(port), Connection::Fresh),
        ("http kept", http(port), Connection::Kept { fresh_every: 1000 }),
    ] {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let rate = measure(&check, connection, Duration::from_secs(seconds))?;
        writeln!(
            out,
            "{name:<11} {:>7.0} probes per CPU-second, {:>5.1} us each, {} failed",
            rate.probes as f64 / rate.cpu.as_secs_f64(),
            rate.cpu.as_secs_f64() * 1e6 / rate.probes as f64,
            rate.failed
        )?;
    }
    Ok(())
}

struct Rate {
    probes: u64,
    failed: u64,
    cpu: Duration,
}

/// Runs a prober with more work than it can do, in this thread.
fn measure(
    check: &Check,
    connection: Connection,
    wall: Duration,
) -> Result<Rate, Box<dyn std::error::Error>> {
    runtime()?.block_on(async {
        let mut guard = AllowList::default();
        guard.allow_everyone(Network::host(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let clock: Clock = Arc::new(now);
        let mut config = Config::default();
        config.limits.in_flight = 64;
        let (prober, mut reports) = Prober::spawn(config, Arc::new(guard), clock);
        for number in 0..TARGETS {
            let spec = Spec::new(Draft {
                period: Duration::from_millis(100),
                timeout: Duration::from_secs(2),
                connection,
                ..Draft::new(Purpose::Liveness, check.clone())
            })?;
            let target = Target {
                tenant: TenantId::new(&format!("tenant-{}", number % 100))?,
                app: "app".to_owned(),
                component: String::new(),
                instance: format!("app-{number}"),
                node: "node".to_owned(),
            };
            let address = Address::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
            prober.assign(Assignment { target, address, spec, run: 1, failing: false }).await?;
        }
        // Each target has been probed once by then, so kept connections are there.
        let mut warm = 0;
        while warm < 2 * TARGETS {
            warm += usize::from(matches!(reports.recv().await, Some(Report::Measured(_))));
        }
        let before = prober.stats().await?;
        let cpu_before = cpu();
        let end = tokio::time::Instant::now() + wall;
        while tokio::time::Instant::now() < end {
            reports.recv().await;
        }
        let cpu = cpu().saturating_sub(cpu_before);
        let after = prober.stats().await?;
        let failed = after.failures + after.unknown - before.failures - before.unknown;
        Ok(Rate { probes: after.measured - before.measured, failed, cpu })
    })
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanos)
}

fn now() -> Timestamp {
    let time = clock_gettime(ClockId::Realtime);
    Timestamp(time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
}

/// Starts a server that answers every request alike; gives its port.
fn serve() -> io::Result<u16> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let server = std::thread::Builder::new().name("server".to_owned());
    server.spawn(move || -> io::Result<()> {
        runtime()?.block_on(async move {
            let listener = TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(answer(stream));
            }
        })
    })?;
    Ok(port)
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).await? > 0 {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await?;
    }
    Ok(())
}
