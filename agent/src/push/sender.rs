//! The queue's other end: writes bodies, sends them, and acts on the answers.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use codec::inflate::{self, Compression};
use daemon::{http, stop::Stop};
use model::tenant::TENANT_LABEL;
use reqwest::{Url, header};
use tokio::time::Instant;
use wire::{
    frames::{self, Encoder, Verdict},
    remote_write::{self, HEADER_HISTOGRAMS_WRITTEN, HEADER_SAMPLES_WRITTEN, HEADER_VERSION},
};

use super::{
    line::Line,
    protocol::{Language, Protocol},
    queue::Tick,
};
use crate::{
    config::{InvalidSettings, Receiver},
    metrics::AgentMetrics,
};

/// First and longest wait between attempts.
const BACKOFF_MIN: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// A receiver's `Retry-After` is followed up to this.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(1);
/// One attempt may take this long.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What is still queued at a stop gets this long.
const DRAIN: Duration = Duration::from_secs(3);
const COMPLAIN_EVERY: Duration = Duration::from_mins(1);
/// How much of a refusal is read, to be shown.
const COMPLAINT_BYTES_MAX: usize = 4096;

/// Sends one tick after the other to one destination, each until it is taken or refused for good.
pub(crate) struct Sender {
    line: Line,
    client: reqwest::Client,
    frames_url: Url,
    write_url: Url,
    token: String,
    protocol: Protocol,
    encoder: Encoder,
    /// The tick that is being sent.
    due: Option<Due>,
    complained: Option<Instant>,
    metrics: AgentMetrics,
}

struct Due {
    tick: Arc<Tick>,
    /// Kept until it is answered, because frames must come again as they were.
    body: Option<Body>,
}

/// A tick as it is sent.
#[derive(Clone)]
struct Body {
    bytes: Vec<u8>,
    language: Language,
    compression: Option<Compression>,
    /// That of frames, 0 for remote write.
    sequence: u64,
}

/// What became of one attempt.
struct Answer {
    verdict: Verdict,
    why: String,
    /// Samples and histograms that the receiver says it stored, 0 where it says nothing.
    stored: u64,
    /// How long the receiver asks to be left alone.
    wait: Option<Duration>,
    /// Whether there was an answer at all.
    answered: bool,
}

impl Sender {
    pub(super) fn new(
        line: Line,
        receiver: Receiver,
        metrics: AgentMetrics,
    ) -> Result<Self, InvalidSettings> {
        let Receiver { frames_url, write_url, token, protocol } = receiver;
        Ok(Self {
            line,
            client: http::client(TIMEOUT).map_err(daemon::control::ControlError::from)?,
            frames_url,
            write_url,
            token,
            protocol: Protocol::new(protocol),
            encoder: Encoder::new(random(), TENANT_LABEL),
            due: None,
            complained: None,
            metrics,
        })
    }

    /// Sends until `stop`, then for a short while what is left.
    pub(crate) async fn run(mut self, stop: Stop) {
        loop {
            let sent = tokio::select! {
                sent = self.send_next() => sent,
                // Cut off in the middle: the receiver takes the same body twice gladly.
                () = stop.stopped() => return self.drain().await,
            };
            if sent {
                continue;
            }
            tokio::select! {
                () = self.line.changed() => {}
                () = stop.stopped() => return self.drain().await,
            }
        }
    }

    /// Sends the next tick, if there is one. May be dropped and called again.
    async fn send_next(&mut self) -> bool {
        if self.due.is_none() {
            self.due = self.line.next().await.map(|tick| Due { tick, body: None });
        }
        let sends = self.due.is_some();
        self.deliver().await;
        sends
    }

    async fn drain(&mut self) {
        let all = async { while self.send_next().await {} };
        if tokio::time::timeout(DRAIN, all).await.is_err() {
            let lost = self.line.abandon();
            if lost > 0 {
                tracing::warn!(samples = lost, "the last samples were not taken, and are lost");
            }
        }
    }

    /// Returns when the tick that is due is taken or refused for good. May be dropped and called
    /// again, and goes on where it was.
    async fn deliver(&mut self) {
        let mut backoff = BACKOFF_MIN;
        while let Some(body) = self.body() {
            let (language, sequence) = (body.language, body.sequence);
            let answer = self.attempt(body).await;
            let mut rest = false;
            match answer.verdict {
                Verdict::Stored => {
                    let samples = self.done();
                    self.metrics.samples_sent.inc_by(samples);
                }
                Verdict::Refused { applied } => {
                    let samples = self.done();
                    let stored = answer.stored.min(samples);
                    self.metrics.samples_sent.inc_by(stored);
                    self.metrics.samples_refused.inc_by(samples - stored);
                    self.complain(&answer.why);
                    if !applied {
                        self.encoder.reset(random());
                    }
                }
                Verdict::BeginAnew => {
                    tracing::debug!(answer.why, "the receiver asks to begin anew");
                    self.metrics.send_failures.inc();
                    self.encoder.reset(random());
                    self.rewrite();
                    // One that refuses even a beginning is asked less and less often.
                    rest = sequence <= 1 || answer.wait.is_some();
                }
                Verdict::Unknown => rest = !self.fall_back(language, &answer.why),
                Verdict::Later => {
                    self.metrics.send_failures.inc();
                    tracing::debug!(answer.why, "samples are sent again later");
                    if !answer.answered {
                        self.protocol.disconnected(Instant::now());
                    }
                    rest = true;
                }
            }
            if rest {
                let asked = answer.wait.map_or(backoff, |wait| wait.min(RETRY_AFTER_MAX));
                let wait = asked.max(backoff);
                tokio::time::sleep(wait).await;
                backoff = (backoff * 2).min(BACKOFF_MAX);
            }
        }
    }

