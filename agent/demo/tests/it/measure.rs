//! What the sample platform costs and how fast it comes back. Nothing is asserted.

use std::{io::Read, time::Duration};

use demo::{
    fault::{Fault, inject},
    traffic::{Traffic, TrafficConfig},
};
use supervisor::spec::CgroupChoice;
use tokio::time::Instant;

use crate::support::{Rig, healthy};

const WATCHED: Duration = Duration::from_secs(15);
const GRACE: Duration = Duration::from_millis(500);

fn read(path: &str) -> String {
    let mut text = String::new();
    std::fs::OpenOptions::new().read(true).open(path).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// Resident memory in KiB and processor time in ticks.
fn usage(pid: u32) -> (u64, u64) {
    let status = read(&format!("/proc/{pid}/status"));
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident = resident.split_whitespace().next().unwrap().parse().unwrap();
    let stat = read(&format!("/proc/{pid}/stat"));
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
    (resident, ticks(11) + ticks(12))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn costs() {
    let rig = Rig::new(CgroupChoice::Auto).await;
    let began = Instant::now();
    for member in &rig.fleet.members {
        rig.supervisor.start(member.spec()).await.unwrap();
    }
    for member in &rig.fleet.members {
        healthy(member).await;
    }
    println!("all healthy after {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    let (proxy, entries) = rig.proxy().await;
    let apps = rig.fleet.profiles();
    let traffic = Traffic::start(TrafficConfig { proxy: proxy.address(), apps, seed: 1 });
    tokio::time::sleep(WATCHED).await;
    for instance in rig.supervisor.instances() {
        let (resident, ticks) = usage(instance.pid.unwrap());
        let share = ticks as f64 / WATCHED.as_secs_f64();
        println!("{}: {resident} KiB resident, {share:.1} % CPU", instance.target.instance);
    }
    let (resident, ticks) = usage(std::process::id());
    let share = ticks as f64 / WATCHED.as_secs_f64();
    println!("supervisor, proxy and traffic: {resident} KiB resident, {share:.1} % CPU");
    let mut durations: Vec<Duration> =
        entries.0.lock().unwrap().iter().map(|entry| entry.duration).collect();
    durations.sort_unstable();
    let at = |part: usize| durations[(durations.len() - 1) * part / 100].as_secs_f64() * 1e3;
    println!(
        "{} requests, p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms",
        durations.len(),
        at(50),
        at(95),
        at(99)
    );

    let member = rig.member("portal-0");
    inject(&member, Fault::Hang).await.unwrap();
    let began = Instant::now();
    let restarted = rig.supervisor.restart(&member.target, 1, GRACE).await.unwrap();
    healthy(&member).await;
    println!("{restarted:?}, healthy after {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    for (_, app, counts) in traffic.stop().await {
        println!("{app}: {counts:?}");
    }
}
