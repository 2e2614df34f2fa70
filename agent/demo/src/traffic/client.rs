//! A user's browser: a few kept connections, one request on each at a time.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request,
    client::conn::http1::{self, SendRequest},
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::profile::UserRequest;

/// Idle connections kept.
const IDLE_MAX: usize = 8;
/// Patience for a whole answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest answer read, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

type Sender = SendRequest<Full<Bytes>>;

/// A complete answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) bytes: u64,
}

#[derive(Debug)]
pub(super) struct Client {
    server: SocketAddr,
    idle: Mutex<Vec<Sender>>,
}

impl Client {
    pub(super) fn new(server: SocketAddr) -> Self {
        Self { server, idle: Mutex::default() }
    }

    /// `None` when there is no complete answer.
    pub(super) async fn ask(&self, request: &UserRequest) -> Option<Reply> {
        timeout(ANSWER_TIMEOUT, self.ask_patiently(request)).await.ok()?.ok()
    }

    async fn ask_patiently(&self, request: &UserRequest) -> io::Result<Reply> {
        let mut sender = match self.take() {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        if sender.ready().await.is_err() {
            sender = self.connect().await?;
        }
        let method = if request.post { Method::POST } else { Method::GET };
        let message = Request::builder()
            .method(method)
            .uri(&request.path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from_static(request.body.as_bytes())))
            .map_err(io::Error::other)?;
        let response = sender.send_request(message).await.map_err(io::Error::other)?;
        let code = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let body = body.collect().await.map_err(io::Error::other)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(sender);
        }
        Ok(Reply { code, bytes: body.to_bytes().len() as u64 })
    }

    fn take(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(|sender| !sender.is_closed())
    }

    async fn connect(&self) -> io::Result<Sender> {
        let stream = TcpStream::connect(self.server).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        // Its failure shows at the request, too.
        tokio::spawn(async move { connection.await.ok() });
        Ok(sender)
    }
}
