//! Tests of messages as Envoy writes them, and of what is none.

use proptest::prelude::*;

use super::{Entry, Identifier, Protocol, decode};
use crate::protobuf::writer::{put_bytes, put_double, put_message, put_string, put_varint};

/// A message with an identifier, a request and an intermediate entry of it.
fn http() -> Vec<u8> {
    let mut out = Vec::new();
    put_message(&mut out, 1, |identifier| {
        put_message(identifier, 1, |node| {
            put_string(node, 1, "sidecar~10.0.0.1~shop-1.acme~acme.svc");
            put_string(node, 2, "shop.acme");
        });
        put_string(identifier, 2, "requests");
    });
    put_message(&mut out, 2, |entries| {
        for intermediate in [0, 1] {
            put_message(entries, 1, |entry| {
                put_message(entry, 1, |common| {
                    put_double(common, 1, 0.5);
                    put_message(common, 5, |start| put_varint(start, 1, 1_700_000_000));
                    put_message(common, 12, |last| put_varint(last, 2, 9_000_000));
                    put_string(common, 15, "outbound|80||shop.acme.svc.cluster.local");
                    put_message(common, 16, |flags| put_varint(flags, 2, 1));
                    put_string(common, 19, "pay");
                    put_message(common, 22, |tag| {
                        put_string(tag, 1, "customer");
                        put_string(tag, 2, "acme");
                    });
                    put_message(common, 23, |duration| {
                        put_varint(duration, 1, 1);
                        put_varint(duration, 2, 12_345_678);
                    });
                    put_varint(common, 26, intermediate);
                });
                put_varint(entry, 2, 3);
                put_message(entry, 3, |request| {
                    put_varint(request, 1, 9);
                    put_string(request, 3, "shop.example");
                    put_string(request, 5, "/pay/42");
                    put_varint(request, 12, 100);
                });
                put_message(entry, 4, |response| {
                    put_message(response, 1, |code| put_varint(code, 1, 503));
                    put_varint(response, 3, 2000);
                });
            });
        }
    });
    out
}

fn tcp() -> Vec<u8> {
    let mut out = Vec::new();
    put_message(&mut out, 3, |entries| {
        put_message(entries, 1, |entry| {
            put_message(entry, 1, |common| {
                put_string(common, 15, "outbound|5432||db.acme.svc.cluster.local");
                put_message(common, 12, |last| put_varint(last, 2, 9_000_000));
            });
            put_message(entry, 2, |connection| {
                put_varint(connection, 1, 10);
                put_varint(connection, 2, 20);
            });
        });
    });
    out
}

#[test]
fn requests_are_read() {
    let (message, mut entries) = (http(), Vec::new());
    let identifier = decode(&message, |entry| entries.push(*entry)).expect("is whole");
    let node = "sidecar~10.0.0.1~shop-1.acme~acme.svc";
    assert_eq!(identifier, Some(Identifier { node, log_name: "requests" }));
    let [entry, intermediate] = entries[..] else { panic!("not two: {entries:?}") };
    assert!(intermediate.intermediate && !entry.intermediate);
    assert_eq!((entry.protocol, entry.method, entry.code), (Protocol::Http, "PATCH", 503));
    assert_eq!((entry.authority, entry.path), ("shop.example", "/pay/42"));
    assert_eq!(entry.upstream_cluster, "outbound|80||shop.acme.svc.cluster.local");
    assert_eq!((entry.route_name, entry.tag("customer"), entry.tag("")), ("pay", "acme", ""));
    assert_eq!(entry.duration_micros, Some(1_012_345));
    assert_eq!((entry.request_bytes, entry.response_bytes), (100, 2000));
}

#[test]
fn connections_are_read() {
    let (message, mut entries) = (tcp(), Vec::new());
    assert_eq!(decode(&message, |entry| entries.push(*entry)), Ok(None));
    let expect = Entry {
        protocol: Protocol::Tcp,
        upstream_cluster: "outbound|5432||db.acme.svc.cluster.local",
        duration_micros: Some(9_000),
        request_bytes: 10,
        response_bytes: 20,
        ..Entry::default()
    };
    assert_eq!(entries, [expect]);
}

#[test]
fn what_is_cut_short_is_refused() {
    let message = http();
    let whole: Vec<_> =
        (0..message.len()).filter(|end| decode(&message[..*end], |_| ()).is_ok()).collect();
    assert!(whole.len() <= 2, "only between fields: {whole:?}");
    let mut strange = Vec::new();
    put_message(&mut strange, 2, |entries| {
        put_message(entries, 1, |entry| {
            put_message(entry, 3, |request| {
                put_bytes(request, 3, b"\xff\xfe");
                put_varint(request, 1, 99);
            });
        });
    });
    let mut seen = 0;
    decode(&strange, |entry| {
        assert_eq!((entry.authority, entry.method, entry.code), ("", "", 0));
        seen += 1;
    })
    .expect("is counted all the same");
    assert_eq!(seen, 1);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _refused = decode(&bytes, |_| ());
    }

    #[test]
    fn nor_what_is_almost_right(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        for mut message in [http(), tcp()] {
            for (at, byte) in &changes {
                *at.get_mut(&mut message) = *byte;
            }
            let _refused = decode(&message, |_| ());
        }
    }
}
