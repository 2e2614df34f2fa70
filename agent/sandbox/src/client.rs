//! One connection to one sandbox's control socket.
//!
//! Where it is depends on the version: an abstract name (with a NUL of its own at the end) or a path,
//! which may be longer than a socket address holds. Whoever listens must be the sentry itself: an
//! abstract name could be taken by any process of the host's network namespace.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::fs::{Mode, OFlags};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};

use crate::urpc::{self, FrameError, Framer};

/// One call or connection attempt takes at most so long, whatever the sandbox does.
pub const CALL_TIME_MAX: Duration = Duration::from_millis(500);
/// Longest reply, in bytes; the longest real one (the registered metrics) has 50 KB.
pub const REPLY_BYTES_MAX: usize = 256 << 10;
const PIECE_BYTES: usize = 8 << 10;
/// What a buffer keeps between calls.
const KEPT_BYTES: usize = 16 << 10;
/// `sun_path` with its closing NUL.
const ADDRESS_BYTES: usize = 108;

/// Why a sandbox cannot be talked to. The connection is of no more use then.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("cannot connect to or talk over the control socket")]
    Io(#[from] io::Error),
    #[error("no answer within {CALL_TIME_MAX:?}")]
    Slow,
    #[error("the connection was closed")]
    Closed,
    #[error("the reply is longer than {REPLY_BYTES_MAX} bytes")]
    Long,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("process {listener:?} listens on the control socket, not the sandbox's {expected}")]
    Stranger { listener: Option<i32>, expected: u32 },
}

/// Where a control socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Path(PathBuf),
    /// Without the leading NUL, with the one at the end.
    Abstract(Vec<u8>),
}

impl Address {
    /// The address of a sandbox whose state file names this path, or none.
    pub fn of(sandbox: &str, path: Option<&Path>) -> Self {
        path.map_or_else(
            || Self::Abstract(format!("runsc-sandbox.{sandbox}\0").into_bytes()),
            |path| Self::Path(path.to_owned()),
        )
    }
}

/// A connection. One call at a time.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects, and makes sure that process `sentry` is who listens.
    pub async fn connect(address: &Address, sentry: u32) -> Result<Self, CallError> {
        let connecting = timeout(CALL_TIME_MAX, open(address));
        let stream = connecting.await.map_err(|_late| CallError::Slow)??;
        let listener = stream.peer_cred()?.pid();
        if listener.and_then(|pid| u32::try_from(pid).ok()) != Some(sentry) {
            return Err(CallError::Stranger { listener, expected: sentry });
        }
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Calls a method with an argument in JSON and returns the reply's bytes.
    pub async fn call(&mut self, method: &str, argument: &str) -> Result<&[u8], CallError> {
        self.buffer.clear();
        self.buffer.shrink_to(KEPT_BYTES);
        let exchange = timeout(CALL_TIME_MAX, self.exchange(method, argument));
        exchange.await.map_err(|_late| CallError::Slow)??;
        Ok(&self.buffer)
    }

    async fn exchange(&mut self, method: &str, argument: &str) -> Result<(), CallError> {
        self.stream.write_all(&urpc::request(method, argument)).await?;
        let mut framer = Framer::default();
        loop {
            if self.buffer.len() >= REPLY_BYTES_MAX {
                return Err(CallError::Long);
            }
            self.buffer.reserve(PIECE_BYTES);
            let before = self.buffer.len();
            let mut piece = (&mut self.stream).take(PIECE_BYTES as u64);
            // Files that a hostile sandbox attaches are closed by the kernel: nobody asks for them.
            if piece.read_buf(&mut self.buffer).await? == 0 {
                return Err(CallError::Closed);
            }
            if framer.push(self.buffer.get(before..).unwrap_or_default())? {
                return Ok(());
            }
        }
    }
}

async fn open(address: &Address) -> io::Result<UnixStream> {
    match address {
        Address::Abstract(name) => {
            let mut path = vec![0];
            path.extend_from_slice(name);
            let path = String::from_utf8(path).map_err(io::Error::other)?;
            UnixStream::connect(path).await
        }
        Address::Path(path) if path.as_os_str().len() < ADDRESS_BYTES => {
            UnixStream::connect(path).await
        }
        Address::Path(path) => {
            // Too long for an address, so it goes by way of a descriptor.
            let file = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
            let number = rustix::fd::AsRawFd::as_raw_fd(&file);
            UnixStream::connect(format!("/proc/self/fd/{number}")).await
        }
    }
}
