//! Connections to one instance, kept while they are good.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

use super::{body::RequestBody, entry::Failure};

/// Idle connections kept per instance; further ones are closed.
const IDLE_MAX: usize = 16;

pub(super) type Sender = SendRequest<RequestBody>;

/// An instance's address and its idle connections.
#[derive(Debug)]
pub(super) struct Pool {
    address: SocketAddr,
    idle: Mutex<Vec<Sender>>,
}

impl Pool {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, idle: Mutex::default() }
    }

    /// Takes a connection back whose response has been read.
    pub(super) fn put(&self, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|sender| !sender.is_closed());
        if idle.len() < IDLE_MAX && !sender.is_closed() {
            idle.push(sender);
        }
    }

    /// The connection used last, which is the least likely to have been closed.
    fn take(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(|sender| !sender.is_closed())
    }

    async fn connect(&self) -> io::Result<Sender> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        // Its failure shows at the request, too.
        tokio::spawn(async move { connection.await.ok() });
        Ok(sender)
    }

    /// Sends a request and waits for the response's head. A kept connection that turns out to be
    /// closed before anything was sent is replaced; nothing is ever sent twice.
    pub(super) async fn send(
        &self,
        mut request: Request<RequestBody>,
        connect_timeout: Duration,
        deadline: Instant,
    ) -> Result<(Response<Incoming>, Sender), Failure> {
        loop {
            let kept = self.take();
            let is_kept = kept.is_some();
            let mut sender = match kept {
                Some(sender) => sender,
                None => timeout(connect_timeout, self.connect())
                    .await
                    .map_err(|_| Failure::Timeout)?
                    .map_err(|_| Failure::Connect)?,
            };
            match timeout_at(deadline, sender.ready()).await {
                Err(_) => return Err(Failure::Timeout),
                Ok(Err(_)) if is_kept => continue,
                Ok(Err(_)) => return Err(Failure::Reset),
                Ok(Ok(())) => {}
            }
            match timeout_at(deadline, sender.try_send_request(request)).await {
                Err(_) => return Err(Failure::Timeout),
                Ok(Ok(response)) => return Ok((response, sender)),
                Ok(Err(mut error)) => match error.take_message() {
                    Some(unsent) if is_kept => request = unsent,
                    _ => return Err(Failure::Reset),
                },
            }
        }
    }
}
