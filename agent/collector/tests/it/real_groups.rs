//! Makes cgroups on this machine, lets a process work in them, and reads what the kernel counted.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use collector::{
    hierarchy::{Controller, Hierarchy, Layout},
    identity::Kind,
    kernel::{DescriptorBudget, Kernel},
    reader::{ReadError, Reader},
    series::Template,
    usage::{Depth, Usage},
    walk::{WalkOptions, Walker},
};
use model::{columns::is_stale, labels::Labels, time::Timestamp, write::WriteBatch};

const CONTROLLERS: [Controller; 6] = [
    Controller::Cpu,
    Controller::Cpuacct,
    Controller::Memory,
    Controller::Blkio,
    Controller::Pids,
    Controller::Unified,
];

/// A group in every tree, removed on drop.
pub(crate) struct RealGroup {
    directories: Vec<PathBuf>,
}

impl RealGroup {
    /// `None` where this machine does not permit it.
    #[expect(clippy::print_stdout, reason = "a test that is not run has to say so")]
    pub(crate) fn create(hierarchy: &Hierarchy, path: &str) -> Option<Self> {
        let group = hierarchy.group(path).expect("is a group path");
        let mut directories: Vec<PathBuf> = Vec::new();
        for controller in CONTROLLERS {
            let Some(directory) = group.directory(controller) else { continue };
            if directories.iter().any(|known| **known == **directory) {
                continue;
            }
            if let Err(error) = std::fs::create_dir(directory) {
                println!("cannot make {}: {error}; not tested here", directory.display());
                drop(Self { directories });
                return None;
            }
            directories.push(directory.to_path_buf());
        }
        Some(Self { directories })
    }

    pub(crate) fn enter(&self, pid: u32) {
        for directory in &self.directories {
            write_file(&directory.join("cgroup.procs"), &pid.to_string());
        }
    }
}

