//! Messages of the kernel's routing netlink: the requests that are sent, and what comes back.
//!
//! Formats: `linux/netlink.h`, `linux/rtnetlink.h`, `linux/if_link.h`, `linux/net_namespace.h`.
//! Numbers are in the machine's byte order; messages and attributes are padded to 4 bytes.

use super::node::INTERFACE_COLUMNS;

const HEADER_BYTES: usize = 16;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
const NEW_NAMESPACE: u16 = 88;
const GET_NAMESPACE: u16 = 90;
const NEW_STATS: u16 = 92;
const GET_STATS: u16 = 94;
const REQUEST: u16 = 1;
const DUMP: u16 = 0x300;
/// `IFLA_STATS_LINK_64`, the attribute and its bit in a filter.
const STATS_LINK_64: u16 = 1;
const STATS_LINK_64_FILTER: u32 = 1;
/// `NETNSA_NSID` and `NETNSA_PID`.
const NAMESPACE_ID: u16 = 1;
const NAMESPACE_PID: u16 = 2;
/// Attributes of a link.
const ADDRESS: u16 = 1;
const BROADCAST: u16 = 2;
const NAME: u16 = 3;
const MTU: u16 = 4;
const LINK: u16 = 5;
const QUEUE_LENGTH: u16 = 13;
const OPERATIONAL: u16 = 16;
const ALIAS: u16 = 20;
const STATS_64: u16 = 23;
const CARRIER: u16 = 33;
const CARRIER_CHANGES: u16 = 35;
const LINK_NAMESPACE: u16 = 37;
const CARRIER_UPS: u16 = 47;
const CARRIER_DOWNS: u16 = 48;
/// Counters of `rtnl_link_stats64` that every kernel with 64-bit statistics has.
const COUNTERS: usize = 23;

/// Counters of an interface, in the order of `rtnl_link_stats64`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters([u64; COUNTERS + 1]);

impl LinkCounters {
    pub fn received_packets(&self) -> u64 {
        self.0[0]
    }

    pub fn sent_packets(&self) -> u64 {
        self.0[1]
    }

    pub fn received_bytes(&self) -> u64 {
        self.0[2]
    }

    pub fn sent_bytes(&self) -> u64 {
        self.0[3]
    }

    pub fn receive_errors(&self) -> u64 {
        self.0[4]
    }

    pub fn send_errors(&self) -> u64 {
        self.0[5]
    }

    pub fn receive_dropped(&self) -> u64 {
        self.0[6]
    }

    pub fn send_dropped(&self) -> u64 {
        self.0[7]
    }

    /// Packets received that no protocol wanted; 0 before Linux 4.6.
    pub fn received_without_handler(&self) -> u64 {
        self.0[COUNTERS]
    }

    /// As the kernel sums them for `/proc/net/dev` (`dev_seq_printf_stats`).
    pub fn columns(&self) -> [u64; INTERFACE_COLUMNS] {
        let counters = &self.0;
        let sum = |places: [usize; 4]| {
            places
                .iter()
                .filter_map(|place| counters.get(*place))
                .fold(0u64, |sum, value| sum.saturating_add(*value))
        };
        [
            counters[2],
            counters[0],
            counters[4],
            counters[6].saturating_add(counters[15]),
            counters[14],
            sum([10, 11, 12, 13]),
            counters[21],
            counters[8],
            counters[3],
            counters[1],
            counters[5],
            counters[7],
            counters[18],
            counters[9],
            sum([16, 17, 19, 20]),
            counters[22],
        ]
    }

    fn parse(payload: &[u8]) -> Option<Self> {
        let mut counters = [0; COUNTERS + 1];
        let mut found = 0;
        for (slot, bytes) in counters.iter_mut().zip(payload.chunks_exact(8)) {
            *slot = u64::from_ne_bytes(bytes.try_into().ok()?);
            found += 1;
        }
        (found >= COUNTERS).then_some(Self(counters))
    }
}

/// An interface as the kernel describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    pub index: u32,
    /// `ARPHRD_…`.
    pub hardware: u16,
    /// `IFF_…`.
    pub flags: u32,
    pub name: String,
    pub alias: String,
    pub address: Vec<u8>,
    pub broadcast: Vec<u8>,
    pub mtu: Option<u32>,
    pub queue_length: Option<u32>,
    /// `IF_OPER_…`.
    pub operational: u8,
    pub carrier: Option<bool>,
    pub carrier_changes: Option<u32>,
    pub carrier_ups: Option<u32>,
    pub carrier_downs: Option<u32>,
    /// The interface that this one leads to: of a pair the other end.
    pub leads_to: Option<u32>,
    /// In which network namespace that is, by this namespace's number for it; `None` in this one.
    pub namespace: Option<u32>,
    pub counters: Option<LinkCounters>,
}

/// What an answer told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Link(Box<Link>),
    Counters {
        index: u32,
        counters: LinkCounters,
    },
    /// This namespace's number for another; `None` where it has none, so that nothing leads there.
    Namespace(Option<u32>),
    /// The end of a dump.
    Done,
    /// The kernel refused, with an error number, which is positive.
    Refused(i32),
}

