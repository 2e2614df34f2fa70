//! Envelopes of containerd's events.

use model::time::Timestamp;
use proptest::prelude::*;
use wire::protobuf::writer::{put_message, put_string, put_varint};

use super::{Task, event};

/// An event of process `process` of container `c1`.
fn envelope(topic: &str, process: &str) -> Vec<u8> {
    let mut message = Vec::new();
    put_message(&mut message, 1, |time| {
        put_varint(time, 1, 5);
        put_varint(time, 2, 250_000_000);
    });
    put_string(&mut message, 2, "k8s.io");
    put_string(&mut message, 3, topic);
    put_message(&mut message, 4, |any| {
        put_string(any, 1, "containerd.events.X");
        put_message(any, 2, |body| {
            put_string(body, 1, "c1");
            if topic == "/tasks/start" {
                put_varint(body, 2, 7);
                return;
            }
            put_string(body, 2, process);
            put_varint(body, 4, 3);
            put_message(body, 5, |time| put_varint(time, 1, 6));
        });
    });
    message
}

#[test]
fn tasks_start_and_end() {
    let id = || "c1".to_owned();
    let cases = [
        ("/tasks/start", "", Some(Task::Started { id: id(), at: Some(Timestamp(5250)) })),
        ("/tasks/exit", "c1", Some(Task::Exited { id: id(), code: 3, at: Some(Timestamp(6000)) })),
        // A process executed beside the container's own.
        ("/tasks/exit", "probe", None),
        ("/tasks/oom", "", Some(Task::OutOfMemory { id: id() })),
        ("/containers/delete", "", Some(Task::Deleted { id: id() })),
        ("/images/create", "", None),
    ];
    for (topic, process, expected) in cases {
        assert_eq!(event(&envelope(topic, process)).unwrap(), expected, "{topic} {process}");
    }
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _read = event(&bytes);
    }
}
