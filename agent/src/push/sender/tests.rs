//! Tests of a sender before a receiver that follows a script.

use std::collections::VecDeque;

use codec::inflate::{Compression, decompress};
use daemon::{config::values::Secret, metrics::Metrics, stop::Stop};
use model::write::{Sample, WriteBatch};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use wire::frames::Body as Frames;

use super::Sender;
use crate::{
    config::{Protocol, Settings},
    metrics::AgentMetrics,
    push::{Pushing, Queue, start},
};

/// What the receiver does with one request.
#[derive(Clone, Copy, Debug)]
enum Reply {
    Status(u16, &'static str),
    /// Takes the request, and hangs up.
    Lost,
    /// Takes the request, calls for a stop, and says nothing more.
    Stop,
}

const STORED: Reply = Reply::Status(204, "X-Prometheus-Remote-Write-Samples-Written: 2\r\n");
const PLAIN: Reply = Reply::Status(204, "");

/// A request as it came.
#[derive(Debug)]
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn path(&self) -> &str {
        self.head.split(' ').nth(1).expect("has a path")
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|line| line.1)
    }

    /// Epoch and sequence of frames.
    fn place(&self) -> (u64, u64) {
        assert_eq!(self.path(), "/api/v1/frames");
        let mut plain = Vec::new();
        let body = match self.header("content-encoding") {
            None => &self.body,
            Some(encoding) => {
                assert_eq!(encoding, "zstd");
                decompress(Compression::Zstd, &self.body, 1 << 20, &mut plain).expect("fits");
                &plain
            }
        };
        let body = Frames::read(body).expect("is frames");
        (body.epoch, body.sequence)
    }
}

async fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    loop {
        let read = stream.read_buf(&mut bytes).await.expect("is read");
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            assert!(read > 0, "cut short");
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let request = Request { head, body: bytes[end + 4..].to_vec() };
        let length = request.header("content-length").and_then(|length| length.parse().ok());
        if request.body.len() >= length.unwrap_or(0) {
            return request;
        }
    }
}

/// Answers by the script, and gives back what was asked.
async fn serve(listener: &TcpListener, script: &[Reply], stop: &Stop) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut silent = Vec::new();
    for reply in script {
        let (mut stream, _) = listener.accept().await.expect("connects");
        requests.push(read(&mut stream).await);
        match reply {
            Reply::Status(status, headers) => {
                let answer = format!(
                    "HTTP/1.1 {status} x\r\n{headers}connection: close\r\ncontent-length: 0\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).await.expect("is written");
            }
            Reply::Lost => drop(stream),
            Reply::Stop => {
                silent.push(stream);
                stop.stop();
            }
        }
    }
    requests
}

struct Test {
    listener: TcpListener,
    sender: Sender,
    metrics: AgentMetrics,
    queue: Queue,
}

impl Test {
    async fn new(protocol: Protocol) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("is free");
        let address = listener.local_addr().expect("is bound");
        let settings = Settings {
            aggregator: format!("http://{address}/"),
            token: Secret::new("secret"),
            protocol,
            ..Settings::default()
        };
        let metrics = AgentMetrics::register(&Metrics::default());
        let Pushing { queue, mut senders, .. } = start(&settings, &metrics).expect("is valid");
        let sender = senders.pop().expect("there is one");
        Self { listener, sender, metrics, queue }
    }

    /// Sends a tick of two samples, to a receiver that follows the script.
    async fn send(&mut self, script: &[Reply]) -> Vec<Request> {
        self.queue.push(batch());
        let stop = Stop::default();
        let (sent, requests) =
            tokio::join!(self.sender.send_next(), serve(&self.listener, script, &stop));
        assert!(sent);
        requests
    }

    /// Samples sent, refused and dropped, and attempts that failed.
    fn counted(&self) -> [u64; 4] {
        let AgentMetrics { samples_sent, samples_refused, samples_dropped, send_failures, .. } =
            &self.metrics;
        [samples_sent, samples_refused, samples_dropped, send_failures].map(|counter| counter.get())
    }
}

