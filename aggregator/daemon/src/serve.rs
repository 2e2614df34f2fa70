//! Taking a port and serving on it until told to stop.

use std::{io, net::SocketAddr, time::Duration};

pub use axum::Router;
use tokio::net::TcpListener;

use crate::stop::Stop;

/// How long open requests may take to finish after a stop was asked for.
pub const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Why a port could not be taken; the message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "cannot listen on {address}: the port is taken by another program; stop it, or choose another with --listen"
    )]
    Taken { address: SocketAddr },
    #[error(
        "cannot listen on {address}: permission denied; ports below 1024 need privileges, choose another with --listen"
    )]
    Denied { address: SocketAddr },
    #[error("cannot listen on {address}: this machine has no such address")]
    NoSuchAddress { address: SocketAddr },
    #[error("cannot listen on {address}: {source}")]
    Other { address: SocketAddr, source: io::Error },
}

/// Takes the address; port 0 takes any free port.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { address },
        io::ErrorKind::PermissionDenied => BindError::Denied { address },
        io::ErrorKind::AddrNotAvailable => BindError::NoSuchAddress { address },
        _ => BindError::Other { address, source },
    })
}

/// Serves until `stop`, then lets open requests finish for at most [`DRAIN_MAX`].
pub async fn run(listener: TcpListener, router: Router, stop: &Stop) -> io::Result<()> {
    let until = stop.clone();
    let serving = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move { until.stopped().await });
    let drained = async {
        stop.stopped().await;
        tokio::time::sleep(DRAIN_MAX).await;
    };
    tokio::select! {
        served = serving.into_future() => served,
        () = drained => {
            tracing::warn!("requests still open after the drain time were cut off");
            Ok(())
        }
    }
}
