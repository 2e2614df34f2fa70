//! Reads captured groups: version 1 with a version 2 tree beside it, as a 6.18 kernel showed a
//! group that had been throttled, had hit its memory limit and had lost a process to it; and
//! version 2, the same done to a group under a 6.1 kernel (its pressure files are those of the
//! first, for that kernel had none).

use std::{
    fs::{OpenOptions, Permissions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use collector::{
    hierarchy::{Hierarchy, Layout},
    kernel::{DescriptorBudget, Kernel},
    reader::{ReadError, Reader, ReaderStats},
    usage::{Cpu, Depth, DeviceIo, DeviceNumber, Limit, Memory, Pressure, Stall, Usage},
};

const V1: &str = "\
cgroup /v1/cpu cgroup rw,cpu 0 0
cgroup /v1/cpuacct cgroup rw,cpuacct 0 0
cgroup /v1/memory cgroup rw,memory 0 0
cgroup /v1/blkio cgroup rw,blkio 0 0
cgroup /v1/pids cgroup rw,pids 0 0
";
const UNIFIED: &str = "cgroup2 /v1/unified cgroup2 rw 0 0\n";
const V2: &str = "cgroup2 /v2 cgroup2 rw 0 0\n";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn read(table: &str, layout: Layout) -> Usage {
    let hierarchy = Hierarchy::from_mounts(table, &golden()).expect("has cgroups");
    assert_eq!(hierarchy.layout(), layout);
    let mut kernel = Kernel::new(DescriptorBudget::new(64));
    let group = hierarchy.group("/app").expect("is a path");
    let mut reader = Reader::open(&mut kernel, &hierarchy, group).expect("is there");
    reader.set_start_seconds(1000.5);
    let usage = reader.read(&mut kernel, Depth::Full).expect("is readable").clone();
    assert_eq!(reader.stats(), ReaderStats::default());
    usage
}

fn pressure() -> Pressure {
    let stall = |some, full| Some(Stall { some_micros: some, full_micros: Some(full) });
    Pressure {
        cpu: stall(3_205_106, 3_200_644),
        memory: stall(166_640, 166_640),
        io: stall(25_582, 25_582),
    }
}

fn version_1() -> Usage {
    // Clock ticks of user and system time are of the machine that runs the test: 100 a second.
    Usage {
        depth: Depth::Full,
        cpu: Cpu {
            usage_nanos: Some(904_242_881),
            user_nanos: Some(700_000_000),
            system_nanos: Some(200_000_000),
            periods: Some(48),
            throttled_periods: Some(42),
            throttled_nanos: Some(1_581_022_251),
            quota_micros: Some(Limit::To(20_000)),
            period_micros: Some(100_000),
        },
        memory: Memory {
            usage: Some(368_640),
            working_set: Some(368_640),
            rss: Some(110_592),
            cache: Some(0),
            mapped_file: Some(0),
            swap: Some(0),
            inactive_file: Some(0),
            limit: Some(Limit::To(33_554_432)),
            failures: Some(6_448),
            oom_kills: Some(1),
        },
        processes: Some(1),
        threads: Some(1),
        threads_limit: Some(Limit::To(32)),
        start_seconds: Some(1000.5),
        ..Usage::default()
    }
}

#[test]
fn version_1_alone() {
    assert_eq!(read(V1, Layout::V1), version_1());
}

#[test]
fn version_1_with_pressure_from_version_2() {
    let expect = Usage { pressure: pressure(), populated: Some(true), ..version_1() };
    assert_eq!(read(&format!("{V1}{UNIFIED}"), Layout::Hybrid), expect);
}

#[test]
fn version_2() {
    let expect = Usage {
        depth: Depth::Full,
        cpu: Cpu {
            usage_nanos: Some(2_020_000_000),
            user_nanos: Some(2_000_000_000),
            system_nanos: Some(20_000_000),
            periods: Some(103),
            throttled_periods: Some(101),
            throttled_nanos: Some(7_980_000_000),
            quota_micros: Some(Limit::To(20_000)),
            period_micros: Some(100_000),
        },
        memory: Memory {
            usage: Some(8_601_600),
            working_set: Some(8_601_600 - 8_396_800),
            rss: Some(94_208),
            cache: Some(8_404_992),
            mapped_file: Some(0),
            swap: Some(0),
            inactive_file: Some(8_396_800),
            limit: Some(Limit::To(33_554_432)),
            failures: Some(71),
            oom_kills: Some(1),
        },
        io: vec![DeviceIo {
            number: Some(DeviceNumber { major: 98, minor: 0 }),
            name: "98:0".into(),
            read_bytes: Some(16_782_336),
            written_bytes: Some(8_396_800),
            reads: Some(173),
            writes: Some(80),
        }],
        io_dropped: 0,
        pressure: pressure(),
        processes: Some(1),
        threads: Some(1),
        threads_limit: Some(Limit::To(32)),
        start_seconds: Some(1000.5),
        populated: Some(true),
    };
    assert_eq!(read(V2, Layout::V2), expect);
}

#[test]
fn a_version_2_tree_without_controllers_still_counts_time_and_pressure() {
    let usage = read(UNIFIED, Layout::V2);
    assert_eq!(usage.cpu.usage_nanos, Some(904_242_000));
    assert_eq!(usage.cpu.periods, None);
    assert_eq!(usage.memory, Memory::default());
    assert_eq!(usage.pressure, pressure());
}

#[test]
fn a_group_that_is_not_there_is_gone() {
    let hierarchy = Hierarchy::from_mounts(V2, &golden()).expect("has cgroups");
    let mut kernel = Kernel::new(DescriptorBudget::new(64));
    let group = hierarchy.group("/none").expect("is a path");
    let error = Reader::open(&mut kernel, &hierarchy, group).map(|_| ()).unwrap_err();
    assert_eq!(error, ReadError::Gone { path: "/none".into() });
    assert_eq!(kernel.budget().kept(), 0);
}

#[test]
fn what_may_not_be_read_is_left_out() {
    let root = tempfile::tempdir().expect("there is room for a directory");
    let directory = root.path().join("cg/app");
    std::fs::create_dir_all(&directory).expect("can make a directory");
    let make = |name: &str, text: &str, mode: u32| {
        let path = directory.join(name);
        let mut file = OpenOptions::new().create_new(true).write(true).open(&path);
        let file = file.as_mut().expect("can make a file");
        file.write_all(text.as_bytes()).expect("can write it");
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("is its own");
    };
    make("memory.current", "4096\n", 0o000);
    make("io.stat", "", 0o000);
    if OpenOptions::new().read(true).open(directory.join("io.stat")).is_ok() {
        println!("this process may read everything; not tested");
        return;
    }
    let hierarchy = Hierarchy::from_mounts("cgroup2 /cg cgroup2 rw 0 0", root.path());
    let hierarchy = hierarchy.expect("has cgroups");
    let mut kernel = Kernel::new(DescriptorBudget::new(64));
    let group = hierarchy.group("/app").expect("is a path");
    let error = Reader::open(&mut kernel, &hierarchy, group.clone()).map(|_| ()).unwrap_err();
    assert_eq!(error, ReadError::Denied { path: "/app".into() });

    make("cpu.stat", "usage_usec 7\n", 0o400);
    let mut reader = Reader::open(&mut kernel, &hierarchy, group).expect("one file is enough");
    assert_eq!(reader.stats(), ReaderStats { denied: 2, ..ReaderStats::default() });
    let usage = reader.read(&mut kernel, Depth::Full).expect("is readable");
    assert_eq!((usage.cpu.usage_nanos, usage.memory.usage), (Some(7_000), None));
}
