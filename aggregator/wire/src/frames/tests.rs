//! Tests of both ends together, and the receiver that they share.

mod golden;
mod groups;
mod hostile;
mod replay;
mod rest;
mod round_trip;

use std::collections::BTreeMap;

use model::{
    labels::Labels,
    write::{Sample, WriteBatch},
};

use super::{Body, EncodeStats, Encoder, FramesError, Message, Options};
use crate::remote_write::{self, DecodeOptions, Version};

const LIFT: &str = "tenant";
const TIME: i64 = 1_700_000_000_000;

/// One float sample as it reached the receiver: labels with the tenant among them, time, bits.
type Received = (String, i64, u64);

/// The plainest receiver: rows by group number.
#[derive(Debug, Default)]
struct Receiver {
    rows: BTreeMap<u32, (Vec<Labels>, Vec<u64>)>,
    /// What happened, a line for each message.
    log: Vec<String>,
}

impl Receiver {
    /// Carries out a body. Gives the float samples of its frames, sorted, and its batch.
    fn receive(&mut self, body: &[u8]) -> Result<(Vec<Received>, WriteBatch), FramesError> {
        let (mut samples, mut batch) = (Vec::new(), WriteBatch::default());
        self.log.clear();
        let options = Options { lift: Some(LIFT), ..Options::default() };
        let mut messages = Body::read(body)?.messages(options);
        while let Some(message) = messages.next_message()? {
            match message {
                Message::Group(group) => {
                    self.log.push(format!("group {} of {}", group.number, group.members.len()));
                    let labels = group.members.map(|packed| {
                        let labels = Labels::from_bytes(packed).expect("is packed");
                        labels.with(LIFT, group.tenant.unwrap_or_default())
                    });
                    let labels: Vec<_> = labels.collect();
                    let row = vec![0; labels.len()];
                    assert!(self.rows.insert(group.number, (labels, row)).is_none(), "is free");
                }
                Message::Frame(frame) => {
                    self.log.push(format!("frame {}", frame.group));
                    let (labels, row) = self.rows.get_mut(&frame.group).expect("is registered");
                    codec::frame::apply(frame.payload, row).expect("follows");
                    let row = labels.iter().zip(&*row);
                    samples
                        .extend(row.map(|(labels, bits)| (labels.to_string(), frame.time, *bits)));
                }
                Message::Drop(number) => {
                    self.log.push(format!("drop {number}"));
                    self.rows.remove(&number).expect("was registered");
                }
                Message::Batch(request) => {
                    self.log.push("batch".to_owned());
                    let options = DecodeOptions::default();
                    let stats = remote_write::decode(Version::V2, request, &options, &mut batch);
                    let skipped = stats.expect("decodes").skipped;
                    assert!(skipped.is_empty(), "{skipped}");
                }
            }
        }
        samples.sort();
        Ok((samples, batch))
    }
}

/// A sender and its receiver.
#[derive(Debug)]
struct Link {
    encoder: Encoder,
    receiver: Receiver,
    body: Vec<u8>,
}

impl Default for Link {
    fn default() -> Self {
        let encoder = Encoder::new(7, LIFT);
        Self { encoder, receiver: Receiver::default(), body: Vec::new() }
    }
}

impl Link {
    fn send(&mut self, batch: &WriteBatch) -> (Vec<Received>, WriteBatch, EncodeStats) {
        let stats = self.encoder.encode(batch, &mut self.body);
        let (samples, rest) = self.receiver.receive(&self.body).expect("is read");
        assert_eq!(stats.framed, samples.len());
        (samples, rest, stats)
    }

    /// What the receiver saw of a batch.
    fn log(&mut self, batch: &WriteBatch) -> String {
        self.send(batch);
        self.receiver.log.join(", ")
    }
}

/// Float samples of a batch, sorted.
fn floats(batch: &WriteBatch) -> Vec<Received> {
    let all = batch.series().flat_map(|series| {
        let labels = Labels::from_bytes(series.labels).expect("is packed").to_string();
        let samples = series.samples.iter();
        samples.map(move |sample| (labels.clone(), sample.time, sample.value.to_bits()))
    });
    let mut all: Vec<_> = all.collect();
    all.sort();
    all
}

/// A batch of `metric` series of one app each, written `tenant/app/metric`.
fn tick(number: i64, series: &[&str]) -> WriteBatch {
    let mut batch = WriteBatch::default();
    for (index, name) in series.iter().enumerate() {
        let mut parts = name.split('/');
        let mut next = || parts.next().expect("has three parts");
        let (tenant, app, metric) = (next(), next(), next());
        batch
            .begin_series(&mut [("__name__", metric), ("app", app), (LIFT, tenant)])
            .expect("is valid");
        let value = (number * 100) as f64 + index as f64;
        batch.push_sample(Sample { time: TIME + number * 1000, value, start: 0 });
    }
    batch
}
