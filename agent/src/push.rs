//! Pushing what was collected: a bounded queue, and one sender that tries until it is taken.
//!
//! Each tick becomes one remote-write body. 2.0 is sent until a receiver shows that it does not know
//! it (415, or an answer without counts), then 1.0.
//! What the receiver cannot take now (no answer, 429, 5xx) is sent again with growing waits, or
//! when the receiver's `Retry-After` says; what it will never take (other 4xx) is dropped. Nothing
//! is dropped uncounted.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use codec::inflate::{self, Compression};
use daemon::{http, stop::Stop};
use model::write::WriteBatch;
use reqwest::{StatusCode, Url, header};
use tokio::{sync::Notify, time::Instant};
use wire::remote_write::{self, HEADER_SAMPLES_WRITTEN, HEADER_VERSION, Version};

use crate::metrics::AgentMetrics;

/// First and longest wait between attempts.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// One attempt may take this long.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What is still queued at a stop gets this long.
const DRAIN: Duration = Duration::from_secs(3);
const COMPLAIN_EVERY: Duration = Duration::from_mins(1);
/// How much of a refusal is read, to be shown.
const COMPLAINT_BYTES_MAX: usize = 4096;

/// One tick, encoded for either version when it is sent.
struct Tick {
    batch: WriteBatch,
    /// Estimated memory in bytes.
    bytes: usize,
    samples: u64,
}

/// The queue's entrance. Clones are the same.
#[derive(Clone)]
pub(crate) struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    waiting: Mutex<Waiting>,
    /// Told when something was queued.
    queued: Notify,
    bytes_max: usize,
    metrics: AgentMetrics,
}

#[derive(Default)]
struct Waiting {
    ticks: VecDeque<Tick>,
    bytes: usize,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize, metrics: AgentMetrics) -> Self {
        let inner = Inner { waiting: Mutex::default(), queued: Notify::new(), bytes_max, metrics };
        Self { inner: Arc::new(inner) }
    }

    /// Queues a tick; the oldest make room when the queue is full.
    pub(crate) fn push(&self, batch: WriteBatch) {
        let bytes = estimate(&batch);
        let samples = batch.sample_count() as u64;
        let mut waiting = self.waiting();
        waiting.bytes += bytes;
        waiting.ticks.push_back(Tick { batch, bytes, samples });
        while waiting.bytes > self.inner.bytes_max && waiting.ticks.len() > 1 {
            if let Some(oldest) = waiting.ticks.pop_front() {
                waiting.bytes -= oldest.bytes;
                self.inner.metrics.samples_dropped.inc_by(oldest.samples);
            }
        }
        self.inner.metrics.queue_bytes.set(i64::try_from(waiting.bytes).unwrap_or(i64::MAX));
        drop(waiting);
        self.inner.queued.notify_one();
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.inner.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pop(&self) -> Option<Tick> {
        let mut waiting = self.waiting();
        let tick = waiting.ticks.pop_front()?;
        waiting.bytes -= tick.bytes;
        self.inner.metrics.queue_bytes.set(i64::try_from(waiting.bytes).unwrap_or(i64::MAX));
        Some(tick)
    }
}

/// Memory that a batch takes: about 40 bytes a sample, and its labels and histograms.
fn estimate(batch: &WriteBatch) -> usize {
    let series = batch.series().map(|series| {
        let buckets: usize = series
            .histograms
            .iter()
            .map(|sample| sample.value.positive_buckets.len() + sample.value.negative_buckets.len())
            .sum();
        series.labels.len() + 64 + buckets * 8 + series.histograms.len() * 200
    });
    series.sum::<usize>() + batch.sample_count() * 40
}

/// The queue's other end.
pub(crate) struct Sender {
    queue: Queue,
    client: reqwest::Client,
    url: Url,
    token: String,
    version: Version,
    complained: Option<Instant>,
    metrics: AgentMetrics,
}

/// What became of one attempt.
enum Attempt {
    Taken,
    /// The receiver stored what it could and will never take the rest.
    Refused(String),
    Later {
        why: String,
        wait: Option<Duration>,
    },
    /// The receiver does not know this version.
    OtherVersion,
}

