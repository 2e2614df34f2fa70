//! State files and replies of two generations of `runsc` (20221219 and 20240729), recorded from a pod
//! with a busy and an idle container.

use std::path::{Path, PathBuf};

use model::time::Timestamp;
use sandbox::{
    client::Address,
    divide::{Division, Listed},
    reply::{self, Registry, ReplyError},
    roots::{Roots, Sandbox},
};

fn golden(generation: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(generation)
}

#[expect(clippy::disallowed_methods, reason = "golden files")]
fn reply(generation: &str, name: &str) -> Vec<u8> {
    std::fs::read(golden(generation).join(name)).expect("is there")
}

fn name(first: &str, zeros: usize) -> String {
    format!("{first}{}", "0".repeat(zeros))
}

/// The one sandbox that was recorded, and its containers' short names and kinds.
fn pod(generation: &str) -> (Sandbox, Vec<(String, bool)>) {
    let mut roots = Roots::new(vec![golden(generation).join("root")]);
    let census = roots.poll(Timestamp(0)).expect("the first look");
    assert_eq!((census.malformed, census.left_out), (0, 0));
    let [sandbox] = census.sandboxes.into_values().collect::<Vec<_>>().try_into().expect("one");
    let brief = |id: &str| id.trim_end_matches('0').to_owned();
    let mut kinds: Vec<_> =
        sandbox.containers.iter().map(|one| (brief(&one.container), one.is_app())).collect();
    kinds.sort();
    (sandbox, kinds)
}

#[test]
fn state_files_of_2022() {
    let (sandbox, kinds) = pod("2022");
    assert_eq!(sandbox.id, name("aa", 62));
    assert_eq!(kinds, [("aa".into(), false), ("busy-aa".into(), true), ("idle-aa".into(), true)]);
    let address = Address::of(&sandbox.id, sandbox.socket.as_deref());
    let expected = format!("runsc-sandbox.{}\0", name("aa", 62)).into_bytes();
    assert_eq!(address, Address::Abstract(expected));
}

#[test]
fn state_files_of_2024() {
    let (sandbox, kinds) = pod("2024");
    assert_eq!(sandbox.id, name("bb", 62));
    assert_eq!(kinds, [("bb".into(), false), ("busy-bb".into(), true), ("idle-bb".into(), true)]);
    let address = Address::of(&sandbox.id, sandbox.socket.as_deref());
    let expected = format!("/run/pods/root/runsc-{}.sock", name("bb", 62));
    assert_eq!(address, Address::Path(expected.into()));
    let busy = sandbox.containers.iter().find(|one| one.container.starts_with("busy"));
    let busy = busy.expect("is listed");
    let said = |name: &str| busy.annotations.get(name).map(String::as_str);
    assert_eq!(said("io.kubernetes.cri.container-name"), Some("busy"));
    assert_eq!(said("io.kubernetes.cri.sandbox-namespace"), Some("shop"));
    assert_eq!(busy.compat_cgroup, Some(format!("/tw-bb/{}", name("busy-bb", 57))));
    assert!(busy.created.starts_with("2026-"));
}

/// In 2022 both were alive; before the recording of 2024 the busy one had ended.
#[test]
fn usage_is_read_and_divides_what_the_host_counted() {
    let usage = reply::usage(&reply("2022", "usage.json")).expect("is usage");
    let (busy, idle) = (name("busy-aa", 57), name("idle-aa", 57));
    assert!(usage[&busy] > 1000 * usage[&idle], "{usage:?}");
    let (sandbox, _) = pod("2022");
    let mut division = Division::default();
    let listed = sandbox.containers.iter();
    let listed = listed.map(|one| Listed { id: &one.container, app: one.is_app() });
    division.list(listed, true);
    division.observe(0);
    division.observe(8_000_000_000);
    assert_eq!(division.divide(&usage), 0);
    let charged = |id: &str| division.charged().find(|(name, _)| *name == id).expect("known").1;
    assert!(charged(&busy) > 7_900_000_000);
    assert_eq!(charged(&busy) + charged(&idle), 8_000_000_000);

    let usage = reply::usage(&reply("2024", "usage.json")).expect("is usage");
    let names: Vec<&str> = usage.keys().map(|id| id.trim_end_matches('0')).collect();
    assert_eq!(names, ["bb", "idle-bb"]);
}

#[test]
fn memory_is_the_same_in_both() {
    for generation in ["2022", "2024"] {
        let bytes = reply::memory(&reply(generation, "memory.json")).expect("is memory");
        assert!((1 << 20..100 << 20).contains(&bytes), "{generation}: {bytes}");
    }
}

#[test]
fn refusals_say_what_the_version_lacks() {
    for (file, part) in [("refused.json", "cannot unmarshal"), ("unknown-method.json", "unknown")] {
        let Err(ReplyError::Refused(why)) = reply::usage(&reply("2022", file)) else {
            panic!("{file} is a refusal")
        };
        assert!(why.contains(part), "{why}");
    }
    let refused = reply::usage(&reply("2024", "refused.json"));
    assert!(matches!(refused, Err(ReplyError::Refused(why)) if why.contains("cannot unmarshal")));
}

#[test]
fn metrics_of_2024_are_all_registered() {
    let registry = Registry::parse(&reply("2024", "registered.json")).expect("is a registry");
    let export = registry.export(&reply("2024", "exported.json")).expect("is an export");
    assert_eq!((export.series.len(), export.rejected), (7, 0));
    let value = |name: &str| export.series.iter().find(|one| one.name == name).expect("is there");
    assert_eq!((value("fs_opens").value, value("fs_opens").counter), (9.0, true));
    let gauge = value("netstack_tcp_current_open");
    assert_eq!((gauge.value, gauge.counter), (0.0, false));
    let call = value("unimplemented_syscalls");
    assert_eq!(call.labels.get("sysno").map(String::as_str), Some("334"));
}