fn batch() -> WriteBatch {
    let mut batch = WriteBatch::default();
    for metric in ["a", "b"] {
        let mut labels = [("__name__", metric), ("tenant", "t")];
        batch.begin_series(&mut labels).expect("is valid");
        batch.push_sample(Sample { time: 1_700_000_000_000, value: 1.0, start: 0 });
    }
    batch
}

fn paths(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(Request::path).collect()
}

#[tokio::test]
async fn frames_follow_each_other() {
    let mut test = Test::new(Protocol::Auto).await;
    let first = test.send(&[STORED]).await;
    assert_eq!(first[0].header("authorization"), Some("Bearer secret"));
    assert_eq!(first[0].header("content-type"), Some("application/vnd.tidewatch.frames;version=1"));
    assert_eq!(first[0].header("content-encoding"), Some("zstd"), "it registers a group");
    let (epoch, sequence) = first[0].place();
    assert_eq!(sequence, 1);
    let second = test.send(&[STORED]).await;
    assert_eq!(second[0].place(), (epoch, 2));
    assert_eq!(second[0].header("content-encoding"), None);
    assert_eq!(test.counted(), [4, 0, 0, 0]);
    let bytes = (first[0].body.len() + second[0].body.len()) as u64;
    let label = [("protocol", "frames")];
    assert_eq!(test.metrics.bytes_sent.get_or_create(&label).get(), bytes);
}

#[tokio::test]
async fn what_is_not_answered_comes_again_as_it_was() {
    for reply in [Reply::Lost, Reply::Status(503, ""), Reply::Status(429, "retry-after: 0\r\n")] {
        let mut test = Test::new(Protocol::Auto).await;
        test.send(&[STORED]).await;
        let requests = test.send(&[reply, STORED]).await;
        assert_eq!(requests[0].place().1, 2);
        assert_eq!(requests[0].place(), requests[1].place(), "{reply:?}");
        assert_eq!(requests[0].body, requests[1].body);
        assert_eq!(test.counted(), [4, 0, 0, 1]);
        assert_eq!(test.send(&[STORED]).await[0].place().1, 3);
    }
}

#[tokio::test]
async fn a_receiver_that_lost_step_gets_a_new_epoch() {
    let mut test = Test::new(Protocol::Auto).await;
    let (epoch, _) = test.send(&[STORED]).await[0].place();
    let requests = test.send(&[Reply::Status(409, ""), STORED]).await;
    assert_eq!(requests[0].place(), (epoch, 2));
    let (anew, sequence) = requests[1].place();
    assert!(anew != epoch && sequence == 1);
    assert_eq!(requests[1].header("content-encoding"), Some("zstd"), "it registers again");
    assert_eq!(test.counted(), [4, 0, 0, 1]);
    assert_eq!(test.send(&[STORED]).await[0].place(), (anew, 2));
}

#[tokio::test]
async fn a_receiver_that_refuses_every_beginning_is_asked_again_later() {
    let mut test = Test::new(Protocol::Auto).await;
    let conflict = Reply::Status(409, "");
    let requests = test.send(&[conflict, conflict, STORED]).await;
    let mut epochs: Vec<_> = requests.iter().map(Request::place).collect();
    assert!(epochs.iter().all(|(_, sequence)| *sequence == 1));
    epochs.dedup();
    assert_eq!(epochs.len(), 3);
    assert_eq!(test.counted(), [2, 0, 0, 2]);
}

/// Some samples are over a limit for now, and the same body would be taken for a repetition.
#[tokio::test]
async fn what_was_applied_but_not_all_stored_begins_anew() {
    let mut test = Test::new(Protocol::Auto).await;
    let (epoch, _) = test.send(&[STORED]).await[0].place();
    let part = Reply::Status(429, "X-Tidewatch-Frames-Sequence: 2\r\nretry-after: 0\r\n");
    let requests = test.send(&[part, STORED]).await;
    assert_eq!(requests[0].place(), (epoch, 2));
    assert!(requests[1].place().0 != epoch && requests[1].place().1 == 1);
    assert_eq!(test.counted(), [4, 0, 0, 1]);
}

