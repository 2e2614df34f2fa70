//! Tests of whose fault an error is, and of what the guard stops.

use std::{io, net::Ipv4Addr};

use super::*;
use crate::guard::{AllowList, Network};

#[test]
fn only_what_is_surely_the_targets_counts_against_it() {
    for (errno, class) in [
        (Errno::CONNREFUSED, Class::Refused),
        (Errno::CONNRESET, Class::Reset),
        (Errno::CONNABORTED, Class::Reset),
        (Errno::PIPE, Class::Reset),
        (Errno::HOSTUNREACH, Class::Unreachable),
        (Errno::TIMEDOUT, Class::Timeout),
        (Errno::MFILE, Class::Local),
        (Errno::NFILE, Class::Local),
        (Errno::NETUNREACH, Class::Local),
        (Errno::NETDOWN, Class::Local),
        (Errno::ADDRNOTAVAIL, Class::Local),
        (Errno::ADDRINUSE, Class::Local),
        (Errno::NOBUFS, Class::Local),
        (Errno::NOMEM, Class::Local),
        (Errno::PERM, Class::Local),
        (Errno::ACCESS, Class::Local),
    ] {
        let error = io::Error::from_raw_os_error(errno.raw_os_error());
        assert_eq!(failed("connect", &error).class, class, "{error}");
    }
}

fn attempt(guard: &AllowList, address: &Address, port: u16) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let tenant = TenantId::new("acme").expect("valid");
        let mut phases = Phases::default();
        let mut used = None;
        let stream = connect(guard, &tenant, address, port, &mut phases, &mut used).await?;
        assert_eq!(used, stream.peer_addr().ok().map(|peer| peer.ip()));
        Ok(())
    })
}

#[test]
fn nothing_is_connected_to_that_is_not_allowed() {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    listener.set_nonblocking(true).expect("nonblocking");
    let port = listener.local_addr().expect("bound").port();
    let literal = Address::Ip(Ipv4Addr::LOCALHOST.into());
    let name = Address::Name("localhost".to_owned());
    let mut guard = AllowList::default();
    for address in [&literal, &name] {
        let refused = attempt(&guard, address, port).expect_err("not allowed");
        assert_eq!(refused.class, Class::Local);
        assert!(refused.message.contains("is not allowed for tenant acme"), "{}", refused.message);
    }
    let nobody = listener.accept().expect_err("nobody came").kind();
    assert_eq!(nobody, ErrorKind::WouldBlock);
    let tenant = TenantId::new("acme").expect("valid");
    guard.allow(tenant, Network::host(Ipv4Addr::LOCALHOST.into()));
    for address in [&literal, &name] {
        assert_eq!(attempt(&guard, address, port), Ok(()));
    }
}

#[test]
fn a_name_that_does_not_resolve_is_not_the_targets_fault() {
    let name = Address::Name("does-not-exist.invalid".to_owned());
    let failed = attempt(&AllowList::default(), &name, 80).expect_err("no such name");
    assert_eq!(failed.class, Class::Local);
}
