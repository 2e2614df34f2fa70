//! A control socket that says what a test wants.

use std::{
    io::{Read, Write},
    os::{
        fd::AsRawFd,
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    path::Path,
    sync::mpsc,
    thread,
};

use sandbox::client::Address;

/// What is said to one request; `None` to say nothing, and keep the connection.
pub(crate) type Says = fn(&str) -> Option<Vec<u8>>;

/// A listening socket. Each connection that ends is told on `ended`.
pub(crate) struct Fake {
    pub(crate) address: Address,
    pub(crate) ended: mpsc::Receiver<()>,
    _dir: Option<tempfile::TempDir>,
}

impl Fake {
    pub(crate) fn at_path(says: Says) -> Self {
        Self::below("", says)
    }

    /// In a directory of this name.
    pub(crate) fn below(name: &str, says: Says) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let inner = dir.path().join(name);
        std::fs::create_dir_all(&inner).expect("makes it");
        // A path that is too long for an address is bound by way of a descriptor, too.
        let handle = open_directory(&inner);
        let bound = format!("/proc/self/fd/{}/s", handle.as_raw_fd());
        let listener = UnixListener::bind(bound).expect("binds");
        let address = Address::of("x", Some(&inner.join("s")));
        Self { address, ended: serve(listener, says), _dir: Some(dir) }
    }

    pub(crate) fn at_name(sandbox: &str, says: Says) -> Self {
        let name = format!("runsc-sandbox.{sandbox}\0");
        let name = SocketAddr::from_abstract_name(name).expect("is a name");
        let listener = UnixListener::bind_addr(&name).expect("binds");
        Self { address: Address::of(sandbox, None), ended: serve(listener, says), _dir: None }
    }
}

#[expect(clippy::disallowed_methods, reason = "a directory of this test")]
fn open_directory(path: &Path) -> std::fs::File {
    std::fs::File::open(path).expect("opens")
}

/// Serves until the process ends.
fn serve(listener: UnixListener, says: Says) -> mpsc::Receiver<()> {
    let (ends, ended) = mpsc::sync_channel(16);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let ends = ends.clone();
            thread::spawn(move || {
                converse(stream, says);
                ends.send(()).unwrap_or_default();
            });
        }
    });
    ended
}

fn converse(mut stream: UnixStream, says: Says) {
    let mut request = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut request) {
        let asked = String::from_utf8_lossy(&request[..length]).into_owned();
        if let Some(reply) = says(&asked) {
            // An empty reply means to hang up.
            if reply.is_empty() || stream.write_all(&reply).is_err() {
                return;
            }
        }
    }
}
