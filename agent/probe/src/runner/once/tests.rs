//! Probes of real servers, each with its own bad habit.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use model::{event::Target, tenant::TenantId};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    guard::{AllowList, Network},
    outcome::Phases,
    prober::{Address, ProbeId},
    spec::{Connection, Draft, HttpGet, Purpose, Spec},
};

const PATIENT: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(400);

/// A server that treats each connection as told; gives its port and how many came.
async fn serve<F, Fut>(treat: F) -> (u16, Arc<AtomicUsize>)
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a listener");
    let port = listener.local_addr().expect("bound").port();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(treat(stream));
        }
    });
    (port, count)
}

/// Reads one request; gives its first line.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
    let text = String::from_utf8(read).ok()?;
    text.lines().next().map(str::to_owned)
}

/// Answers every request with the same bytes, and stays.
async fn answering(answer: &'static [u8]) -> (u16, Arc<AtomicUsize>) {
    serve(move |mut stream| async move {
        while request(&mut stream).await.is_some() {
            if stream.write_all(answer).await.is_err() {
                break;
            }
        }
    })
    .await
}

fn plan(draft: Draft) -> Arc<Plan> {
    let target = Target {
        tenant: TenantId::new("acme").expect("valid"),
        app: "shop".to_owned(),
        component: String::new(),
        instance: "shop-0".to_owned(),
        node: "n1".to_owned(),
    };
    let id = Arc::new(ProbeId { target, probe: "liveness".to_owned() });
    let spec = Spec::new(draft).expect("valid");
    let address = Address::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Arc::new(Plan::new(id, spec, address, "test".into()))
}

fn http(port: u16, timeout: Duration, change: impl FnOnce(&mut HttpGet)) -> Draft {
    let mut get = HttpGet::new(port, "/healthz");
    change(&mut get);
    Draft { timeout, ..Draft::new(Purpose::Liveness, Check::Http(get)) }
}

