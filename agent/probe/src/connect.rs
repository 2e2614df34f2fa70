//! A TCP connection to a target: resolved, checked by the guard, and closed without a trace.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
};

use model::tenant::TenantId;
use rustix::io::Errno;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::Instant,
};

use crate::{
    guard::Guard,
    outcome::{Class, Failed, Phases},
    prober::Address,
};

/// Addresses of a name that are considered.
const ADDRESSES_MAX: usize = 8;

/// Connects to the first allowed address, and fills in the phases and the address as it goes.
pub(crate) async fn connect(
    guard: &dyn Guard,
    tenant: &TenantId,
    address: &Address,
    port: u16,
    phases: &mut Phases,
    used: &mut Option<IpAddr>,
) -> Result<TcpStream, Failed> {
    let ip = match address {
        Address::Ip(ip) => *ip,
        Address::Name(name) => {
            let began = Instant::now();
            let found = resolve(guard, tenant, name, port).await;
            phases.resolve += began.elapsed();
            found?
        }
    };
    if !guard.allows(tenant, ip) {
        return Err(forbidden(tenant, ip));
    }
    *used = Some(ip);
    let began = Instant::now();
    let connected = open(SocketAddr::new(ip, port)).await;
    phases.connect += began.elapsed();
    connected.map_err(|error| failed("connect", &error))
}

async fn resolve(
    guard: &dyn Guard,
    tenant: &TenantId,
    name: &str,
    port: u16,
) -> Result<IpAddr, Failed> {
    let found = tokio::net::lookup_host((name, port)).await.map_err(|error| {
        // A resolver that does not answer is not the target's fault, and which it was is not told.
        Failed::new(Class::Local, format!("cannot resolve {name}: {error}"))
    })?;
    let mut refused = None;
    for address in found.take(ADDRESSES_MAX) {
        if guard.allows(tenant, address.ip()) {
            return Ok(address.ip());
        }
        refused = Some(address.ip());
    }
    Err(match refused {
        Some(ip) => forbidden(tenant, ip),
        None => Failed::new(Class::Local, format!("{name} has no address")),
    })
}

fn forbidden(tenant: &TenantId, ip: IpAddr) -> Failed {
    Failed::new(Class::Local, format!("address {ip} is not allowed for tenant {tenant}"))
}

async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Closing sends RST instead of FIN: otherwise each probe leaves a port in TIME_WAIT for a
    // minute, and a busy prober runs out of ports.
    socket.set_zero_linger()?;
    socket.connect(address).await
}

/// Whose fault an I/O error is. What is not surely the target's is held to be our own.
pub(crate) fn classify(error: &io::Error) -> Class {
    match error.kind() {
        ErrorKind::ConnectionRefused => Class::Refused,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => Class::Reset,
        ErrorKind::HostUnreachable => Class::Unreachable,
        ErrorKind::TimedOut => Class::Timeout,
        _ => Class::Local,
    }
}

pub(crate) fn failed(doing: &str, error: &io::Error) -> Failed {
    let class = classify(error);
    let message = match class {
        Class::Refused => "connection refused".to_owned(),
        Class::Reset => "connection reset".to_owned(),
        Class::Unreachable => "host unreachable".to_owned(),
        Class::Timeout => "connection timed out".to_owned(),
        _ => match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::MFILE | Errno::NFILE) => "the prober has no file descriptors".to_owned(),
            Some(Errno::NETUNREACH) => "the prober has no route".to_owned(),
            Some(Errno::ADDRNOTAVAIL) => "the prober has no ports".to_owned(),
            _ => format!("the prober cannot {doing}: {error}"),
        },
    };
    Failed { class, message }
}

#[cfg(test)]
mod tests;
