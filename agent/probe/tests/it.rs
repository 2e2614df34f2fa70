//! A whole prober against real servers: what is reported, and what is not.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU16, Ordering},
    },
    time::Duration,
};

use model::{
    event::{Event, EventKind, Target},
    tenant::TenantId,
    time::Timestamp,
};
use probe::{
    guard::{AllowList, Network},
    outcome::Verdict,
    prober::{Address, Assignment, Config, Limits, Measurement, Prober, ProberError, Report},
    spec::{Check, Draft, HttpGet, Purpose, Spec},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc::Receiver,
};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A server that answers with whatever status it is told to at the moment.
async fn server() -> (u16, Arc<AtomicU16>) {
    let listener = TcpListener::bind((LOCALHOST, 0)).await.expect("a listener");
    let port = listener.local_addr().expect("bound").port();
    let status = Arc::new(AtomicU16::new(200));
    let current = Arc::clone(&status);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let current = Arc::clone(&current);
            tokio::spawn(async move {
                if stream.read(&mut [0; 1024]).await.is_ok() {
                    let status = current.load(Ordering::SeqCst);
                    let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.ok();
                }
            });
        }
    });
    (port, status)
}

fn prober(limits: Limits) -> (Prober, Receiver<Report>) {
    let mut guard = AllowList::default();
    guard.allow(tenant("acme"), Network::host(LOCALHOST));
    // A clock of its own: each look is a millisecond later.
    let time = AtomicI64::new(1_700_000_000_000);
    let clock = Arc::new(move || Timestamp(time.fetch_add(1, Ordering::SeqCst)));
    Prober::spawn(Config { limits, ..Config::default() }, Arc::new(guard), clock)
}

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("valid")
}

fn target(tenant_name: &str, instance: &str) -> Target {
    Target {
        tenant: tenant(tenant_name),
        app: "shop".to_owned(),
        component: String::new(),
        instance: instance.to_owned(),
        node: "n1".to_owned(),
    }
}

fn assignment(target: &Target, port: u16, run: u64) -> Assignment {
    let check = Check::Http(HttpGet::new(port, "/healthz"));
    let spec = Spec::new(Draft {
        period: Duration::from_millis(100),
        timeout: Duration::from_secs(20),
        recheck: None,
        failure_threshold: 2,
        ..Draft::new(Purpose::Liveness, check)
    });
    let spec = spec.expect("valid");
    let address = Address::Ip(LOCALHOST);
    Assignment { target: target.clone(), address, spec, run, failing: false }
}

async fn next_event(reports: &mut Receiver<Report>) -> Event {
    loop {
        if let Report::Changed(event) = reports.recv().await.expect("a report") {
            return *event;
        }
    }
}

async fn next_measured(reports: &mut Receiver<Report>) -> Measurement {
    loop {
        if let Report::Measured(measurement) = reports.recv().await.expect("a report") {
            return *measurement;
        }
    }
}

#[tokio::test]
async fn a_failure_a_recovery_and_a_restart_are_told() {
    let (port, status) = server().await;
    let (prober, mut reports) = prober(Limits::default());
    let shop = target("acme", "shop-0");
    prober.assign(assignment(&shop, port, 7)).await.expect("assigned");
    while next_measured(&mut reports).await.outcome.verdict != Verdict::Success {}

    status.store(503, Ordering::SeqCst);
    let failed = next_event(&mut reports).await;
    assert_eq!((failed.kind, failed.run()), (EventKind::ProbeFailed, 7));
    assert_eq!(failed.target, shop);
    let expected = "GET /healthz: status 503, not 200 to 399 (2 failures in ";
    assert!(failed.reason.starts_with(expected), "{}", failed.reason);

    status.store(200, Ordering::SeqCst);
    let recovered = next_event(&mut reports).await;
    assert_eq!((recovered.kind, recovered.run()), (EventKind::ProbeRecovered, 7));

    prober.new_run(shop.clone(), 8).await.expect("open");
    let announced = next_event(&mut reports).await;
    assert_eq!((announced.kind, announced.run()), (EventKind::ProbeRecovered, 8));
    assert_eq!(next_measured(&mut reports).await.run, 8);

    prober.remove(shop).await.expect("open");
    assert_eq!(prober.stats().await.expect("open").probes, 0);
}

