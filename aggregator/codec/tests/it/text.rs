//! The text of golden files: floats as bits in hexadecimal, integers in decimal.

use codec::{
    chunk::{self, ChunkError, Zone},
    frame,
};
use model::histogram::{Histogram, Span};

use super::Samples;

/// A file that has been read.
pub(crate) struct File {
    pub(crate) kind: String,
    pub(crate) count: usize,
    pub(crate) bytes: Vec<u8>,
    pub(crate) times: Vec<i64>,
    pub(crate) samples: Vec<String>,
}

pub(crate) fn read(text: &str) -> Option<File> {
    let mut lines = text.lines();
    lines.next()?.strip_prefix("# ")?;
    let kind = lines.next()?.strip_prefix("kind ")?.to_owned();
    let count = lines.next()?.strip_prefix("count ")?.parse().ok()?;
    let bytes = lines.next()?.strip_prefix("chunk ")?.split(' ');
    let bytes = bytes.map(|byte| u8::from_str_radix(byte, 16).ok()).collect::<Option<_>>()?;
    let mut line = lines.next()?;
    let mut times = Vec::new();
    if let Some(list) = line.strip_prefix("times ") {
        times = list.split(' ').map(|time| time.parse().ok()).collect::<Option<_>>()?;
        line = lines.next()?;
    }
    (line == "samples").then_some(())?;
    Some(File { kind, count, bytes, times, samples: lines.map(str::to_owned).collect() })
}

/// Kind, lines and times of what a file is to hold.
pub(crate) fn samples(samples: &Samples) -> (&'static str, Vec<String>, Vec<i64>) {
    match samples {
        Samples::Values(values) => ("values", floats(values), Vec::new()),
        Samples::Times(times) => ("times", times.iter().map(i64::to_string).collect(), Vec::new()),
        Samples::Starts(starts, times) => {
            ("starts", starts.iter().map(i64::to_string).collect(), times.clone())
        }
        Samples::Histograms(histograms) => {
            let lines = histograms.iter().map(|histogram| self::histogram(histogram));
            ("histograms", lines.collect(), Vec::new())
        }
        Samples::Zone(values) => (
            "zone",
            Zone::of(values).map(|zone| self::zone(&zone)).into_iter().collect(),
            Vec::new(),
        ),
        Samples::Frame(previous, current) => {
            let previous = previous.iter().map(|value| value.to_bits() as i64);
            ("frame", floats(current), previous.collect())
        }
    }
}

pub(crate) fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Decodes a chunk into lines.
pub(crate) fn decode(
    kind: &str,
    bytes: &[u8],
    count: usize,
    times: &[i64],
) -> Result<Vec<String>, ChunkError> {
    let (mut values, mut integers, mut histograms) = (Vec::new(), Vec::new(), Vec::new());
    match kind {
        "values" => chunk::decode_values(bytes, count, &mut values)?,
        "times" => chunk::decode_times(bytes, count, &mut integers)?,
        "starts" => chunk::decode_starts(bytes, times, &mut integers)?,
        "histograms" => chunk::decode_histograms(bytes, count, &mut histograms)?,
        "zone" => {
            let mut input = bytes;
            let zone = Zone::take(
                &mut input,
                u32::try_from(count).map_err(|_| ChunkError::Count(count))?,
            )?;
            assert!(input.is_empty());
            return Ok(vec![self::zone(&zone)]);
        }
        "frame" => {
            let mut row: Vec<u64> = times.iter().map(|bits| *bits as u64).collect();
            row.resize(count, 0);
            frame::apply(bytes, &mut row).map_err(|_| ChunkError::Invalid("frame"))?;
            values.extend(row.into_iter().map(f64::from_bits));
        }
        _ => panic!("unknown kind {kind}"),
    }
    let mut lines = floats(&values);
    lines.extend(integers.iter().map(i64::to_string));
    lines.extend(histograms.iter().map(|histogram| self::histogram(histogram)));
    Ok(lines)
}

pub(crate) fn integers(integers: &[i64]) -> String {
    integers.iter().map(i64::to_string).collect::<Vec<_>>().join(" ")
}

fn float(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}

fn floats(values: &[f64]) -> Vec<String> {
    values.iter().copied().map(float).collect()
}

fn histogram(histogram: &Histogram) -> String {
    let spans = |spans: &[Span]| {
        let spans = spans.iter().map(|span| format!("{}+{}", span.offset, span.length));
        spans.collect::<Vec<_>>().join(",")
    };
    format!(
        "schema {} hint {:?} threshold {} zero {} count {} sum {} positive [{}] {} negative [{}] {} custom {}",
        histogram.schema,
        histogram.reset_hint,
        float(histogram.zero_threshold),
        float(histogram.zero_count),
        float(histogram.count),
        float(histogram.sum),
        spans(&histogram.positive_spans),
        floats(&histogram.positive_buckets).join(","),
        spans(&histogram.negative_spans),
        floats(&histogram.negative_buckets).join(","),
        floats(&histogram.custom_values).join(","),
    )
}

fn zone(zone: &Zone) -> String {
    let Zone { count, stale, min, max, first, last, uniform } = *zone;
    format!(
        "count {count} stale {stale} uniform {uniform} min {} max {} first {} last {}",
        float(min),
        float(max),
        float(first),
        float(last)
    )
}
