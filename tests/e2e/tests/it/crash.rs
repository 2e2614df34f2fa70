//! What was acknowledged is there after `kill -9`, whatever happened in between.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use e2e::{
    process::wait_until,
    server::{ACME, Server},
    write::{batch, now, send},
};
use wire::remote_write::Version;

const SERIES: usize = 20;
const ROUNDS: usize = 4;

/// Writers send counters that increase by one each sample and note the last acknowledged value; the
/// aggregator is killed in the middle, again and again.
#[test]
fn acknowledged_samples_survive_kill_9() {
    let mut server = Server::start();
    let start = now() - 600_000;
    let mut acknowledged = [0u64; SERIES];
    for round in 0..ROUNDS {
        let stop = Arc::new(AtomicBool::new(false));
        let ledger: Arc<Vec<AtomicU64>> =
            Arc::new(acknowledged.iter().map(|value| AtomicU64::new(*value)).collect());
        std::thread::scope(|scope| {
            let server = &server;
            for number in 0..SERIES {
                let (stop, ledger) = (Arc::clone(&stop), Arc::clone(&ledger));
                scope.spawn(move || write_until(server, number, start, &ledger[number], &stop));
            }
            // However slow the machine is, each has had an answer before the end comes.
            let begun = wait_until("every writer to be answered", || {
                let mut all = ledger.iter().zip(&acknowledged);
                all.all(|(value, known)| value.load(Ordering::Relaxed) > *known).then_some(())
            });
            // Then for long enough for many more, and not the same each round.
            std::thread::sleep(std::time::Duration::from_millis(100 + 130 * round as u64));
            signal(server.process.pid(), "KILL");
            stop.store(true, Ordering::Relaxed);
            assert!(begun.is_some(), "round {round}: not every writer was answered");
        });
        for (known, value) in acknowledged.iter_mut().zip(ledger.iter()) {
            *known = value.load(Ordering::Relaxed);
        }
        server.crash_and_restart();
        check(&server, &acknowledged, round);
    }
    assert!(acknowledged.iter().all(|value| *value > 0), "nothing was written: {acknowledged:?}");
}

fn write_until(server: &Server, number: usize, start: i64, ledger: &AtomicU64, stop: &AtomicBool) {
    let client = e2e::server::client();
    let name = number.to_string();
    while !stop.load(Ordering::Relaxed) {
        let next = ledger.load(Ordering::Relaxed) + 1;
        let time = start + i64::try_from(next).expect("fits") * 10;
        let batch = batch(&[("__name__", "ledger"), ("number", &name)], &[(time, next as f64)]);
        let mut plain = Vec::new();
        wire::remote_write::encode(Version::V2, &batch, &mut plain);
        let mut body = Vec::new();
        codec::inflate::compress(codec::inflate::Compression::Snappy, &plain, &mut body)
            .expect("compresses");
        let answer = client
            .post(server.url("/api/v1/write"))
            .bearer_auth(ACME)
            .header("content-type", Version::V2.content_type())
            .header("content-encoding", "snappy")
            .body(body)
            .send();
        match answer {
            Ok(answer) if answer.status().is_success() => ledger.store(next, Ordering::Relaxed),
            Ok(answer) => panic!("refused: {} {:?}", answer.status(), answer.text()),
            Err(_killed) => return,
        }
    }
}

fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").args(["-s", name, &pid.to_string()]).status();
    assert!(status.expect("kill runs").success());
}

/// Every value from 1 to the last acknowledged one is there, each once.
fn check(server: &Server, acknowledged: &[u64], round: usize) {
    for (number, last) in acknowledged.iter().enumerate() {
        let selector = format!("ledger{{number=\"{number}\"}}");
        let count = server.value(ACME, &format!("count_over_time({selector}[1h])"));
        let max = server.value(ACME, &format!("max_over_time({selector}[1h])"));
        let parse =
            |text: Option<String>| text.map_or(0, |text| text.parse::<u64>().expect("is whole"));
        let (count, max) = (parse(count), parse(max));
        // One write may have become durable without its acknowledgement having arrived.
        assert!(
            *last <= max && max <= last + 1,
            "round {round}: series {number}: {max} for {last}"
        );
        assert_eq!(count, max, "round {round}: series {number} has gaps");
    }
}

#[test]
fn a_graceful_stop_is_quick_and_loses_nothing() {
    let mut server = Server::start();
    let answer =
        send(&server, ACME, Version::V1, &batch(&[("__name__", "kept")], &[(now(), 42.0)]));
    assert_eq!(answer.status(), 204);
    assert_eq!(server.process.terminate(), Some(0));
    server.crash_and_restart();
    assert_eq!(server.value(ACME, "kept").as_deref(), Some("42"));
}
