//! The app's state and its HTTP server.

use std::{
    convert::Infallible,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::Instant,
};

use super::{
    args::Args,
    pages, say,
    work::{Cache, Journal},
};

/// Connections served at the same time; others wait.
const CONNECTIONS_MAX: usize = 256;
/// Longest request body, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a connection may be idle or slow with its header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a connection that failed to be accepted stops others.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// The app's state.
#[derive(Debug)]
pub(super) struct App {
    pub(super) args: Args,
    pub(super) journal: Journal,
    cache: Mutex<Cache>,
    failing: AtomicBool,
    leaking: AtomicBool,
}

impl App {
    pub(super) fn new(args: Args) -> io::Result<Self> {
        Ok(Self {
            journal: Journal::create(&args.state_dir)?,
            args,
            cache: Mutex::default(),
            failing: AtomicBool::new(false),
            leaking: AtomicBool::new(false),
        })
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    pub(super) fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    pub(super) fn is_leaking(&self) -> bool {
        self.leaking.load(Ordering::Relaxed)
    }

    pub(super) fn set_leaking(&self, leaking: bool) {
        self.leaking.store(leaking, Ordering::Relaxed);
    }

    pub(super) fn item(&self, id: u64) -> (u64, bool) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).get(id)
    }

    pub(super) fn cached(&self) -> usize {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Writes to the journal. An app whose disk is full goes on and says so.
    pub(super) fn record(&self, bytes: &[u8]) {
        if let Err(error) = self.journal.append(bytes) {
            say(&format!("warn journal: {error}"));
        }
    }
}

/// Serves for ever.
pub(super) async fn serve(app: Arc<App>, listener: TcpListener) {
    say(&format!("info {} ready", app.args.name));
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                say(&format!("warn accept: {error}"));
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let app = Arc::clone(&app);
        tokio::spawn(async move {
            // A client that breaks off is its own affair.
            connection(app, stream).await.ok();
            drop(permit);
        });
    }
}

async fn connection(app: Arc<App>, stream: TcpStream) -> hyper::Result<()> {
    stream.set_nodelay(true).ok();
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| respond(Arc::clone(&app), request)),
        )
        .await
}

async fn respond(
    app: Arc<App>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let began = Instant::now();
    let (head, body) = request.into_parts();
    if Limited::new(body, BODY_BYTES_MAX).collect().await.is_err() {
        return Ok(response(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "too large\n".into()));
    }
    let answer = pages::answer(&app, &head.method, head.uri.path(), head.uri.query());
    if !answer.wait.is_zero() {
        tokio::time::sleep(answer.wait).await;
    }
    if head.uri.path() != "/healthz" {
        let level = if answer.status.is_server_error() { "error" } else { "info" };
        let millis = began.elapsed().as_secs_f64() * 1e3;
        let code = answer.status.as_u16();
        say(&format!("{level} {} {} {code} {millis:.1}ms", head.method, head.uri.path()));
    }
    Ok(response(answer.status, answer.content_type, answer.body))
}

fn response(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
