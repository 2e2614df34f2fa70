//! The demo's own script: detection, decision, restart and recovery of real faults in real
//! processes.

use std::process::Command;

use e2e::process::{Process, run, tidewatch, wait_until};
use serde_json::Value;

#[test]
fn the_script_runs_to_its_end() {
    let output = run(&["demo", "--script"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}\n{errors}");
    let report: Value = serde_json::from_str(&text).expect("prints JSON");
    assert_eq!(report["ok"], true);
    let stories = report["stories"].as_array().expect("has stories");
    let faults: Vec<&str> = stories.iter().filter_map(|story| story["fault"].as_str()).collect();
    assert_eq!(faults, ["hang", "errors", "leak", "crash_loop"]);
    for story in stories {
        assert!(story["detection_ms"].as_i64().is_some_and(|millis| millis >= 0), "{story}");
        assert!(story["recovery_ms"].as_i64().is_some_and(|millis| millis > 0), "{story}");
    }
    assert_eq!(stories[3]["outcome"], "quarantined", "{}", stories[3]);
}

/// Killed in the middle and started again on the same data: the samples and the timeline are there,
/// and no sample app outlives its supervisor.
#[test]
fn a_killed_demo_goes_on_where_it_was() {
    let dir = tempfile::tempdir().expect("is created");
    let start = || {
        let mut command = Command::new(tidewatch());
        command
            .args(["demo", "--no-faults", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir.path());
        let mut process = Process::start("tidewatch demo", &mut command);
        let line = process.wait_for_line("#token=");
        let (address, token) = line
            .split_once("http://")
            .and_then(|(_, rest)| rest.split_once("/#token="))
            .expect("is a page");
        (process, address.to_owned(), token.trim().to_owned())
    };
    let query = |address: &str, token: &str, query: &str| -> Option<f64> {
        let url = format!("http://{address}/api/v1/query");
        let url = reqwest::Url::parse_with_params(&url, [("query", query)]).ok()?;
        let answer = e2e::server::client().get(url).bearer_auth(token).send().ok()?;
        let body: Value = answer.json().ok()?;
        body["data"]["result"].get(0)?["value"].get(1)?.as_str()?.parse().ok()
    };
    let (mut first, address, token) = start();
    let oldest = "min(min_over_time(timestamp(container_memory_working_set_bytes)[10m:1s]))";
    let count = "sum(count_over_time(container_memory_working_set_bytes[10m]))";
    let stored =
        wait_until("samples", || query(&address, &token, count).filter(|count| *count > 40.0));
    let stored = stored.expect("samples arrive");
    let began = query(&address, &token, oldest).expect("has a first sample");
    kill_and_see_restarted(&first, &address, &token);
    let pids = children(first.pid());
    assert!(!pids.is_empty(), "the demo runs sample apps");
    first.kill();
    let gone =
        wait_until("the sample apps to end", || pids.iter().all(|pid| !alive(*pid)).then_some(()));
    assert!(gone.is_some(), "sample apps outlived their supervisor: {pids:?}");

    let (second, address, same_token) = start();
    assert_eq!(token, same_token, "the operator's token is kept with the data");
    let now = query(&address, &token, count).expect("answers");
    assert!(now >= stored, "{now} samples after the crash, {stored} before");
    let begins = query(&address, &token, oldest).expect("has a first sample");
    assert!((begins - began).abs() < 0.001, "the first sample moved from {began} to {begins}");
    // What alerting remembers of the runs before does not keep it from acting on the new ones.
    kill_and_see_restarted(&second, &address, &token);
}

/// Kills one sample app and waits until the timeline says that it was restarted.
fn kill_and_see_restarted(demo: &Process, address: &str, token: &str) {
    let since = e2e::write::now();
    let victim = *children(demo.pid()).first().expect("the demo runs sample apps");
    let status = Command::new("kill").args(["-s", "KILL", &victim.to_string()]).status();
    assert!(status.expect("kill runs").success());
    let restarted = wait_until("the restart", || {
        let url = format!("http://{address}/api/v1/events?limit=1000");
        let answer = e2e::server::client().get(url).bearer_auth(token).send().ok()?;
        let body: Value = answer.json().ok()?;
        let events = body["data"]["events"].as_array()?.clone();
        let later = |event: &&Value| event["time"].as_i64().is_some_and(|time| time >= since);
        events.iter().filter(later).any(|event| event["kind"] == "restarted").then_some(())
    });
    assert!(restarted.is_some(), "the killed app was not restarted:\n{}", demo.output());
}

fn children(pid: u32) -> Vec<u32> {
    let output = Command::new("ps").args(["-o", "pid=", "--ppid", &pid.to_string()]).output();
    let output = output.expect("ps runs");
    String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

fn alive(pid: u32) -> bool {
    // A zombie that init has not collected yet is as good as gone.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z')
    })
}
