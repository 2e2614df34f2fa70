//! Reads real processes: a tree that works, forks and ends. Needs no privileges.

use std::process::{Child, Command, Stdio};

use collector::{
    kernel::{DescriptorBudget, Kernel},
    process::{ProcessTable, ProcessTree, TreeError},
    usage::{Depth, Usage},
};

/// A shell that is killed when dropped.
struct Shell(Child);

impl Shell {
    fn start(script: &str) -> Self {
        let child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        Self(child)
    }

    fn say(&mut self, line: &str) {
        use std::io::Write as _;
        let input = self.0.stdin.as_mut().expect("has an input");
        input.write_all(line.as_bytes()).expect("is listening");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.0.kill().expect("can be killed");
        self.0.wait().expect("can be waited for");
    }
}

/// Scans and reads until the snapshot is as wanted, and checks that no counter falls meanwhile.
fn read_until(
    tree: &mut ProcessTree,
    kernel: &mut Kernel,
    wanted: impl Fn(&Usage) -> bool,
) -> Usage {
    let mut before = 0;
    for _ in 0..100_000 {
        let table = ProcessTable::scan(kernel).expect("/proc is readable");
        tree.adopt(kernel, &table);
        let usage = tree.read(kernel, Depth::Full).expect("the root lives");
        let nanos = usage.cpu.usage_nanos.expect("is counted for each process");
        assert!(nanos >= before, "{nanos} after {before}");
        before = nanos;
        if wanted(usage) {
            return usage.clone();
        }
        std::thread::yield_now();
    }
    panic!("never came about: {:?}", tree.usage());
}

#[test]
fn descendants_are_counted_alive_and_after_their_end() {
    let mut kernel = Kernel::new(DescriptorBudget::new(64));
    let mut shell = Shell::start(
        "read line; sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; read line'; \
         read line; echo done",
    );
    let mut tree = ProcessTree::open(&mut kernel, shell.0.id()).expect("the shell lives");
    let alone = read_until(&mut tree, &mut kernel, |_| true);
    assert_eq!(alone.processes, Some(1));
    assert_eq!(alone.threads, Some(1));
    assert!(alone.start_seconds > Some(1.6e9));
    assert!(alone.memory.usage > Some(0));
    assert!(alone.memory.working_set <= alone.memory.usage, "{alone:?}");
    let io = alone.io.first().expect("one's own children's I/O may be read");
    assert_eq!((&*io.name, io.reads), ("", None));

    shell.say("go\n");
    let busy = read_until(&mut tree, &mut kernel, |usage| {
        usage.processes == Some(2) && usage.cpu.user_nanos >= Some(50_000_000)
    });
    shell.say("end the inner shell\n");
    let after = read_until(&mut tree, &mut kernel, |usage| usage.processes == Some(1));
    assert!(after.cpu.usage_nanos >= busy.cpu.usage_nanos);
    // What the child used shows in its parent now; it must not be counted a second time.
    let settled = read_until(&mut tree, &mut kernel, |_| true);
    assert!(settled.cpu.usage_nanos <= after.cpu.usage_nanos.map(|nanos| nanos + 30_000_000));

    drop(shell);
    assert_eq!(
        tree.read(&mut kernel, Depth::Fast).map(|_| ()).unwrap_err(),
        TreeError::Gone { root: tree.root() }
    );
    assert!(tree.usage().cpu.usage_nanos >= settled.cpu.usage_nanos);
}

#[test]
fn a_process_that_is_not_there_is_gone() {
    let mut kernel = Kernel::new(DescriptorBudget::new(8));
    let root = u32::MAX;
    let error = ProcessTree::open(&mut kernel, root).map(|_| ()).unwrap_err();
    assert_eq!(error, TreeError::Gone { root });
}

#[test]
fn a_tree_may_be_any_set_of_processes() {
    let mut kernel = Kernel::new(DescriptorBudget::new(64));
    let (first, second) = (Shell::start("read line"), Shell::start("read line"));
    let mut tree = ProcessTree::open(&mut kernel, first.0.id()).expect("the shell lives");
    for _ in 0..2 {
        tree.include(&mut kernel, second.0.id()).expect("the shell lives");
    }
    let usage = tree.read(&mut kernel, Depth::Fast).expect("both live");
    assert_eq!(usage.processes, Some(2));
    drop(first);
    let usage = tree.read(&mut kernel, Depth::Fast).expect("one lives");
    assert_eq!(usage.processes, Some(1));
}

#[test]
fn this_process_is_in_the_table() {
    let mut kernel = Kernel::new(DescriptorBudget::new(8));
    let table = ProcessTable::scan(&mut kernel).expect("/proc is readable");
    let own = table.get(std::process::id()).expect("is running");
    assert!(own.threads >= 1);
    assert_eq!(table.dropped(), 0);
}
