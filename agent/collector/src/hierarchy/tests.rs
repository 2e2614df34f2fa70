//! Tests of mount tables and memberships.

use std::path::Path;

use proptest::prelude::*;

use super::{Controller, Hierarchy, HierarchyError, InvalidGroup, Layout};

const V1: &str = "\
sysfs /sys sysfs rw,nosuid 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0
";
const V2: &str = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate 0 0\n";

fn mounted(table: &str) -> Hierarchy {
    Hierarchy::from_mounts(table, Path::new("/fake")).expect("has cgroups")
}

#[test]
fn layouts_are_told_apart() {
    assert_eq!(mounted(V1).layout(), Layout::V1);
    assert_eq!(mounted(V2).layout(), Layout::V2);
    let hybrid = format!("{V1}cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n");
    assert_eq!(mounted(&hybrid).layout(), Layout::Hybrid);
    let none = Hierarchy::from_mounts("proc /proc proc rw 0 0\n", Path::new("/"));
    assert_eq!(none, Err(HierarchyError::NotMounted));
}

#[test]
fn controllers_may_share_a_mount() {
    let hierarchy = mounted(V1);
    let shared = Some(Path::new("/fake/sys/fs/cgroup/cpu,cpuacct"));
    assert_eq!(hierarchy.mount(Controller::Cpu), shared);
    assert_eq!(hierarchy.mount(Controller::Cpuacct), shared);
    assert_eq!(hierarchy.mount(Controller::Pids), None);
    assert_eq!(hierarchy.trees().len(), 2, "cpuset and systemd count nothing");
    let group = hierarchy.group("/docker/abc").expect("is a path");
    assert_eq!(
        group.directory(Controller::Memory).map(|path| &**path),
        Some(Path::new("/fake/sys/fs/cgroup/memory/docker/abc"))
    );
    assert_eq!(group.directory(Controller::Unified), None);
}

#[test]
fn blanks_in_mount_points_are_escaped() {
    let table = r"cgroup2 /mnt/a\040b\134c\999 cgroup2 rw 0 0";
    let hierarchy = Hierarchy::from_mounts(table, Path::new("/")).expect("has cgroups");
    assert_eq!(hierarchy.mount(Controller::Unified), Some(Path::new(r"/mnt/a b\c\999")));
}

#[test]
fn paths_stay_inside() {
    let hierarchy = mounted(V2);
    for path in ["relative", "", "/a/../../etc", "/a\0b", &format!("/{}", "x".repeat(5000))] {
        assert_eq!(hierarchy.group(path).map(|_| ()), Err(InvalidGroup), "{path}");
    }
    for path in ["/", "/a", "/a/b..c/d"] {
        assert_eq!(hierarchy.group(path).expect("is a path").path(), path);
    }
}

#[test]
fn a_process_may_be_elsewhere_in_each_tree() {
    let hierarchy = mounted(V1);
    let group = hierarchy.group_from_membership(
        "9:name=systemd:/init.scope\n4:memory:/jobs/a:b\n2:cpu,cpuacct:/\n0::/ignored\n",
    );
    let directory = |controller| group.directory(controller).map(|path| path.to_path_buf());
    assert_eq!(group.path(), "/");
    assert_eq!(directory(Controller::Cpu), Some("/fake/sys/fs/cgroup/cpu,cpuacct/".into()));
    assert_eq!(directory(Controller::Memory), Some("/fake/sys/fs/cgroup/memory/jobs/a:b".into()));
    assert_eq!(directory(Controller::Unified), None);
    let unified = mounted(V2).group_from_membership("0::/user.slice/x.service\n");
    assert_eq!(unified.path(), "/user.slice/x.service");
}

proptest! {
    #[test]
    fn no_table_makes_it_panic(table in "\\PC*") {
        let hierarchy = Hierarchy::from_mounts(&table, Path::new("/"));
        prop_assert!(hierarchy.is_err());
    }

    #[test]
    fn no_mount_point_leaves_the_root(point in "[a-z0-9/\\\\ .]{0,30}") {
        let table = format!("cgroup2 {point} cgroup2 rw 0 0");
        if let Ok(hierarchy) = Hierarchy::from_mounts(&table, Path::new("/fake")) {
            let mount = hierarchy.mount(Controller::Unified).expect("is mounted");
            prop_assert!(mount.starts_with("/fake"));
        }
        let group = mounted(V2).group_from_membership(&point);
        prop_assert_eq!(group.path(), "/");
    }
}