impl Drop for RealGroup {
    fn drop(&mut self) {
        for directory in &self.directories {
            // A process that was just killed leaves its group a moment later.
            for _ in 0..100_000 {
                let removed = std::fs::remove_dir(directory);
                if removed.is_ok() || !directory.exists() {
                    break;
                }
                std::thread::yield_now();
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the test itself moves processes into its groups")]
fn write_file(path: &Path, text: &str) {
    std::fs::write(path, text).expect("can write to the group");
}

/// A shell that waits for a line on its input, then takes 4 MiB of memory and works until dropped.
///
/// It starts no process of its own: one that outlives its parent unreaped would stay in the group.
struct Worker(Child);

impl Worker {
    fn start() -> Self {
        let child = Command::new("sh")
            .args([
                "-c",
                "read line; x=xxxxxxxx; i=0; while [ $i -lt 19 ]; do x=$x$x; i=$((i + 1)); done; while :; do :; done",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        Self(child)
    }

    fn release(&mut self) {
        use std::io::Write as _;
        self.0.stdin.take().expect("has an input").write_all(b"go\n").expect("is listening");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().expect("can be killed");
        self.0.wait().expect("can be waited for");
    }
}

fn kernel() -> Kernel {
    Kernel::new(DescriptorBudget::new(256))
}

fn unique(name: &str) -> String {
    format!("/tidewatch-test-{}-{name}", std::process::id())
}

/// Reads until the group has used some processor time, which a busy process soon has.
fn read_until_busy(reader: &mut Reader, kernel: &mut Kernel) -> Usage {
    for _ in 0..1_000_000 {
        let usage = reader.read(kernel, Depth::Full).expect("the group is there");
        if usage.cpu.usage_nanos > Some(50_000_000) && usage.processes == Some(1) {
            return usage.clone();
        }
        std::thread::yield_now();
    }
    panic!("a busy process used no processor time: {:?}", reader.usage());
}

#[test]
fn a_busy_process_is_seen_in_its_group() {
    let mut kernel = kernel();
    let Ok(hierarchy) = Hierarchy::detect(&mut kernel) else {
        println!("no cgroups here; not tested");
        return;
    };
    let path = unique("busy");
    let Some(real) = RealGroup::create(&hierarchy, &path) else {
        let missing = hierarchy.group(&path).expect("is a path");
        let error = Reader::open(&mut kernel, &hierarchy, missing).map(|_| ()).unwrap_err();
        assert!(matches!(error, ReadError::Gone { .. }), "{error}");
        return;
    };
    let mut child = Worker::start();
    real.enter(child.0.id());
    child.release();

    let group = hierarchy.group_of_process(&mut kernel, child.0.id()).expect("the child lives");
    assert_eq!(group.path(), path);
    let mut reader = Reader::open(&mut kernel, &hierarchy, group).expect("the group is readable");
    let usage = read_until_busy(&mut reader, &mut kernel);
    if hierarchy.mount(Controller::Memory).is_some() {
        assert!(usage.memory.usage > Some(0), "{usage:?}");
        assert!(usage.memory.working_set <= usage.memory.usage, "{usage:?}");
        assert_eq!(usage.memory.oom_kills, Some(0));
    }
    if hierarchy.mount(Controller::Pids).is_some() {
        assert_eq!(usage.threads, Some(1));
    }
    if hierarchy.mount(Controller::Unified).is_some() {
        assert!(usage.populated == Some(true), "{usage:?}");
    }
    assert!(usage.start_seconds > Some(1.6e9), "{usage:?}");
    let before = usage.cpu.usage_nanos;
    let later = reader.read(&mut kernel, Depth::Fast).expect("the group is there");
    assert!(later.cpu.usage_nanos >= before, "{later:?}");

    let mut template = Template::new(&[("app", "busy"), ("id", &path)]).expect("are labels");
    let mut batch = WriteBatch::default();
    let time = Timestamp(1_000);
    let full = template.write(&usage, time, &mut batch);
    assert_eq!(full, batch.series_count());
    let names: Vec<_> = batch
        .series()
        .map(|series| {
            Labels::from_bytes(series.labels).expect("are packed labels").metric().to_owned()
        })
        .collect();
    assert!(names.iter().any(|name| name == "container_cpu_usage_seconds_total"), "{names:?}");

    drop(child);
    drop(real);
    let gone = reader.read(&mut kernel, Depth::Fast).map(|_| ()).unwrap_err();
    assert_eq!(gone, ReadError::Gone { path: path.as_str().into() });
    batch.clear();
    assert_eq!(template.write_stale(time, &mut batch), full);
    assert!(batch.series().all(|series| is_stale(series.samples[0].value)));
}

#[test]
fn groups_are_seen_to_come_and_go() {
    let mut kernel = kernel();
    let Ok(hierarchy) = Hierarchy::detect(&mut kernel) else {
        println!("no cgroups here; not tested");
        return;
    };
    let top = unique("walk");
    let Some(parent) = RealGroup::create(&hierarchy, &top) else { return };
    let options = WalkOptions {
        prefix: top.clone(),
        rewalk_every: Duration::from_secs(3600),
        ..WalkOptions::default()
    };
    let mut walker = Walker::new(hierarchy.clone(), options).expect("is a path");
    let paths = |walker: &mut Walker, now: i64| {
        walker.poll(Timestamp(now)).map(|changes| {
            let appeared: Vec<_> = changes
                .appeared
                .iter()
                .map(|found| (found.group.path().to_owned(), found.identity.kind))
                .collect();
            (appeared, changes.vanished)
        })
    };
    assert_eq!(paths(&mut walker, 0), Some((vec![(top.clone(), Kind::Plain)], vec![])));
    assert!(walker.is_watching());
    assert_eq!(paths(&mut walker, 1), None, "nothing has changed");

    let pod = format!("{top}/pod0f3a2f5e-6b0e-4c6e-9c1a-0123456789ab");
    let child = RealGroup::create(&hierarchy, &pod).expect("a group can be made in a group");
    assert_eq!(paths(&mut walker, 2), Some((vec![(pod.clone(), Kind::Pod)], vec![])));
    drop(child);
    assert_eq!(paths(&mut walker, 3), Some((vec![], vec![pod])));
    drop(parent);
    assert_eq!(paths(&mut walker, 4), Some((vec![], vec![top])));
    assert_eq!(paths(&mut walker, 5), None);
    assert_eq!(paths(&mut walker, 4_000_000), Some((vec![], vec![])), "the interval has passed");
}

#[test]
fn too_few_descriptors_cost_time_only() {
    let mut kernel = Kernel::new(DescriptorBudget::new(3));
    let Ok(hierarchy) = Hierarchy::detect(&mut kernel) else { return };
    let path = unique("few");
    let Some(real) = RealGroup::create(&hierarchy, &path) else { return };
    let open = |kernel: &mut Kernel| {
        let group = hierarchy.group(&path).expect("is a path");
        Reader::open(kernel, &hierarchy, group).expect("is readable")
    };
    let mut first = open(&mut kernel);
    let mut second = open(&mut kernel);
    assert_eq!(kernel.budget().kept(), 3);
    let one = first.read(&mut kernel, Depth::Full).expect("is there").clone();
    let two = second.read(&mut kernel, Depth::Full).expect("is there").clone();
    assert_eq!(one.memory, two.memory);
    assert_eq!(one.cpu, two.cpu);
    let reopened = kernel.budget().reopened();
    assert!(reopened > 0);

    drop(first);
    assert_eq!(kernel.budget().kept(), 0, "descriptors are given back");
    second.read(&mut kernel, Depth::Full).expect("is there");
    assert_eq!(kernel.budget().kept(), 3, "and taken by who needs them");
    drop(real);
    assert!(matches!(second.read(&mut kernel, Depth::Full), Err(ReadError::Gone { .. })));
}

#[test]
fn pressure_is_not_read_of_an_empty_group_beside_the_real_one() {
    let mut kernel = kernel();
    let Ok(hierarchy) = Hierarchy::detect(&mut kernel) else { return };
    if hierarchy.layout() != Layout::Hybrid {
        println!("not a hybrid machine; not tested");
        return;
    }
    let path = unique("hybrid");
    let Some(real) = RealGroup::create(&hierarchy, &path) else { return };
    let group = hierarchy.group(&path).expect("is a path");
    let unified = group.directory(Controller::Unified).expect("is hybrid").to_path_buf();
    let mut reader = Reader::open(&mut kernel, &hierarchy, group).expect("is readable");
    let mut pressure = |kernel: &mut Kernel| {
        let usage = reader.read(kernel, Depth::Full).expect("is there");
        (usage.pressure.cpu.is_some(), usage.populated)
    };
    assert_eq!(pressure(&mut kernel), (false, None));
    let child = Worker::start();
    real.enter(child.0.id());
    assert_eq!(pressure(&mut kernel), (true, Some(true)), "attached with the first process");
    drop(child);
    for _ in 0..100_000 {
        if std::fs::remove_dir(&unified).is_ok() {
            break;
        }
    }
    // What is missing is noticed by this read, and the group itself is still there.
    assert_eq!(pressure(&mut kernel), (false, None));
}
