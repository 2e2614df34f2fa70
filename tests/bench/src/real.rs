//! Real series of one Linux host, and remote-write bodies of them.
//!
//! The file, little endian, series after series: length and text of the labels, `{name="value", …}`;
//! a count; so many times in milliseconds; so many values.

use std::{path::Path, process::Command};

use model::write::{Sample, WriteBatch};
use wire::remote_write::Version;

use crate::load::{begin, body};

/// Beside the repository.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/node-1s.bin.xz");
/// Series of one request.
const REQUEST_SERIES: usize = 200;
/// What one request covers, in milliseconds.
const REQUEST_MILLIS: i64 = 300_000;

/// One series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) labels: Vec<(String, String)>,
    /// Milliseconds and value.
    pub(crate) samples: Vec<(i64, f64)>,
}

/// Unpacks and reads the file.
pub(crate) fn read() -> Result<Vec<Series>, String> {
    let path = Path::new(FILE);
    let mut command = Command::new("xz");
    let output = command.arg("-dc").arg(path).output();
    let output = output.map_err(|error| format!("xz (apt-get install xz-utils): {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    parse(&output.stdout).ok_or_else(|| format!("{} is cut short", path.display()))
}

fn parse(mut input: &[u8]) -> Option<Vec<Series>> {
    let mut all = Vec::new();
    while !input.is_empty() {
        let length = usize::try_from(word(&mut input)?).ok()?;
        let text = std::str::from_utf8(take(&mut input, length)?).ok()?;
        let count = usize::try_from(word(&mut input)?).ok()?;
        let bytes = count.checked_mul(8)?;
        let times = take(&mut input, bytes)?.as_chunks::<8>().0;
        let values = take(&mut input, bytes)?.as_chunks::<8>().0;
        let pairs = times.iter().zip(values);
        let samples =
            pairs.map(|(t, v)| (i64::from_le_bytes(*t), f64::from_le_bytes(*v))).collect();
        all.push(Series { labels: labels(text), samples });
    }
    Some(all)
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(taken)
}

fn word(input: &mut &[u8]) -> Option<u64> {
    take(input, 8)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Values with escapes stay as they are.
fn labels(text: &str) -> Vec<(String, String)> {
    let inner = text.trim().trim_start_matches('{').trim_end_matches('}');
    let parts = inner.split("\", ").filter_map(|part| part.split_once("=\""));
    let clean = |text: &str| text.trim_matches('"').to_owned();
    parts.map(|(name, value)| (clean(name), clean(value))).collect()
}

/// Every `step`th sample of each series, and of each at most `most`.
pub(crate) fn thin(all: &[Series], step: usize, most: usize) -> Vec<Series> {
    let thinned = |series: &Series| Series {
        labels: series.labels.clone(),
        samples: series.samples.iter().copied().step_by(step).take(most).collect(),
    };
    all.iter().map(thinned).collect()
}

pub(crate) fn samples(all: &[Series]) -> usize {
    all.iter().map(|series| series.samples.len()).sum()
}

/// Bodies in the order of time, so that no receiver finds a sample too old: a slice of time, and
/// within it all series that have samples then.
pub(crate) fn bodies(all: &[Series], version: Version) -> Result<Vec<Vec<u8>>, String> {
    let times = || all.iter().flat_map(|series| &series.samples).map(|(time, _)| *time);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(Vec::new()) };
    let mut done = vec![0; all.len()];
    let mut bodies = Vec::new();
    let mut end = first;
    while end <= last {
        end += REQUEST_MILLIS;
        for (series, done) in all.chunks(REQUEST_SERIES).zip(done.chunks_mut(REQUEST_SERIES)) {
            let mut batch = WriteBatch::default();
            for (series, done) in series.iter().zip(done) {
                let rest = series.samples.iter().skip(*done);
                let due: Vec<_> = rest.take_while(|(time, _)| *time < end).collect();
                if due.is_empty() {
                    continue;
                }
                *done += due.len();
                begin(&mut batch, &series.labels)?;
                for (time, value) in due {
                    batch.push_sample(Sample { time: *time, value: *value, start: 0 });
                }
            }
            if !batch.is_empty() {
                bodies.push(body(version, &batch)?);
            }
        }
    }
    Ok(bodies)
}

#[cfg(test)]
mod tests;
