//! The reverse proxy in front of the sample apps: one listener, every request reported.
//!
//! `/{tenant}/{app}/rest` goes to an instance of that app as `/rest`; other requests are routed by
//! their host, `{app}.{tenant}` and whatever follows, as they are. A request is tried on one
//! instance only, so that what users meet is what the instances did.

mod body;
mod entry;
mod forward;
mod table;
mod upstream;

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::event::Target;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};

pub use self::entry::{AccessEntry, Failure, PATH_BYTES_MAX};
use self::{forward::forward, table::Table};

/// Client connections served at the same time; others wait to be accepted.
pub const CONNECTIONS_MAX: usize = 1024;
/// How long a client may be idle or slow with its header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a failure to accept stops further attempts.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Hears of every finished request; must not block.
pub type Sink = Arc<dyn Fn(&AccessEntry) + Send + Sync>;

/// One instance behind the proxy.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub target: Target,
    pub address: SocketAddr,
}

/// What is waited for, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// A connection to an instance.
    pub connect: Duration,
    /// The head of its response, from when the request came.
    pub response: Duration,
    /// The whole response.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(500),
            response: Duration::from_secs(2),
            total: Duration::from_secs(10),
        }
    }
}

#[derive(Clone)]
pub struct ProxyConfig {
    /// Port 0 chooses a free one.
    pub listen: SocketAddr,
    pub upstreams: Vec<Upstream>,
    pub timeouts: Timeouts,
    pub sink: Sink,
}

impl fmt::Debug for ProxyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyConfig")
            .field("listen", &self.listen)
            .field("upstreams", &self.upstreams)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// What the proxy has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyStats {
    /// Requests reported to the sink.
    pub reported: u64,
    /// Requests for no known app, answered with 404 and not reported.
    pub unrouted: u64,
}

/// What all connections share.
struct Shared {
    table: Table,
    timeouts: Timeouts,
    sink: Sink,
    reported: AtomicU64,
    unrouted: AtomicU64,
}

/// A running proxy; dropping it ends it.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    // Dropping it aborts the listener and all connections.
    tasks: JoinSet<()>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Listens. All instances count as up until told otherwise.
    pub async fn start(config: ProxyConfig) -> io::Result<Self> {
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            table: Table::new(config.upstreams),
            timeouts: config.timeouts,
            sink: config.sink,
            reported: AtomicU64::new(0),
            unrouted: AtomicU64::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(Arc::clone(&shared), listener));
        Ok(Self { address, shared, tasks })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes an instance out of rotation or puts it back. When none of an app is left in it,
    /// requests are answered with 503. Returns whether there is such an instance.
    pub fn set_up(&self, target: &Target, up: bool) -> bool {
        self.shared.table.set_up(target, up)
    }

    pub fn stats(&self) -> ProxyStats {
        ProxyStats {
            reported: self.shared.reported.load(Ordering::Relaxed),
            unrouted: self.shared.unrouted.load(Ordering::Relaxed),
        }
    }

    /// Closes the listener and all connections. Requests under way are reported as broken off.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        // Finished connections are let go, or the set would grow for ever.
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, client)) => {
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    // A client that breaks off is told nothing, and its request is reported.
                    serve(shared, stream, client).await.ok();
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(shared: Arc<Shared>, stream: TcpStream, client: SocketAddr) -> hyper::Result<()> {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request| forward(Arc::clone(&shared), client, request));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await
}
