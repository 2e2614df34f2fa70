//! Times that are claimed elsewhere. They depend on the machine, so nothing is asserted.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use supervisor::spec::CgroupChoice;
use tokio::time::Instant;

use crate::support::{Rig, script, target};

const ROUNDS: u64 = 200;

fn print(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    let [median, p99, max] = [50, 99, 100].map(at);
    println!("{what}: median {median:.2} ms, p99 {p99:.2} ms, max {max:.2} ms");
}

async fn measure(cgroups: CgroupChoice) {
    let mut rig = Rig::new(cgroups).await;
    println!("cgroups: {}", rig.supervisor.notice().unwrap_or_else(|| "yes".to_owned()));
    rig.supervisor.start(script("a", "exec sleep 1000")).await.unwrap();
    rig.supervisor.start(script("hung", "trap '' TERM; echo up; sleep 1000")).await.unwrap();
    let (mut seen, mut started, mut restarted) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let run = 2 * round + 1;
        let pid = rig.supervisor.instance(&target("a")).unwrap().pid.unwrap();
        let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        let killed = Instant::now();
        kill_process(pid, Signal::KILL).unwrap();
        rig.exit().await;
        seen.push(killed.elapsed());
        started.push(rig.supervisor.start_again(&target("a"), run).await.unwrap().took);
        let again = rig.supervisor.restart(&target("a"), run + 1, Duration::from_secs(5)).await;
        restarted.push(again.unwrap().took);
    }
    print("exit seen", seen);
    print("started again", started);
    print("restarted on SIGTERM", restarted);
    let grace = Duration::from_millis(50);
    let mut beyond = Vec::new();
    for run in 1..=20 {
        rig.line("up").await;
        let again = rig.supervisor.restart(&target("hung"), run, grace).await.unwrap();
        beyond.push(again.took.saturating_sub(grace));
    }
    print("restarted by SIGKILL, beyond the grace", beyond);
    assert!(rig.supervisor.stop(grace).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn times() {
    measure(CgroupChoice::Auto).await;
    measure(CgroupChoice::Off).await;
}
