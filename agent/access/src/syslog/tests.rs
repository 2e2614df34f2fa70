//! Tests of both sockets with real datagrams.

use std::os::unix::net::UnixDatagram;

use daemon::stop::Stop;

use super::{Socket, receive};
use crate::intake::tests::{counting, source};

const DATAGRAM: &[u8] = b"<190>Nov 23 11:30:03 ng: {\"status\":\"200\"}";

#[tokio::test]
async fn datagrams_of_both_sockets_are_counted() {
    let dir = tempfile::tempdir().expect("is made");
    let path = dir.path().join("log");
    for _ in 0..2 {
        drop(Socket::at(&path, 0o600).expect("replaces what an earlier run left"));
    }
    let unix = Socket::at(&path, 0o600).expect("is made");
    let udp = Socket::on("127.0.0.1:0".parse().expect("is an address")).await.expect("binds");
    let Socket::Udp(bound) = &udp else { panic!("not UDP") };
    let address = bound.local_addr().expect("has an address");

    let (counting, stop) = (counting(), Stop::default());
    let (one, other) = (counting.intake(&source("")), counting.intake(&source("")));
    let tasks = [
        tokio::spawn(receive(unix, one, stop.clone())),
        tokio::spawn(receive(udp, other, stop.clone())),
    ];
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").expect("binds");
    let local = UnixDatagram::unbound().expect("is made");
    for _ in 0..100 {
        local.send_to(DATAGRAM, &path).expect("is sent");
        sender.send_to(DATAGRAM, address).expect("is sent");
        tokio::task::yield_now().await;
    }
    while counting.stats().iter().any(|(_, stats)| stats.counted < 100) {
        tokio::task::yield_now().await;
    }
    stop.stop();
    for task in tasks {
        task.await.expect("ends");
    }
}

#[tokio::test]
async fn a_file_is_not_replaced_by_a_socket() {
    let dir = tempfile::tempdir().expect("is made");
    assert!(Socket::at(dir.path(), 0o600).is_err());
}