    /// The tick that was due is no longer. Returns how many samples it had.
    fn done(&mut self) -> u64 {
        let Some(due) = self.due.take() else { return 0 };
        self.line.taken(&due.tick);
        due.tick.samples
    }

    /// The tick that is due needs another body.
    fn rewrite(&mut self) {
        if let Some(due) = &mut self.due {
            due.body = None;
        }
    }

    /// Turns to another language, if there is one.
    fn fall_back(&mut self, language: Language, why: &str) -> bool {
        let falls = self.protocol.unknown(language, Instant::now());
        if falls {
            let unknown = language.as_str();
            tracing::info!(unknown, why, "the receiver does not know what was sent");
            self.encoder.reset(random());
            self.rewrite();
        } else {
            self.metrics.send_failures.inc();
            self.complain(why);
        }
        falls
    }

    /// Once a minute: a reason that lasts would fill the log, and the counter tells how often.
    fn complain(&mut self, why: &str) {
        let now = Instant::now();
        if self.complained.is_none_or(|last| now - last >= COMPLAIN_EVERY) {
            self.complained = Some(now);
            tracing::warn!(why, "the aggregator refused samples");
        }
    }

    /// The body of the tick that is due, written if it has none yet.
    fn body(&mut self) -> Option<Body> {
        let due = self.due.as_mut()?;
        if due.body.is_none() {
            let language = self.protocol.language(Instant::now());
            due.body = Some(write(&due.tick, language, &mut self.encoder));
        }
        due.body.clone()
    }

    async fn attempt(&self, body: Body) -> Answer {
        let Body { bytes, language, compression, sequence } = body;
        let label = [("protocol", language.as_str())];
        self.metrics.bytes_sent.get_or_create(&label).inc_by(bytes.len() as u64);
        let request = match language {
            Language::Frames => self
                .client
                .post(self.frames_url.clone())
                .header(header::CONTENT_TYPE, frames::CONTENT_TYPE),
            Language::RemoteWrite(version) => self
                .client
                .post(self.write_url.clone())
                .header(header::CONTENT_TYPE, version.content_type())
                .header(HEADER_VERSION, version.header()),
        };
        let request = match compression {
            Some(compression) => request.header(header::CONTENT_ENCODING, compression.as_str()),
            None => request,
        };
        let request =
            if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
        let answer = match request.body(bytes).send().await {
            Ok(answer) => answer,
            Err(error) => {
                let why = daemon::telemetry::chain(&error);
                return Answer {
                    verdict: Verdict::Later,
                    why,
                    stored: 0,
                    wait: None,
                    answered: false,
                };
            }
        };
        let status = answer.status();
        let text = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let verdict = language.verdict(status.as_u16(), sequence, text);
        let wait = text(header::RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok());
        let wait = wait.map(Duration::from_secs);
        let count = |name| text(name).and_then(|count| count.trim().parse().ok()).unwrap_or(0u64);
        let stored = count(HEADER_SAMPLES_WRITTEN).saturating_add(count(HEADER_HISTOGRAMS_WRITTEN));
        let why = match verdict {
            Verdict::Stored => String::new(),
            _ => format!("{status}: {}", complaint(answer).await),
        };
        Answer { verdict, why, stored, wait, answered: true }
    }
}

/// A number that no other sender has, from the standard library's own source of hash keys, which
/// the operating system seeds.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn write(tick: &Tick, language: Language, encoder: &mut Encoder) -> Body {
    let mut plain = Vec::new();
    let (compression, sequence) = match language {
        Language::Frames => {
            let written = encoder.encode(&tick.batch, &mut plain);
            // Label sets shrink to a third; what changed between two ticks hardly does.
            let worth = written.groups_registered > 0;
            (worth.then_some(Compression::Zstd), encoder.sequence())
        }
        Language::RemoteWrite(version) => {
            remote_write::encode(version, &tick.batch, &mut plain);
            (Some(Compression::Snappy), 0)
        }
    };
    let Some(format) = compression else {
        return Body { bytes: plain, language, compression, sequence };
    };
    let mut bytes = Vec::new();
    if let Err(error) = inflate::compress(format, &plain, &mut bytes) {
        // Only a body of 4 GiB gets here, which the queue's bound rules out.
        tracing::error!(%error, "samples cannot be compressed");
    }
    Body { bytes, language, compression, sequence }
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

#[cfg(test)]
mod tests;
