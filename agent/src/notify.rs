//! What a service manager is told: readiness, the end, and that ticks still complete.
//!
//! The protocol is systemd's (`sd_notify(3)`): datagrams of assignments to the socket that the
//! variable `NOTIFY_SOCKET` names. Without it nothing is told.

use std::{
    ffi::{OsStr, OsString},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    sync::Arc,
    time::Duration,
};

use daemon::stop::Stop;
use tokio::{sync::watch, time::Instant};

/// Tells the service manager. Clones tell the same one.
#[derive(Clone, Debug, Default)]
pub struct Notify {
    manager: Option<Arc<Manager>>,
}

#[derive(Debug)]
struct Manager {
    socket: UnixDatagram,
    address: SocketAddr,
    /// How long the manager waits for a sign of life before it ends the process.
    patience: Option<Duration>,
    /// When a tick was last complete.
    tick: watch::Sender<Option<Instant>>,
}

impl Notify {
    /// As the service manager's variables say.
    pub fn from_environment() -> Self {
        let usec = std::env::var_os("WATCHDOG_USEC");
        let of_another = std::env::var_os("WATCHDOG_PID")
            .is_some_and(|pid| pid != OsString::from(std::process::id().to_string()));
        let usec = usec.filter(|_| !of_another);
        std::env::var_os("NOTIFY_SOCKET")
            .map_or_else(Self::default, |socket| Self::to(&socket, usec.as_deref()))
    }

    /// `socket` is a path, or a name after `@`; `patience` is in microseconds.
    fn to(socket: &OsStr, patience: Option<&OsStr>) -> Self {
        let address = match socket.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
            path => SocketAddr::from_pathname(OsStr::from_bytes(path)),
        };
        let open = |address| -> std::io::Result<Manager> {
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            let micros = patience.and_then(|text| text.to_str()?.parse().ok());
            let patience = micros.filter(|micros| *micros > 0).map(Duration::from_micros);
            Ok(Manager { socket, address, patience, tick: watch::Sender::new(None) })
        };
        let manager = address.and_then(open).map(Arc::new);
        if let Err(error) = &manager {
            tracing::warn!(%error, "the service manager cannot be told");
        }
        Self { manager: manager.ok() }
    }

    pub(crate) fn ready(&self) {
        self.tell("READY=1");
    }

    pub(crate) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// A tick is complete.
    pub(crate) fn ticked(&self) {
        if let Some(manager) = &self.manager {
            manager.tick.send_replace(Some(Instant::now()));
        }
    }

    /// Gives signs of life for as long as ticks, which are due each `interval`, complete.
    pub(crate) async fn watch(self, interval: Duration, stop: Stop) {
        let Some(patience) = self.manager.as_ref().and_then(|manager| manager.patience) else {
            return;
        };
        let mut signs = tokio::time::interval(patience / 3);
        loop {
            tokio::select! {
                _ = signs.tick() => {}
                () = stop.stopped() => return,
            }
            let last = self.manager.as_ref().and_then(|manager| *manager.tick.borrow());
            if is_alive(last.map(|last| last.elapsed()), interval, patience) {
                self.tell("WATCHDOG=1");
            }
        }
    }

    fn tell(&self, text: &str) {
        let Some(manager) = &self.manager else { return };
        if let Err(error) = manager.socket.send_to_addr(text.as_bytes(), &manager.address) {
            tracing::warn!(%error, text, "the service manager was not told");
        }
    }
}

/// Whether ticks, which are due each `interval`, complete: the last did so long ago. Before the
/// first nothing can have gone wrong yet that the start would not have said.
fn is_alive(last: Option<Duration>, interval: Duration, patience: Duration) -> bool {
    last.is_none_or(|last| last <= interval + patience / 3)
}

#[cfg(test)]
mod tests;
