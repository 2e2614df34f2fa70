//! Placement in cgroups and the truth about memory kills. These pass without a word where there
//! are no cgroups; the notice says so.

use std::{path::Path, time::Duration};

use supervisor::placement::{CgroupPaths, MemoryGuard, Placement};

use crate::support::{Rig, is_alive, program, script, target, until};

const LIMIT: u64 = 24 << 20;

fn paths(rig: &Rig, instance: &str) -> CgroupPaths {
    match rig.supervisor.instance(&target(instance)).unwrap().placement {
        Placement::Cgroup(paths) => paths,
        Placement::ProcOnly { why } => panic!("not in a cgroup: {why}"),
    }
}

fn all(paths: &CgroupPaths) -> Vec<&Path> {
    paths.unified.iter().chain(paths.v1.iter().map(|(_, path)| path)).map(|p| &**p).collect()
}

#[tokio::test]
async fn a_program_is_in_its_cgroup_before_its_first_step() {
    let Some(mut rig) = Rig::with_cgroups().await else { return };
    let text = "sed 's/^/at /' /proc/self/cgroup; echo done; exec sleep 1000";
    rig.supervisor.start(script("web/0", text)).await.unwrap();
    let placed = paths(&rig, "web/0");
    rig.line("done").await;
    let lines = rig.supervisor.logs(&target("web/0"));
    let inside = lines.iter().filter(|line| line.text.ends_with("/0-web_0.1")).count();
    let mut directories = all(&placed);
    directories.dedup();
    assert!(inside >= directories.len().min(1), "{lines:?}");
    assert!(inside <= all(&placed).len());
    for directory in directories {
        let name = directory.file_name().unwrap().to_str().unwrap();
        assert_eq!(name, "0-web_0.1");
        let hierarchy = directory.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let place = format!("/{hierarchy}/{name}");
        assert!(lines.iter().any(|line| line.text.ends_with(&place)), "{place} in {lines:?}");
    }
    assert!(rig.supervisor.stop(Duration::from_secs(20)).await);
}

#[tokio::test]
async fn each_run_has_a_cgroup_and_takes_it_along() {
    let Some(mut rig) = Rig::with_cgroups().await else { return };
    rig.supervisor.start(script("a", "echo up; exec sleep 1000")).await.unwrap();
    rig.line("up").await;
    let first = paths(&rig, "a");
    assert!(all(&first).iter().all(|path| path.is_dir()));
    rig.supervisor.restart(&target("a"), 1, Duration::from_secs(20)).await.unwrap();
    let second = paths(&rig, "a");
    assert_ne!(first, second);
    until("the removal", || !all(&first).iter().any(|path| path.exists())).await;
    assert!(all(&second).iter().all(|path| path.is_dir()));
    let owners: Vec<_> =
        all(&second).iter().map(|path| path.parent().unwrap().to_owned()).collect();
    assert!(rig.supervisor.stop(Duration::from_secs(20)).await);
    assert!(!owners.iter().any(|path| path.exists()), "{owners:?}");
}

#[tokio::test]
async fn a_process_that_left_the_group_does_not_escape() {
    let Some(mut rig) = Rig::with_cgroups().await else { return };
    let text = "setsid sleep 60 & echo child $!; wait";
    rig.supervisor.start(script("a", text)).await.unwrap();
    let child: u32 = rig.line("child ").await.parse().unwrap();
    rig.supervisor.restart(&target("a"), 1, Duration::from_secs(20)).await.unwrap();
    until("the child's death", || !is_alive(child)).await;
}

#[tokio::test]
async fn a_memory_kill_is_told_from_other_kills() {
    let Some(mut rig) = Rig::with_cgroups().await else { return };
    let mut hog = program("hog", "/usr/bin/tail", &["/dev/zero"]);
    hog.memory_limit = Some(LIMIT);
    rig.supervisor.start(hog).await.unwrap();
    let instance = rig.supervisor.instance(&target("hog")).unwrap();
    if instance.memory_guard != MemoryGuard::Cgroup {
        eprintln!("not tested here, cgroups do not limit memory");
        return;
    }
    let exit = rig.exit().await;
    assert_eq!((exit.signal, exit.oom), (Some(9), true), "{exit:?}");
    let kills = exit.oom_kills;
    // Kernels that kill the whole group may count its first victim twice.
    assert!(matches!(kills, Some(1 | 2)), "{exit:?}");

    let mut victim = script("victim", "kill -KILL $$");
    victim.memory_limit = Some(LIMIT);
    rig.supervisor.start(victim).await.unwrap();
    let exit = rig.exit().await;
    assert_eq!((exit.signal, exit.oom, exit.oom_kills), (Some(9), false, Some(0)), "{exit:?}");

    // A fresh run starts with a fresh count.
    rig.supervisor.start_again(&target("hog"), 1).await.unwrap();
    let exit = rig.exit().await;
    assert_eq!((exit.run, exit.oom, exit.oom_kills), (2, true, kills), "{exit:?}");
}

#[tokio::test]
async fn a_child_killed_for_memory_is_not_its_parent() {
    let Some(mut rig) = Rig::with_cgroups().await else { return };
    let mut spec = script("a", "tail /dev/zero; exit 7");
    spec.memory_limit = Some(LIMIT);
    rig.supervisor.start(spec).await.unwrap();
    let exit = rig.exit().await;
    if exit.memory_guard == MemoryGuard::Cgroup && exit.signal.is_none() {
        assert_eq!((exit.code, exit.oom, exit.oom_kills), (Some(7), false, Some(1)), "{exit:?}");
    }
}