#[tokio::test]
async fn what_is_not_allowed_is_unknown_and_never_told() {
    let (port, _) = server().await;
    let (prober, mut reports) = prober(Limits::default());
    prober.assign(assignment(&target("umbrella", "x"), port, 1)).await.expect("assigned");
    for _ in 0..5 {
        match reports.recv().await.expect("a report") {
            Report::Changed(event) => panic!("{event:?}"),
            Report::Measured(measurement) => {
                assert_eq!(measurement.outcome.verdict, Verdict::Unknown);
                assert!(measurement.outcome.message.contains("not allowed for tenant umbrella"));
            }
        }
    }
    assert_eq!(prober.stats().await.expect("open").failures, 0);
}

#[tokio::test]
async fn a_slow_receiver_loses_measurements_but_no_transition() {
    let (port, status) = server().await;
    let (prober, mut reports) = prober(Limits { reports: 1, ..Limits::default() });
    status.store(503, Ordering::SeqCst);
    let targets: Vec<Target> = (0..5).map(|i| target("acme", &format!("shop-{i}"))).collect();
    for target in &targets {
        prober.assign(assignment(target, port, 1)).await.expect("assigned");
    }
    // Nobody listens until all have failed or probing has paused for it.
    loop {
        let stats = prober.stats().await.expect("open");
        if stats.dropped > 0 && stats.changed > 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let mut failed = Vec::new();
    while failed.len() < targets.len() {
        failed.push(next_event(&mut reports).await.target);
    }
    failed.sort();
    assert_eq!(failed, targets, "each once");
}

#[tokio::test]
async fn no_more_run_at_a_time_than_allowed() {
    let listener = TcpListener::bind((LOCALHOST, 0)).await.expect("a listener");
    let port = listener.local_addr().expect("bound").port();
    let (prober, mut reports) = prober(Limits { in_flight: 2, ..Limits::default() });
    for number in 0..6 {
        let shop = target("acme", &format!("shop-{number}"));
        prober.assign(assignment(&shop, port, 1)).await.expect("assigned");
    }
    // Two come, and are not answered; the others must wait.
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(listener.accept().await.expect("a probe").0);
    }
    loop {
        let stats = prober.stats().await.expect("open");
        assert!(stats.in_flight <= 2, "{stats:?}");
        if stats.waiting == 4 {
            break;
        }
        tokio::task::yield_now().await;
    }
    for mut stream in held {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.expect("sent");
        assert_eq!(next_measured(&mut reports).await.outcome.verdict, Verdict::Success);
    }
    listener.accept().await.expect("the next one's turn");
}

#[tokio::test]
async fn it_ends_with_its_handles_or_its_receiver() {
    let (prober, mut reports) = prober(Limits::default());
    let other = prober.clone();
    drop(prober);
    assert!(other.stats().await.is_ok());
    drop(other);
    assert!(reports.recv().await.is_none());

    let (prober, reports) = self::prober(Limits::default());
    drop(reports);
    let shop = target("acme", "shop-0");
    loop {
        match prober.assign(assignment(&shop, 1, 1)).await {
            Err(ProberError::Closed) => break,
            other => assert_eq!(other, Ok(()), "it ends at its next look"),
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn there_are_no_more_probes_than_allowed() {
    let (prober, _reports) = prober(Limits { probes: 1, ..Limits::default() });
    prober.assign(assignment(&target("acme", "a"), 1, 1)).await.expect("assigned");
    let refused = prober.assign(assignment(&target("acme", "b"), 1, 1)).await;
    assert_eq!(refused, Err(ProberError::TooMany));
}
