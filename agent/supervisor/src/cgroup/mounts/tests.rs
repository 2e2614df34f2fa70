//! Tests of the mount and membership formats, on lines as real systems have them.

use proptest::prelude::*;

use super::*;

const HYBRID: &str = "\
25 30 0:23 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
26 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
27 25 0:25 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
28 25 0:26 / /sys/fs/cgroup/systemd rw,relatime - cgroup systemd rw,xattr,name=systemd
29 25 0:27 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
not a mount at all";

#[test]
fn finds_every_cgroup_mount() {
    let mounts = parse_mountinfo(HYBRID);
    let described: Vec<(&str, Option<Vec<Controller>>)> =
        mounts.iter().map(|mount| (mount.point.to_str().unwrap(), mount.v1.clone())).collect();
    assert_eq!(
        described,
        [
            ("/sys/fs/cgroup/cpu,cpuacct", Some(vec![Controller::Cpu, Controller::Cpuacct])),
            ("/sys/fs/cgroup/memory", Some(vec![Controller::Memory])),
            ("/sys/fs/cgroup/systemd", Some(vec![])),
            ("/sys/fs/cgroup/unified", None),
        ]
    );
}

#[test]
fn undoes_octal_escapes() {
    let line = "29 25 0:27 /a\\040b /mnt/c\\134d\\9 rw - cgroup2 cgroup2 rw";
    let mounts = parse_mountinfo(line);
    assert_eq!(mounts.len(), 1);
    assert_eq!(mounts[0].root, Path::new("/a b"));
    assert_eq!(mounts[0].point, Path::new("/mnt/c\\d\\9"));
}

#[test]
fn finds_the_own_place() {
    let membership = parse_membership(
        "9:name=systemd:/\n4:memory:/jobs/a:b\n2:cpu,cpuacct:/\n0::/user.slice\n?",
    );
    assert_eq!(membership.v2.as_deref(), Some(Path::new("/user.slice")));
    assert_eq!(
        membership.v1,
        [
            (Controller::Memory, PathBuf::from("/jobs/a:b")),
            (Controller::Cpu, PathBuf::from("/")),
            (Controller::Cpuacct, PathBuf::from("/")),
        ]
    );
}

#[test]
fn tries_the_top_then_the_own_cgroup_upwards() {
    let check = |root: &str, own: &str, expect: &[&str]| {
        let mount = Mount { point: "/cg".into(), root: root.into(), v1: None };
        let expect: Vec<PathBuf> = expect.iter().map(PathBuf::from).collect();
        assert_eq!(mount.candidates(Path::new(own)), expect, "{root} {own}");
    };
    check("/", "/", &["/cg"]);
    check("/", "/user.slice/a.scope", &["/cg", "/cg/user.slice/a.scope", "/cg/user.slice"]);
    check("/docker/1", "/docker/1", &["/cg"]);
    check("/docker/1", "/docker/1/x", &["/cg", "/cg/x"]);
}

proptest! {
    #[test]
    fn never_panics(text in any::<String>(), line in "[0-9 ]{0,8}/[\\\\0-7/ ]{0,20} - cgroup2? .{0,9}") {
        for text in [text, line] {
            parse_mountinfo(&text);
            parse_membership(&text);
        }
    }
}