async fn once(plan: &Arc<Plan>, wire: Option<Wire>) -> Done {
    let mut guard = AllowList::default();
    guard.allow_everyone(Network::host(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let job = Job { key: 0, version: 0, on_grid: true, plan: Arc::clone(plan), wire };
    run(job, Arc::new(guard), Timestamp(0)).await
}

/// Asks for an answer that does not come in time, until this machine is not too busy to tell.
async fn wait_in_vain(port: u16) -> Outcome {
    loop {
        let outcome = once(&plan(http(port, SHORT, |_| {})), None).await.outcome;
        if outcome.verdict != Verdict::Unknown {
            return outcome;
        }
    }
}

/// Asks for an answer that comes at once.
async fn ask(port: u16) -> Outcome {
    once(&plan(http(port, PATIENT, |_| {})), None).await.outcome
}

#[track_caller]
fn assert_failed(outcome: &Outcome, class: Class, message: &str) {
    assert_eq!(outcome.verdict, Verdict::Failure(class), "{}", outcome.message);
    assert!(outcome.message.contains(message), "{:?} lacks {message:?}", outcome.message);
}

#[tokio::test]
async fn a_healthy_server_succeeds_with_all_phases() {
    let (port, _) = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let outcome = ask(port).await;
    assert_eq!(outcome.verdict, Verdict::Success);
    assert_eq!((outcome.status, outcome.body_bytes), (Some(200), 2));
    assert_eq!(outcome.address, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    assert!(outcome.fresh && outcome.message.is_empty());
    let Phases { resolve, connect, processing, transfer } = outcome.phases;
    assert!(resolve.is_zero() && !connect.is_zero() && !processing.is_zero());
    assert!(connect + processing + transfer <= outcome.duration);
}

#[tokio::test]
async fn nobody_listening_is_refused() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a listener");
    let port = listener.local_addr().expect("bound").port();
    drop(listener);
    assert_failed(&ask(port).await, Class::Refused, "connection refused");
    let tcp = Draft::new(Purpose::Liveness, Check::Tcp { port });
    assert_failed(&once(&plan(tcp), None).await.outcome, Class::Refused, "refused");
}

#[tokio::test]
async fn a_hanging_server_times_out() {
    let (port, _) = serve(|mut stream| async move {
        request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let outcome = wait_in_vain(port).await;
    assert_failed(&outcome, Class::Timeout, "no answer within 400ms");
    assert!(outcome.duration >= SHORT);
    assert!(!outcome.phases.connect.is_zero(), "what was done is known");
}

#[tokio::test]
async fn a_slow_body_times_out() {
    let (port, _) = serve(|mut stream| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome").await.ok();
        std::future::pending::<()>().await;
    })
    .await;
    let outcome = wait_in_vain(port).await;
    assert_failed(&outcome, Class::Timeout, "no complete answer within 400ms");
    assert_eq!((outcome.status, outcome.body_bytes), (Some(200), 4));
}

#[tokio::test]
async fn a_resetting_server_resets() {
    let (port, _) = serve(|mut stream| async move {
        request(&mut stream).await;
        stream.set_zero_linger().expect("a linger");
    })
    .await;
    assert_failed(&ask(port).await, Class::Reset, "connection reset");
}

#[tokio::test]
async fn closing_without_or_within_an_answer_is_a_reset() {
    for (answer, message) in [
        (&b""[..], "closed without an answer"),
        (&b"HTTP/1.1 200 OK\r\nConte"[..], "closed in the answer"),
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"[..], "closed in the body"),
    ] {
        let (port, _) = serve(move |mut stream| async move {
            request(&mut stream).await;
            stream.write_all(answer).await.ok();
            stream.shutdown().await.ok();
        })
        .await;
        assert_failed(&ask(port).await, Class::Reset, message);
    }
}

#[tokio::test]
async fn a_body_may_end_with_the_connection() {
    let (port, _) = serve(|mut stream| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nall there is").await.ok();
        stream.shutdown().await.ok();
    })
    .await;
    let outcome = ask(port).await;
    assert_eq!((outcome.verdict, outcome.body_bytes), (Verdict::Success, 12));
}

#[tokio::test]
async fn a_wrong_status_fails_and_the_expected_range_decides() {
    let (port, _) = answering(b"HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n").await;
    let outcome = ask(port).await;
    assert_failed(&outcome, Class::Status, "status 503, not 200 to 399");
    assert_eq!(outcome.status, Some(503));
    let expecting = plan(http(port, PATIENT, |get| get.status = 503..=503));
    assert_eq!(once(&expecting, None).await.outcome.verdict, Verdict::Success);
    let (port, _) = answering(b"HTTP/1.1 204 x\r\n\r\n").await;
    let expecting = plan(http(port, PATIENT, |get| get.status = 200..=200));
    assert_failed(&once(&expecting, None).await.outcome, Class::Status, "status 204, not 200");
}

#[tokio::test]
async fn a_body_must_have_what_is_asked_for() {
    let (port, _) = answering(b"HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\nblank").await;
    let asking =
        |needle: &str| plan(http(port, PATIENT, |get| get.body_contains = Some(needle.to_owned())));
    assert_eq!(once(&asking("lan"), None).await.outcome.verdict, Verdict::Success);
    let outcome = once(&asking("ready"), None).await.outcome;
    assert_failed(&outcome, Class::Body, "the first 5 bytes of the body lack \"ready\"");
}

#[tokio::test]
async fn a_huge_body_is_read_no_further_than_needed() {
    let (port, _) = serve(|mut stream| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok();
        // For ever, or until nobody listens.
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    let outcome = ask(port).await;
    assert_eq!((outcome.verdict, outcome.body_bytes), (Verdict::Success, 10 * 1024));
}

#[tokio::test]
async fn chunks_and_interim_answers_are_understood() {
    let (port, _) = answering(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\
          Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n",
    )
    .await;
    let outcome = ask(port).await;
    assert_eq!((outcome.verdict, outcome.body_bytes), (Verdict::Success, 4));
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_failure() {
    for (answer, message) in [
        (&b"SSH-2.0-OpenSSH_9.2\r\n"[..], "not HTTP"),
        (&b"HTTP/1.1 101 Switching Protocols\r\n\r\n"[..], "an unexpected interim answer"),
        (&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"[..], "chunked body"),
    ] {
        let (port, _) = answering(answer).await;
        assert_failed(&ask(port).await, Class::Protocol, message);
    }
}

#[tokio::test]
async fn an_endless_head_is_cut_off() {
    let (port, _) = serve(|mut stream| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nX: ").await.ok();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    assert_failed(&ask(port).await, Class::Protocol, "head is over 16384 bytes");
}

/// `/healthz` leads to `/1`, that to `/2` and so on up to `last`, which answers with `status`.
async fn redirecting(last: u32, status: u16) -> (u16, Arc<AtomicUsize>) {
    serve(move |mut stream| async move {
        while let Some(line) = request(&mut stream).await {
            let path = line.split(' ').nth(1).unwrap_or_default();
            let step: u32 = path.trim_start_matches('/').parse().unwrap_or(0);
            let answer = if step < last {
                format!("HTTP/1.1 302 x\r\nLocation: /{}\r\nContent-Length: 0\r\n\r\n", step + 1)
            } else {
                format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n")
            };
            if stream.write_all(answer.as_bytes()).await.is_err() {
                break;
            }
        }
    })
    .await
}

#[tokio::test]
async fn redirects_on_the_same_host_are_followed_so_far() {
    let (port, _) = redirecting(10, 200).await;
    let outcome = ask(port).await;
    assert_eq!((outcome.verdict, outcome.redirects), (Verdict::Success, 10));
    let (port, _) = redirecting(2, 500).await;
    assert_failed(&ask(port).await, Class::Status, "status 500");
    let (port, _) = redirecting(11, 200).await;
    assert_failed(&ask(port).await, Class::Protocol, "more than 10 redirects");
    let (port, _) = redirecting(5, 200).await;
    let wanting = plan(http(port, PATIENT, |get| get.status = 302..=302));
    let outcome = once(&wanting, None).await.outcome;
    assert_eq!((outcome.verdict, outcome.redirects), (Verdict::Success, 0));
}

#[tokio::test]
async fn a_redirect_to_another_host_is_an_answer_and_not_followed() {
    let (victim, visits) = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    let (port, _) = serve(move |mut stream| async move {
        request(&mut stream).await;
        let answer = format!("HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:{victim}/\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.ok();
    })
    .await;
    let outcome = ask(port).await;
    assert_eq!((outcome.verdict, outcome.status), (Verdict::Success, Some(302)));
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

fn keeping(port: u16) -> Arc<Plan> {
    let connection = Connection::Kept { fresh_every: 100 };
    plan(Draft { connection, ..http(port, PATIENT, |_| {}) })
}

#[tokio::test]
async fn a_kept_connection_is_used_again() {
    let (port, connections) = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let plan = keeping(port);
    let mut wire = None;
    for number in 0..5 {
        let done = once(&plan, wire).await;
        assert_eq!(done.outcome.verdict, Verdict::Success);
        assert_eq!(done.outcome.fresh, number == 0);
        wire = done.wire;
        assert!(wire.is_some());
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced_unnoticed() {
    let (port, connections) = serve(|mut stream| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.ok();
    })
    .await;
    let plan = keeping(port);
    let first = once(&plan, None).await;
    let second = once(&plan, first.wire).await;
    assert_eq!(second.outcome.verdict, Verdict::Success);
    assert!(second.outcome.fresh);
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_says_close_is_not_kept() {
    let (port, _) =
        answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").await;
    let done = once(&keeping(port), None).await;
    assert_eq!(done.outcome.verdict, Verdict::Success);
    assert!(done.wire.is_none());
}

#[tokio::test]
async fn a_failure_ends_a_kept_connection() {
    let (port, _) = answering(b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n").await;
    let done = once(&keeping(port), None).await;
    assert_failed(&done.outcome, Class::Status, "500");
    assert!(done.wire.is_none(), "no target is judged by one socket");
}

#[tokio::test]
async fn tcp_asks_for_no_more_than_a_connection() {
    let (port, connections) = serve(|stream| async move {
        drop(stream);
    })
    .await;
    let draft = Draft::new(Purpose::Liveness, Check::Tcp { port });
    assert_eq!(once(&plan(draft), None).await.outcome.verdict, Verdict::Success);
    assert!(connections.load(Ordering::SeqCst) <= 1);
}

#[tokio::test]
async fn a_probe_leaves_nothing_behind() {
    // Closing by RST shows on the other side as a reset, and leaves no TIME_WAIT on this one.
    let (seen, mut saw) = tokio::sync::mpsc::channel(1);
    let (port, _) = serve(move |mut stream| {
        let seen = seen.clone();
        async move {
            request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.ok();
            let end = stream.read(&mut [0; 1]).await.map_err(|error| error.kind());
            seen.send(end).await.ok();
        }
    })
    .await;
    assert_eq!(ask(port).await.verdict, Verdict::Success);
    assert_eq!(saw.recv().await, Some(Err(std::io::ErrorKind::ConnectionReset)));
}

#[test]
fn a_timeout_that_comes_much_too_late_is_the_probers_own() {
    let limit = Duration::from_secs(1);
    let class = |late| timed_out(Stage::Answering, limit, limit + late).class;
    assert_eq!(class(Duration::from_millis(50)), Class::Timeout);
    assert_eq!(class(Duration::from_millis(101)), Class::Local);
}
