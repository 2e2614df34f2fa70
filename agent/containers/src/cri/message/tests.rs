//! Messages as a runtime sends them, and bytes that are none.

use model::time::Timestamp;
use proptest::prelude::*;
use wire::protobuf::writer::{put_message, put_string, put_varint};

use super::{Change, Status, cgroup, containers, event, sandboxes};
use crate::container::Phase;

fn put_entry(out: &mut Vec<u8>, number: u32, name: &str, value: &str) {
    put_message(out, number, |entry| {
        put_string(entry, 1, name);
        put_string(entry, 2, value);
    });
}

fn put_metadata(out: &mut Vec<u8>, number: u32, attempt: u64) {
    put_message(out, number, |metadata| {
        put_string(metadata, 1, "web");
        put_varint(metadata, 2, attempt);
    });
}

#[test]
fn a_list_of_containers() {
    let mut reply = Vec::new();
    put_message(&mut reply, 1, |container| {
        put_string(container, 1, "c1");
        put_string(container, 2, "s1");
        put_metadata(container, 3, 2);
        put_message(container, 4, |image| {
            put_string(image, 1, "sha256:abc");
            put_string(image, 18, "shop/web:1");
        });
        put_varint(container, 6, 1);
        put_varint(container, 7, 5_000_000);
        put_entry(container, 8, "io.kubernetes.pod.uid", "u1");
        put_entry(container, 9, "note", "x");
    });
    let found = containers(&reply).unwrap();
    let [(id, facts)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&**id, &*facts.sandbox, &*facts.pod_uid), ("c1", "s1", "u1"));
    assert_eq!((&*facts.name, facts.attempt, &*facts.image), ("web", Some(2), "shop/web:1"));
    assert_eq!(facts.state.phase, Phase::Running);
    assert_eq!(facts.annotations.get("note").map(|note| &**note), Some("x"));
}

#[test]
fn a_list_of_sandboxes() {
    let mut reply = Vec::new();
    put_message(&mut reply, 1, |sandbox| {
        put_string(sandbox, 1, "s1");
        put_message(sandbox, 2, |metadata| {
            put_string(metadata, 1, "web-0");
            put_string(metadata, 2, "u1");
            put_string(metadata, 3, "shop");
        });
        put_varint(sandbox, 3, 1);
        put_varint(sandbox, 4, 7_000_000);
        put_entry(sandbox, 5, "app", "web");
    });
    let (id, facts, pod) = sandboxes(&reply).unwrap().remove(0);
    assert_eq!((&*id, &*facts.name, facts.state.phase), ("s1", "POD", Phase::Exited));
    assert_eq!(facts.state.started, Some(Timestamp(7)));
    assert_eq!((&*pod.uid, &*pod.name, &*pod.namespace), ("u1", "web-0", "shop"));
    assert_eq!(pod.labels.get("app").map(|app| &**app), Some("web"));
}

#[test]
fn a_status_with_what_containerd_tells_besides() {
    let mut reply = Vec::new();
    put_message(&mut reply, 1, |status| {
        put_string(status, 1, "c1");
        put_metadata(status, 2, 0);
        put_varint(status, 3, 2);
        put_varint(status, 5, 1_000_000_000);
        put_varint(status, 6, 1_300_000_000);
        put_varint(status, 7, 137);
        put_string(status, 10, "OOMKilled");
    });
    let info = r#"{"sandboxID":"s1","pid":7,"runtimeSpec":{"linux":
        {"cgroupsPath":"/a/c1","resources":{"devices":[],"memory":{"limit":67108864}}}}}"#;
    put_entry(&mut reply, 2, "info", info);
    let status = Status::decode(&reply).unwrap();
    let state = &status.facts.state;
    assert_eq!((state.phase, state.code, state.oom), (Phase::Exited, Some(137), true));
    assert_eq!((state.started, state.finished), (Some(Timestamp(1000)), Some(Timestamp(1300))));
    assert_eq!((&*status.facts.sandbox, &*status.facts.cgroup), ("s1", "/a/c1"));
    assert_eq!((status.facts.attempt, status.facts.memory_limit), (Some(0), Some(64 << 20)));
}

#[test]
fn groups_of_both_drivers() {
    let cases = [
        ("", ""),
        ("/kubepods/burstable/podu/c", "/kubepods/burstable/podu/c"),
        ("system.slice:docker:c", "/system.slice/docker-c.scope"),
        (
            "kubepods-burstable-podu_1.slice:cri-containerd:c",
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podu_1.slice/cri-containerd-c.scope",
        ),
    ];
    for (path, expected) in cases {
        assert_eq!(cgroup(path), expected);
    }
}

#[test]
fn events_name_a_container_and_a_change() {
    let changes = [Change::Created, Change::Started, Change::Stopped, Change::Deleted];
    for (number, change) in (0u64..).zip(changes) {
        let mut message = Vec::new();
        put_string(&mut message, 1, "c1");
        put_varint(&mut message, 2, number);
        assert_eq!(event(&message).unwrap(), ("c1".to_owned(), change));
    }
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _read = (containers(&bytes), sandboxes(&bytes), Status::decode(&bytes), event(&bytes));
    }

    #[test]
    fn paths_never_panic(path in ".{0,40}") {
        cgroup(&path);
    }
}
