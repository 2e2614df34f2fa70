//! Starts, exits, restarts and output, which work the same with and without cgroups.

use std::{io, time::Duration};

use supervisor::{
    RestartError, StartError, Stopped, Supervisor,
    log::{LINE_BYTES_MAX, Stream},
    placement::{MemoryGuard, Placement},
    spec::CgroupChoice,
};
use tokio::sync::mpsc;

use crate::support::{Rig, config, is_alive, patiently, program, script, target, until};

const GRACE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn exits_are_reported_as_they_were() {
    let mut rig = Rig::new(CgroupChoice::Off).await;
    let cases = [
        ("exit 0", Some(0), None),
        ("exit 3", Some(3), None),
        ("kill -SEGV $$", None, Some(11)),
        ("kill -KILL $$", None, Some(9)),
    ];
    for (index, (text, code, signal)) in cases.into_iter().enumerate() {
        let name = format!("i{index}");
        let started = rig.supervisor.start(script(&name, text)).await.unwrap();
        assert_eq!(started.run, 1);
        let exit = rig.exit().await;
        assert_eq!((exit.code, exit.signal), (code, signal), "{text}");
        assert_eq!((exit.run, exit.pid, exit.oom), (1, started.pid, false));
        assert_eq!(exit.oom_kills, None, "without a cgroup nothing counts");
        assert_eq!(exit.target, target(&name));
        let instance = rig.supervisor.instance(&target(&name)).unwrap();
        assert_eq!(instance.pid, None);
        assert_eq!(instance.last_exit, Some(exit));
    }
}

#[tokio::test]
async fn nothing_restarts_by_itself_and_start_again_does() {
    let mut rig = Rig::new(CgroupChoice::Auto).await;
    rig.supervisor.start(script("a", "read line; exit 1")).await.unwrap();
    assert_eq!(rig.exit().await.code, Some(1), "standard input is empty");
    let again = rig.supervisor.start_again(&target("a"), 1).await.unwrap();
    assert_eq!((again.old_run, again.new_run, again.stopped), (1, 2, Stopped::AlreadyExited));
    let exit = rig.exit().await;
    assert_eq!((exit.run, exit.pid), (2, again.pid));
    rig.supervisor.start(script("b", "exec sleep 1000")).await.unwrap();
    let refused = rig.supervisor.start_again(&target("b"), 1).await;
    assert!(matches!(refused, Err(RestartError::StillRunning)), "{refused:?}");
}

#[tokio::test]
async fn a_restart_is_fenced_by_the_run() {
    let rig = Rig::new(CgroupChoice::Auto).await;
    let first = rig.supervisor.start(script("a", "exec sleep 1000")).await.unwrap();
    let a = target("a");
    let restarted = rig.supervisor.restart(&a, 1, GRACE).await.unwrap();
    assert_eq!((restarted.old_run, restarted.new_run), (1, 2));
    assert_eq!(restarted.stopped, Stopped::Terminated);
    assert!(!is_alive(first.pid) && is_alive(restarted.pid));
    for run in [0, 1, 3] {
        let refused = rig.supervisor.restart(&a, run, GRACE).await;
        let Err(RestartError::StaleRun { asked, current: 2 }) = refused else {
            panic!("run {run}: {refused:?}")
        };
        assert_eq!(asked, run);
    }
    assert!(is_alive(restarted.pid));
    assert_eq!(rig.supervisor.instance(&a).unwrap().pid, Some(restarted.pid));
    let unknown = rig.supervisor.restart(&target("b"), 1, GRACE).await;
    assert!(matches!(unknown, Err(RestartError::Unknown)), "{unknown:?}");
}

#[tokio::test]
async fn of_two_restarts_at_once_one_is_stale() {
    let rig = Rig::new(CgroupChoice::Auto).await;
    rig.supervisor.start(script("a", "exec sleep 1000")).await.unwrap();
    let a = target("a");
    let both =
        tokio::join!(rig.supervisor.restart(&a, 1, GRACE), rig.supervisor.restart(&a, 1, GRACE));
    let stale = |result: &Result<_, _>| {
        matches!(result, Err(RestartError::StaleRun { asked: 1, current: 2 }))
    };
    assert!(both.0.is_ok() != both.1.is_ok(), "{both:?}");
    assert!(stale(&both.0) || stale(&both.1), "{both:?}");
}

#[tokio::test]
async fn a_hung_process_is_killed_after_the_grace_with_its_children() {
    let mut rig = Rig::new(CgroupChoice::Off).await;
    let text = "trap '' TERM; sleep 1000 & echo child $!; wait; wait";
    rig.supervisor.start(script("a", text)).await.unwrap();
    let child: u32 = rig.line("child ").await.parse().unwrap();
    let grace = Duration::from_millis(50);
    let restarted = rig.supervisor.restart(&target("a"), 1, grace).await.unwrap();
    assert_eq!(restarted.stopped, Stopped::Killed);
    assert!(restarted.took >= grace);
    until("the child's death", || !is_alive(child)).await;
    assert!(rig.exits.try_recv().is_err(), "ending on purpose is not an exit");
}

#[tokio::test]
async fn what_a_dead_leader_leaves_behind_is_killed() {
    let mut rig = Rig::new(CgroupChoice::Off).await;
    rig.supervisor.start(script("a", "sleep 1000 & echo child $!; exit 4")).await.unwrap();
    let child: u32 = rig.line("child ").await.parse().unwrap();
    assert_eq!(rig.exit().await.code, Some(4));
    until("the child's death", || !is_alive(child)).await;
}