#[tokio::test]
async fn a_receiver_without_frames_gets_what_it_knows() {
    let old = [
        Reply::Status(404, ""),
        Reply::Status(405, ""),
        Reply::Status(415, ""),
        Reply::Status(400, ""),
        PLAIN,
    ];
    for reply in old {
        let mut test = Test::new(Protocol::Auto).await;
        let requests = test.send(&[reply, STORED]).await;
        assert_eq!(paths(&requests), ["/api/v1/frames", "/api/v1/write"], "{reply:?}");
        assert!(requests[1].header("content-type").is_some_and(|kind| kind.contains("v2.Request")));
        let requests = test.send(&[PLAIN, PLAIN]).await;
        assert_eq!(paths(&requests), ["/api/v1/write"; 2]);
        assert_eq!(requests[1].header("content-type"), Some("application/x-protobuf"));
        assert_eq!(test.counted(), [4, 0, 0, 0]);
    }
}

#[tokio::test]
async fn a_new_connection_is_a_reason_to_try_frames_again() {
    let mut test = Test::new(Protocol::Auto).await;
    test.send(&[Reply::Status(404, ""), STORED]).await;
    let requests = test.send(&[Reply::Lost, STORED]).await;
    assert_eq!(paths(&requests), ["/api/v1/write"; 2]);
    assert_eq!(test.send(&[STORED]).await[0].place().1, 1);
}

#[tokio::test]
async fn what_is_refused_for_good_is_counted() {
    let mut test = Test::new(Protocol::Auto).await;
    let (epoch, _) = test.send(&[STORED]).await[0].place();
    // Some samples were refused, but the receiver is in step.
    let applied = Reply::Status(400, "X-Tidewatch-Frames-Sequence: 2\r\n");
    assert_eq!(test.send(&[applied]).await[0].place(), (epoch, 2));
    assert_eq!(test.counted(), [2, 2, 0, 0]);
    // The body was refused, so the receiver is not.
    let unread = Reply::Status(400, "X-Tidewatch-Frames-Sequence: 2\r\n");
    assert_eq!(test.send(&[unread]).await[0].place(), (epoch, 3));
    assert_eq!(test.counted(), [2, 4, 0, 0]);
    let (anew, sequence) = test.send(&[STORED]).await[0].place();
    assert!(anew != epoch && sequence == 1);
}

#[tokio::test]
async fn of_a_tick_that_is_stored_in_part_only_the_rest_is_refused() {
    let part = Reply::Status(
        400,
        "X-Tidewatch-Frames-Sequence: 1\r\nX-Prometheus-Remote-Write-Samples-Written: 1\r\n",
    );
    let mut test = Test::new(Protocol::Auto).await;
    let (epoch, _) = test.send(&[part]).await[0].place();
    assert_eq!(test.counted(), [1, 1, 0, 0]);
    assert_eq!(test.send(&[STORED]).await[0].place(), (epoch, 2));
}

#[tokio::test]
async fn a_choice_is_followed() {
    let mut test = Test::new(Protocol::RemoteWrite).await;
    assert_eq!(paths(&test.send(&[STORED]).await), ["/api/v1/write"]);
    let mut test = Test::new(Protocol::Frames).await;
    let requests = test.send(&[Reply::Status(404, ""), STORED]).await;
    assert_eq!(paths(&requests), ["/api/v1/frames"; 2]);
    assert_eq!(requests[0].place(), requests[1].place());
    assert_eq!(test.counted(), [2, 0, 0, 1]);
}

#[tokio::test]
async fn a_stop_amid_a_body_sends_the_same_again() {
    let Test { listener, sender, metrics, queue } = Test::new(Protocol::Auto).await;
    queue.push(batch());
    queue.push(batch());
    let stop = Stop::default();
    let script = [STORED, Reply::Stop, STORED];
    let ((), requests) = tokio::join!(sender.run(stop.clone()), serve(&listener, &script, &stop));
    let places: VecDeque<_> = requests.iter().map(|request| request.place().1).collect();
    assert_eq!(places, [1, 2, 2]);
    assert_eq!(metrics.samples_sent.get(), 4);
    assert_eq!(metrics.samples_dropped.get(), 0);
}