/// Asks for the counters of every interface of the socket's namespace.
pub fn counters_request(sequence: u32) -> Vec<u8> {
    // if_stats_msg: family, padding, interface, filter.
    let mut body = vec![0; 8];
    body.extend(STATS_LINK_64_FILTER.to_ne_bytes());
    request(GET_STATS, REQUEST | DUMP, sequence, &body)
}

/// Asks for a description of every interface of the socket's namespace.
pub fn links_request(sequence: u32) -> Vec<u8> {
    request(GET_LINK, REQUEST | DUMP, sequence, &[0; 16])
}

/// Asks for the number of the network namespace that a process is in.
pub fn namespace_request(sequence: u32, process: u32) -> Vec<u8> {
    // rtgenmsg: family, padded; one attribute.
    let mut body = vec![0; 4];
    body.extend(8u16.to_ne_bytes());
    body.extend(NAMESPACE_PID.to_ne_bytes());
    body.extend(process.to_ne_bytes());
    request(GET_NAMESPACE, REQUEST, sequence, &body)
}

fn request(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER_BYTES + body.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(HEADER_BYTES + body.len());
    message.extend(length.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend(sequence.to_ne_bytes());
    message.extend(0u32.to_ne_bytes());
    message.extend(body);
    message
}

/// The messages of one datagram that answer the request with this number. What is of no use here
/// is passed over, and so is everything after a message whose length cannot be.
pub fn messages(datagram: &[u8], sequence: u32) -> impl Iterator<Item = Message> + '_ {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        loop {
            let length = usize::try_from(u32_at(rest, 0)?).ok()?;
            let message = rest.get(..length)?;
            let body = message.get(HEADER_BYTES..)?;
            let kind = u16_at(message, 4)?;
            let answers = u32_at(message, 8)? == sequence;
            rest = rest.get(padded(length)..).unwrap_or_default();
            if let (true, Some(parsed)) = (answers, parse(kind, body)) {
                return Some(parsed);
            }
        }
    })
}

fn parse(kind: u16, body: &[u8]) -> Option<Message> {
    match kind {
        DONE => Some(Message::Done),
        ERROR => Some(Message::Refused(i32::from_ne_bytes(array(body, 0)?).checked_neg()?)),
        NEW_LINK => Some(Message::Link(Box::new(link(body)?))),
        NEW_STATS => {
            let (_, payload) =
                attributes(body.get(12..)?).find(|(kind, _)| *kind == STATS_LINK_64)?;
            let counters = LinkCounters::parse(payload)?;
            Some(Message::Counters { index: u32_at(body, 4)?, counters })
        }
        NEW_NAMESPACE => {
            let (_, payload) =
                attributes(body.get(4..)?).find(|(kind, _)| *kind == NAMESPACE_ID)?;
            let number = i32::from_ne_bytes(array(payload, 0)?);
            Some(Message::Namespace(u32::try_from(number).ok()))
        }
        _ => None,
    }
}

fn link(body: &[u8]) -> Option<Link> {
    let mut link = Link {
        hardware: u16_at(body, 2)?,
        index: u32_at(body, 4)?,
        flags: u32_at(body, 8)?,
        ..Link::default()
    };
    for (kind, payload) in attributes(body.get(16..)?) {
        let number = || u32_at(payload, 0);
        match kind {
            ADDRESS => link.address = payload.to_vec(),
            BROADCAST => link.broadcast = payload.to_vec(),
            NAME => link.name = text(payload)?,
            ALIAS => link.alias = text(payload).unwrap_or_default(),
            MTU => link.mtu = number(),
            LINK => link.leads_to = number(),
            QUEUE_LENGTH => link.queue_length = number(),
            OPERATIONAL => link.operational = payload.first().copied().unwrap_or(0),
            STATS_64 => link.counters = LinkCounters::parse(payload),
            CARRIER => link.carrier = payload.first().map(|carrier| *carrier == 1),
            CARRIER_CHANGES => link.carrier_changes = number(),
            CARRIER_UPS => link.carrier_ups = number(),
            CARRIER_DOWNS => link.carrier_downs = number(),
            LINK_NAMESPACE => link.namespace = number().filter(|id| *id <= i32::MAX as u32),
            _ => {}
        }
    }
    (!link.name.is_empty()).then_some(link)
}

/// Kinds and payloads, to the first whose length cannot be.
fn attributes(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 0)?);
        // The two highest bits say how the payload is to be understood.
        let kind = u16_at(rest, 2)? & 0x3fff;
        let payload = rest.get(4..length)?;
        rest = rest.get(padded(length)..).unwrap_or_default();
        Some((kind, payload))
    })
}

fn padded(length: usize) -> usize {
    length.saturating_add(3) & !3
}

fn text(payload: &[u8]) -> Option<String> {
    let end = payload.iter().position(|byte| *byte == 0).unwrap_or(payload.len());
    String::from_utf8(payload.get(..end)?.to_vec()).ok()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(array(bytes, at)?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(array(bytes, at)?))
}

#[cfg(test)]
mod tests;