#[tokio::test]
async fn failures_to_execute_are_told_and_leave_nothing() {
    let rig = Rig::new(CgroupChoice::Auto).await;
    let check = async |command: &str, kind: io::ErrorKind| {
        let result = rig.supervisor.start(program("a", command, &[])).await;
        let Err(StartError::Execute(error)) = result else { panic!("{command}: {result:?}") };
        assert_eq!(error.kind(), kind, "{command}");
        assert!(rig.supervisor.instances().is_empty());
    };
    check("/no/such/program", io::ErrorKind::NotFound).await;
    check("/etc/passwd", io::ErrorKind::PermissionDenied).await;
    rig.supervisor.start(script("a", "exec sleep 1000")).await.unwrap();
    let duplicate = rig.supervisor.start(script("a", "exit 0")).await;
    assert!(matches!(duplicate, Err(StartError::Duplicate)), "{duplicate:?}");
    assert!(rig.supervisor.stop(GRACE).await);
}

#[tokio::test]
async fn the_environment_is_exactly_what_was_given() {
    let mut rig = Rig::new(CgroupChoice::Off).await;
    let mut spec = program("a", "/usr/bin/env", &[]);
    spec.env = vec![("ONLY".into(), "this".into())];
    spec.working_dir = Some("/".into());
    rig.supervisor.start(spec).await.unwrap();
    rig.exit().await;
    let lines = rig.supervisor.logs(&target("a"));
    let lines: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(lines, ["ONLY=this"]);
}

#[tokio::test]
async fn the_last_lines_are_kept_over_runs() {
    let (sink, _full) = mpsc::channel(1);
    let config = supervisor::spec::Config {
        log_lines: 3,
        log_sink: Some(sink),
        ..config(CgroupChoice::Off)
    };
    let (supervisor, mut exits) = Supervisor::new(config).await.unwrap();
    let text = "echo one; echo two; head -c 9000 /dev/zero | tr '\\0' x; echo; printf '\\377 end'";
    supervisor.start(script("a", text)).await.unwrap();
    patiently("an exit", exits.recv()).await.unwrap();
    let lines = supervisor.logs(&target("a"));
    assert_eq!(lines.len(), 3);
    assert_eq!((lines[0].text.as_str(), lines[0].truncated), ("two", false));
    assert_eq!((lines[1].text.len(), lines[1].truncated), (LINE_BYTES_MAX, true));
    assert_eq!((lines[2].text.as_str(), lines[2].run), ("\u{fffd} end", 1));
    assert_eq!(supervisor.stats().log_lines_dropped, 3, "the sink holds one of four");
    supervisor.start_again(&target("a"), 1).await.unwrap();
    patiently("an exit", exits.recv()).await.unwrap();
    assert!(supervisor.logs(&target("a")).iter().all(|line| line.run == 2));
    supervisor.start(script("b", "echo oops >&2")).await.unwrap();
    patiently("an exit", exits.recv()).await.unwrap();
    let lines = supervisor.logs(&target("b"));
    assert_eq!((lines[0].stream, lines[0].text.as_str()), (Stream::Stderr, "oops"));
}

#[tokio::test]
async fn without_cgroups_memory_is_limited_and_no_kill_is_claimed() {
    let mut rig = Rig::new(CgroupChoice::Off).await;
    let mut spec = program("a", "/usr/bin/tail", &["/dev/zero"]);
    spec.memory_limit = Some(32 << 20);
    rig.supervisor.start(spec).await.unwrap();
    let instance = rig.supervisor.instance(&target("a")).unwrap();
    assert_eq!(instance.memory_guard, MemoryGuard::DataLimit);
    let Placement::ProcOnly { why } = instance.placement else { panic!("{instance:?}") };
    assert_eq!(Some(why), rig.supervisor.notice());
    let exit = rig.exit().await;
    assert_ne!(exit.code, Some(0), "{exit:?}");
    assert!(!exit.oom, "{exit:?}");
}

#[tokio::test]
async fn exits_that_nobody_reads_are_counted() {
    let config = supervisor::spec::Config { exits_capacity: 1, ..config(CgroupChoice::Off) };
    let (supervisor, _exits) = Supervisor::new(config).await.unwrap();
    for name in ["a", "b", "c"] {
        supervisor.start(script(name, "exit 0")).await.unwrap();
    }
    let all_ended = || supervisor.instances().iter().all(|instance| instance.last_exit.is_some());
    until("the exits", all_ended).await;
    until("the count", || supervisor.stats().exits_dropped == 2).await;
}

#[tokio::test]
async fn a_stopped_supervisor_refuses_orders() {
    let rig = Rig::new(CgroupChoice::Auto).await;
    let started = rig.supervisor.start(script("a", "exec sleep 1000")).await.unwrap();
    assert!(rig.supervisor.stop(GRACE).await);
    assert!(!is_alive(started.pid));
    let restart = rig.supervisor.restart(&target("a"), 1, GRACE).await;
    assert!(matches!(restart, Err(RestartError::Stopped)), "{restart:?}");
    let start = rig.supervisor.start(script("b", "exit 0")).await;
    assert!(matches!(start, Err(StartError::Stopped)), "{start:?}");
}
