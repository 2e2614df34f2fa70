//! Messages as a kernel writes them, and bytes that no kernel writes.

use proptest::prelude::*;

use super::{
    LinkCounters, Message, counters_request, links_request, messages, namespace_request, request,
};

fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 4).expect("is short");
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(payload);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn counters(count: u64) -> Vec<u8> {
    (1..=count).flat_map(u64::to_ne_bytes).collect()
}

#[test]
fn requests_as_the_kernel_wants_them() {
    let expect: Vec<u8> = [
        &28u32.to_ne_bytes()[..],
        &94u16.to_ne_bytes(),
        &0x301u16.to_ne_bytes(),
        &7u32.to_ne_bytes(),
        &[0; 12],
        &1u32.to_ne_bytes(),
    ]
    .concat();
    assert_eq!(counters_request(7), expect);
    assert_eq!(links_request(7).len(), 32);
    assert_eq!(
        namespace_request(7, 4242)[20..],
        [8u16.to_ne_bytes(), 2u16.to_ne_bytes()]
            .concat()
            .into_iter()
            .chain(4242u32.to_ne_bytes())
            .collect::<Vec<u8>>()
    );
}

#[test]
fn counters_of_two_interfaces_and_the_end() {
    let stats = |index: u32, count: u64| {
        let mut body = vec![0; 4];
        body.extend(index.to_ne_bytes());
        body.extend(1u32.to_ne_bytes());
        body.extend(attribute(1, &counters(count)));
        request(92, 2, 5, &body)
    };
    // A kernel from before one counter was added, and one from after.
    let datagram = [stats(3, 23), stats(4, 25), stats(5, 22), request(3, 2, 5, &[0; 4])].concat();
    let read: Vec<_> = messages(&datagram, 5).collect();
    let [
        Message::Counters { index: 3, counters: old },
        Message::Counters { index: 4, counters },
        Message::Done,
    ] = read.as_slice()
    else {
        panic!("{read:?}");
    };
    assert_eq!(old.received_without_handler(), 0);
    assert_eq!(counters.received_without_handler(), 24);
    assert_eq!((counters.received_packets(), counters.sent_packets()), (1, 2));
    assert_eq!((counters.received_bytes(), counters.sent_bytes()), (3, 4));
    assert_eq!((counters.receive_errors(), counters.send_errors()), (5, 6));
    assert_eq!((counters.receive_dropped(), counters.send_dropped()), (7, 8));
    let columns =
        [3, 1, 5, 7 + 16, 15, 11 + 12 + 13 + 14, 22, 9, 4, 2, 6, 8, 19, 10, 17 + 18 + 20 + 21, 23];
    assert_eq!(counters.columns(), columns);
    assert_eq!(messages(&datagram, 6).count(), 0, "it answers another request");
    assert_eq!(LinkCounters::parse(&counters_bytes_of_length(7)), None);
}

fn counters_bytes_of_length(length: usize) -> Vec<u8> {
    vec![1; length]
}

#[test]
fn a_link_that_leads_into_another_namespace() {
    let mut body = vec![0, 0];
    body.extend(1u16.to_ne_bytes());
    body.extend(12u32.to_ne_bytes());
    body.extend(0x1043u32.to_ne_bytes());
    body.extend([0; 4]);
    for (kind, payload) in [
        (3, &b"veth0\0"[..]),
        (1, &[2, 0, 0, 0, 0, 1]),
        (4, &1450u32.to_ne_bytes()),
        (0x8005, &2u32.to_ne_bytes()),
        (37, &3i32.to_ne_bytes()),
        (16, &[6]),
        (33, &[1]),
    ] {
        body.extend(attribute(kind, payload));
    }
    let datagram = request(16, 2, 1, &body);
    let Some(Message::Link(link)) = messages(&datagram, 1).next() else { panic!("no link") };
    assert_eq!((link.name.as_str(), link.index, link.hardware), ("veth0", 12, 1));
    assert_eq!((link.mtu, link.leads_to, link.namespace), (Some(1450), Some(2), Some(3)));
    assert_eq!((link.operational, link.carrier, link.counters), (6, Some(true), None));
}

#[test]
fn namespaces_and_refusals() {
    let told = |number: i32| {
        let body = [vec![0; 4], attribute(1, &number.to_ne_bytes())].concat();
        messages(&request(88, 0, 1, &body), 1).next()
    };
    assert_eq!(told(4), Some(Message::Namespace(Some(4))));
    assert_eq!(told(-1), Some(Message::Namespace(None)));
    let refused = request(2, 0, 1, &(-3i32).to_ne_bytes());
    assert_eq!(messages(&refused, 1).next(), Some(Message::Refused(3)));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0u16..100) {
        prop_assert!(messages(&bytes, 0).count() <= bytes.len() / 4 + 1);
        prop_assert!(messages(&request(kind, 0, 1, &bytes), 1).count() <= 1);
    }

    #[test]
    fn attributes_of_any_length_make_it_panic_no_more(
        parts in prop::collection::vec((0u16..50, prop::collection::vec(any::<u8>(), 0..20)), 0..8),
        cut in 0usize..100,
    ) {
        let mut body = vec![0; 16];
        body.extend(parts.iter().flat_map(|(kind, payload)| attribute(*kind, payload)));
        body.truncate(body.len().saturating_sub(cut));
        for kind in [2, 16, 88, 92] {
            prop_assert!(messages(&request(kind, 0, 1, &body), 1).count() <= 1);
        }
    }
}
