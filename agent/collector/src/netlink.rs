//! Asks the kernel about network interfaces: one request and a few answers for all of them.
//!
//! A socket belongs to the network namespace in which it was opened; what it tells is of that one.
//! No privilege is needed.

use std::collections::BTreeMap;

use rustix::{
    fd::OwnedFd,
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
        sockopt,
    },
};

use crate::parse::netlink::{
    Link, LinkCounters, Message, counters_request, links_request, messages, namespace_request,
};

/// One answer at most: the kernel fills 32 KiB at a time where the reader offers it.
const DATAGRAM_BYTES: usize = 32 << 10;
/// Interfaces read from one dump; more are left out.
pub const INTERFACES_MAX: usize = 1 << 16;
/// A kernel that does not answer is not waited for longer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// Why the kernel told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetlinkError {
    #[error("the kernel cannot be asked about interfaces")]
    Io(#[from] Errno),
    #[error("the kernel refused to tell, with error {0}")]
    Refused(i32),
}

/// A socket to the kernel.
#[derive(Debug)]
pub struct Netlink {
    socket: OwnedFd,
    buffer: Vec<u8>,
    sequence: u32,
}

impl Netlink {
    /// Opens a socket in the network namespace of the calling thread.
    pub fn open() -> Result<Self, NetlinkError> {
        let flags = SocketFlags::CLOEXEC;
        // Protocol 0 is `NETLINK_ROUTE`.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(PATIENCE))?;
        Ok(Self { socket, buffer: vec![0; DATAGRAM_BYTES], sequence: 0 })
    }

    /// The counters of every interface, by its index, into `counters`, which is emptied first.
    pub fn counters(
        &mut self,
        counters: &mut BTreeMap<u32, LinkCounters>,
    ) -> Result<(), NetlinkError> {
        counters.clear();
        let request = counters_request(self.next());
        self.ask(&request, |message| {
            if let Message::Counters { index, counters: read } = message
                && counters.len() < INTERFACES_MAX
            {
                counters.insert(index, read);
            }
        })
    }

    /// Describes every interface. Costs about twenty times what their counters alone cost.
    pub fn links(&mut self) -> Result<Vec<Link>, NetlinkError> {
        let request = links_request(self.next());
        let mut links = Vec::new();
        self.ask(&request, |message| {
            if let Message::Link(link) = message
                && links.len() < INTERFACES_MAX
            {
                links.push(*link);
            }
        })?;
        Ok(links)
    }

    /// The number that this namespace gives to the network namespace of a process; `None` when it
    /// gives none, which it does where no interface leads there.
    pub fn namespace_of(&mut self, process: u32) -> Result<Option<u32>, NetlinkError> {
        let request = namespace_request(self.next(), process);
        let mut namespace = None;
        self.ask(&request, |message| {
            if let Message::Namespace(number) = message {
                namespace = number;
            }
        })?;
        Ok(namespace)
    }

    fn next(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// Sends one request and takes its answers: all of a dump, or one.
    fn ask(&mut self, request: &[u8], mut take: impl FnMut(Message)) -> Result<(), NetlinkError> {
        send(&self.socket, request, SendFlags::empty())?;
        loop {
            let received = recv(&self.socket, &mut *self.buffer, RecvFlags::empty());
            let length = match received {
                Err(Errno::INTR) => continue,
                result => result?.0,
            };
            let datagram = self.buffer.get(..length).unwrap_or_default();
            for message in messages(datagram, self.sequence) {
                match message {
                    Message::Done => return Ok(()),
                    Message::Refused(code) => return Err(NetlinkError::Refused(code)),
                    Message::Namespace(_) => {
                        take(message);
                        return Ok(());
                    }
                    message => take(message),
                }
            }
        }
    }
}