impl Sender {
    pub(crate) fn new(
        queue: Queue,
        aggregator: &str,
        token: String,
        metrics: AgentMetrics,
    ) -> Result<Self, daemon::control::ControlError> {
        let mut url = Url::parse(aggregator)
            .map_err(|_error| daemon::control::ControlError::Address(aggregator.to_owned()))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1", "write"]);
        }
        let client = http::client(TIMEOUT)?;
        Ok(Self { queue, client, url, token, version: Version::V2, complained: None, metrics })
    }

    /// Sends until `stop`, then for a short while what is left.
    pub(crate) async fn run(mut self, stop: Stop) {
        loop {
            match self.queue.pop() {
                Some(tick) => {
                    tokio::select! {
                        () = self.deliver(&tick) => continue,
                        () = stop.stopped() => {}
                    }
                    // Cut off in the middle: the receiver takes the same samples twice gladly.
                    self.drain(Some(tick)).await;
                    return;
                }
                None => tokio::select! {
                    () = self.queue.inner.queued.notified() => {}
                    () = stop.stopped() => return self.drain(None).await,
                },
            }
        }
    }

    async fn drain(&mut self, first: Option<Tick>) {
        let mut under_way = 0;
        let all = async {
            let mut next = first;
            while let Some(tick) = next.take().or_else(|| self.queue.pop()) {
                under_way = tick.samples;
                self.deliver(&tick).await;
            }
        };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            let waiting = std::iter::from_fn(|| self.queue.pop()).map(|tick| tick.samples);
            let lost = under_way + waiting.sum::<u64>();
            self.metrics.samples_dropped.inc_by(lost);
            tracing::warn!(samples = lost, "the aggregator did not take the last samples");
        }
    }

    /// Returns when the tick is taken or refused for good.
    async fn deliver(&mut self, tick: &Tick) {
        let mut backoff = BACKOFF_MIN;
        let mut body = self.encode(tick);
        loop {
            match self.attempt(body.clone()).await {
                Attempt::Taken => {
                    self.metrics.samples_sent.inc_by(tick.samples);
                    return;
                }
                Attempt::Refused(why) => {
                    self.metrics.samples_refused.inc_by(tick.samples);
                    self.complain(&why);
                    return;
                }
                Attempt::OtherVersion => {
                    tracing::info!("the receiver does not know remote write 2.0; sending 1.0");
                    self.version = Version::V1;
                    body = self.encode(tick);
                }
                Attempt::Later { why, wait } => {
                    self.metrics.send_failures.inc();
                    tracing::debug!(why, "samples are sent again later");
                    let wait = wait.unwrap_or(backoff).clamp(BACKOFF_MIN, BACKOFF_MAX);
                    tokio::time::sleep(wait).await;
                    backoff = (backoff * 2).min(BACKOFF_MAX);
                }
            }
        }
    }

    /// Once a minute: a reason that lasts would fill the log, and the counter tells how often.
    fn complain(&mut self, why: &str) {
        let now = Instant::now();
        if self.complained.is_none_or(|last| now - last >= COMPLAIN_EVERY) {
            self.complained = Some(now);
            tracing::warn!(why, "the aggregator refused samples");
        }
    }

    fn encode(&self, tick: &Tick) -> Vec<u8> {
        let mut plain = Vec::new();
        remote_write::encode(self.version, &tick.batch, &mut plain);
        let mut body = Vec::new();
        if let Err(error) = inflate::compress(Compression::Snappy, &plain, &mut body) {
            // Only a body of 4 GiB gets here, which the queue's bound rules out.
            tracing::error!(%error, "samples cannot be compressed");
        }
        body
    }

    async fn attempt(&self, body: Vec<u8>) -> Attempt {
        self.metrics.bytes_sent.inc_by(body.len() as u64);
        let request = self
            .client
            .post(self.url.clone())
            .bearer_auth(&self.token)
            .header(header::CONTENT_TYPE, self.version.content_type())
            .header(header::CONTENT_ENCODING, Compression::Snappy.as_str())
            .header(HEADER_VERSION, self.version.header())
            .body(body);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                return Attempt::Later { why: daemon::telemetry::chain(&error), wait: None };
            }
        };
        let status = answer.status();
        if status.is_success() {
            // A receiver that knows only 1.0 takes a 2.0 body for an empty one and is content. One
            // that knows 2.0 says how much it stored (Remote-Write 2.0, "Required Written headers").
            let counted = answer.headers().contains_key(HEADER_SAMPLES_WRITTEN);
            return if counted || self.version == Version::V1 {
                Attempt::Taken
            } else {
                Attempt::OtherVersion
            };
        }
        let wait = answer
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let why = format!("{status}: {}", complaint(answer).await);
        match status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE if self.version == Version::V2 => {
                Attempt::OtherVersion
            }
            // A token can be mended without a restart, so this is not the samples' end.
            StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS => {
                Attempt::Later { why, wait }
            }
            _ if status.is_server_error() => Attempt::Later { why, wait },
            _ => Attempt::Refused(why),
        }
    }
}

async fn complaint(mut answer: reqwest::Response) -> String {
    let mut text = Vec::new();
    while let Ok(Some(part)) = answer.chunk().await {
        text.extend_from_slice(&part);
        if text.len() > COMPLAINT_BYTES_MAX {
            text.truncate(COMPLAINT_BYTES_MAX);
            break;
        }
    }
    String::from_utf8_lossy(&text).trim().to_owned()
}
