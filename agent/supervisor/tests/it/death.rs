//! The supervisor's own end: dropped, or killed without warning.

use std::{os::unix::process::ExitStatusExt, process::Stdio};

use supervisor::{Supervisor, placement::Placement, spec::CgroupChoice};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::{Rig, config, is_alive, patiently, script, target, until};

#[tokio::test]
async fn dropping_a_supervisor_kills_its_processes() {
    let rig = Rig::new(CgroupChoice::Auto).await;
    let started = rig.supervisor.start(script("a", "trap '' TERM; sleep 1000")).await.unwrap();
    drop(rig);
    until("its death", || !is_alive(started.pid)).await;
}

/// Ends a runtime and then a supervisor whose instance has a child, and waits for all to be dead.
fn end_with_runtime(cgroups: CgroupChoice, text: &str, child_too: bool) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (rig, pid, child) = runtime.block_on(async {
        let mut rig = Rig::new(cgroups).await;
        let pid = rig.supervisor.start(script("a", text)).await.unwrap().pid;
        let child = rig.line("child ").await.parse().unwrap();
        (rig, pid, child)
    });
    let child_too = child_too || rig.supervisor.notice().is_none();
    // The tasks are gone with it, and only the supervisor's thread is left to act.
    drop(runtime);
    drop(rig);
    let waiting = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dead = || !(is_alive(pid) || child_too && is_alive(child));
    waiting.block_on(until("their death", dead));
}

#[test]
fn a_runtime_that_ends_takes_its_processes_along() {
    end_with_runtime(CgroupChoice::Off, "sleep 60 & echo child $!; wait", true);
    end_with_runtime(CgroupChoice::Auto, "setsid sleep 60 & echo child $!; wait", false);
}

/// What the process does that the next test kills: runs one instance and prints its process id
/// and its cgroups.
#[tokio::test]
#[ignore = "the next test runs it in a process of its own"]
async fn supervise_until_killed() {
    let rig = Rig::new(CgroupChoice::Auto).await;
    rig.supervisor.start(script("a", "sleep 60 & exec sleep 1000")).await.unwrap();
    let instance = rig.supervisor.instance(&target("a")).unwrap();
    println!("\npid {}", instance.pid.unwrap());
    if let Placement::Cgroup(paths) = instance.placement {
        for directory in paths.unified.iter().chain(paths.v1.iter().map(|(_, path)| path)) {
            println!("cgroup {}", directory.display());
        }
    }
    println!("end");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn children_die_with_a_killed_supervisor_and_the_next_one_cleans_up() {
    let mut supervising = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["death::supervise_until_killed", "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(supervising.stdout.take().unwrap()).lines();
    let (mut pid, mut directories) = (0, Vec::new());
    loop {
        let line = patiently("its output", lines.next_line()).await.unwrap().unwrap();
        match line.split_once(' ') {
            Some(("pid", number)) => pid = number.parse().unwrap(),
            Some(("cgroup", path)) => directories.push(std::path::PathBuf::from(path)),
            _ if line == "end" => break,
            _ => {}
        }
    }
    assert!(is_alive(pid));
    supervising.start_kill().unwrap();
    let status = patiently("its end", supervising.wait()).await.unwrap();
    assert_eq!(status.signal(), Some(9));
    until("the child's death", || !is_alive(pid)).await;
    assert!(directories.iter().all(|path| path.is_dir()), "nobody was left to remove them");

    // Several tests do this at the same time, and whichever comes first removes them.
    let (next, _exits) = Supervisor::new(config(CgroupChoice::Auto)).await.unwrap();
    let owners: Vec<_> = directories.iter().filter_map(|path| path.parent()).collect();
    until("the removal", || !owners.iter().any(|path| path.exists())).await;
    assert_eq!(next.stats().stale_left, 0);
}
