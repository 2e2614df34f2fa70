//! Tests of decoding and encoding, and the helpers they share.

mod hostile;
mod official;
mod partition;
mod round_trip;
mod runs;
pub(crate) mod strategies;

use std::fmt::Write as _;

use model::{
    labels::Labels,
    write::{HistogramSample, Sample, WriteBatch},
};

use super::{DecodeError, DecodeOptions, DecodeStats, Version, decode};

/// One batch as text: exact, so that NaNs compare by their bits.
pub(crate) fn dump(batch: &WriteBatch) -> String {
    let mut text = String::new();
    for series in batch.series() {
        let labels = Labels::from_bytes(series.labels).expect("is packed");
        writeln!(text, "{labels}").expect("writes");
        for Sample { time, value, start } in series.samples {
            writeln!(text, "  {time} {:x} start {start}", value.to_bits()).expect("writes");
        }
        for HistogramSample { time, value, start } in series.histograms {
            let sum = value.sum.to_bits();
            writeln!(text, "  {time} {value:?} sum {sum:x} start {start}").expect("writes");
        }
        for exemplar in series.exemplars {
            let bits = exemplar.value.to_bits();
            writeln!(text, "  # {} {bits:x} {}", exemplar.labels, exemplar.time).expect("writes");
        }
    }
    for (metric, metadata) in batch.metadata() {
        writeln!(text, "{metric}: {metadata:?}").expect("writes");
    }
    text
}

fn decode_into_one(
    version: Version,
    body: &[u8],
) -> Result<(WriteBatch, DecodeStats), DecodeError> {
    let mut batch = WriteBatch::default();
    let stats = decode(version, body, &DecodeOptions::default(), &mut batch)?;
    assert_eq!(stats.series as usize, batch.series_count());
    assert_eq!((stats.samples + stats.histograms) as usize, batch.sample_count());
    assert_eq!(stats.exemplars as usize, batch.exemplar_count());
    assert_eq!(stats.metadata as usize, batch.metadata().len());
    Ok((batch, stats))
}

/// A length-delimited field, written independently of the encoder. For contents under 128 bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("is short");
    assert!(length < 0x80 && number < 16);
    [&[number << 3 | 2, length], content].concat()
}
