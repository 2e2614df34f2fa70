//! Access logs as syslog datagrams, on a Unix socket or over UDP.
//!
//! Datagrams are lost when nobody reads them in time: what the kernel drops is not counted here.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::Path,
};

use daemon::stop::Stop;
use tokio::net::{UdpSocket, UnixDatagram};

use crate::intake::Intake;

/// Largest datagram; what is longer the kernel cuts.
const DATAGRAM_BYTES_MAX: usize = 64 << 10;
/// Datagrams counted at once.
const BATCH_MAX: usize = 256;

/// Where datagrams come from.
#[derive(Debug)]
pub(crate) enum Socket {
    Unix(UnixDatagram),
    Udp(UdpSocket),
}

impl Socket {
    /// Makes a socket at this path, in place of one that an earlier run left.
    pub(crate) fn at(path: &Path, mode: u32) -> io::Result<Self> {
        if fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
            fs::remove_file(path)?;
        }
        let socket = UnixDatagram::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        Ok(Self::Unix(socket))
    }

    pub(crate) async fn on(address: SocketAddr) -> io::Result<Self> {
        Ok(Self::Udp(UdpSocket::bind(address).await?))
    }

    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Unix(socket) => socket.readable().await,
            Self::Udp(socket) => socket.readable().await,
        }
    }

    fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(socket) => socket.try_recv(buffer),
            Self::Udp(socket) => socket.try_recv(buffer),
        }
    }
}

/// Counts all datagrams until `stop`.
pub(crate) async fn receive(socket: Socket, intake: Intake, stop: Stop) {
    let (mut buffer, mut batch) = (vec![0; DATAGRAM_BYTES_MAX], Batch::default());
    loop {
        let ready = tokio::select! {
            () = stop.stopped() => return,
            ready = socket.readable() => ready,
        };
        let taken = ready.and_then(|()| batch.take(&socket, &mut buffer));
        intake.datagrams(batch.datagrams());
        if let Err(error) = taken {
            tracing::error!(%error, "receiving access logs failed; the agent stops");
            return stop.stop();
        }
        tokio::task::yield_now().await;
    }
}

/// Datagrams one behind the other.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    /// Takes what has arrived, in place of what it held.
    fn take(&mut self, socket: &Socket, buffer: &mut [u8]) -> io::Result<()> {
        self.bytes.clear();
        self.ends.clear();
        while self.ends.len() < BATCH_MAX {
            match socket.try_recv(buffer) {
                Ok(length) => {
                    self.bytes.extend_from_slice(buffer.get(..length).unwrap_or_default());
                    self.ends.push(self.bytes.len());
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => break,
                    io::ErrorKind::Interrupted => {}
                    // What an earlier answer of ours would have met, had we sent one.
                    io::ErrorKind::ConnectionRefused => {}
                    _ => return Err(error),
                },
            }
        }
        Ok(())
    }

    fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).filter_map(|(start, end)| self.bytes.get(*start..*end))
    }
}

#[cfg(test)]
mod tests;
