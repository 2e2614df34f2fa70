//! The notation of histograms: `{{schema:1 count:22 sum:3 buckets:[5 10 7]}}`.

use model::histogram::{Histogram, ResetHint, Span};

use super::notation::Reader;

/// Parses a histogram, which is next. Also whether its reset hint was written.
pub(super) fn parse(reader: &mut Reader<'_>) -> Result<(Histogram, bool), String> {
    reader.accept("{{");
    let mut histogram = Histogram::default();
    let mut seen: Vec<String> = Vec::new();
    let (mut offset, mut negative_offset) = (0, 0);
    loop {
        reader.rest = reader.rest.trim_start();
        if reader.accept("}}") {
            break;
        }
        let key = reader.take_while(|c| c.is_ascii_alphabetic() || c == '_').to_ascii_lowercase();
        if !reader.accept(":") {
            return Err(format!("histogram description incomplete: {:?}", reader.rest));
        }
        if seen.contains(&key) {
            return Err(format!("duplicate key \"{key}\" in histogram"));
        }
        match key.as_str() {
            "schema" => histogram.schema = integer(reader)?,
            "sum" => histogram.sum = reader.number()?,
            "count" => histogram.count = reader.number()?,
            "z_bucket" => histogram.zero_count = reader.number()?,
            "z_bucket_w" => histogram.zero_threshold = reader.number()?,
            "custom_values" => histogram.custom_values = numbers(reader)?,
            "buckets" => histogram.positive_buckets = numbers(reader)?,
            "n_buckets" => histogram.negative_buckets = numbers(reader)?,
            "offset" => offset = integer(reader)?,
            "n_offset" => negative_offset = integer(reader)?,
            "counter_reset_hint" => histogram.reset_hint = hint(reader)?,
            _ => return Err(format!("bad histogram descriptor found: {key:?}")),
        }
        seen.push(key);
    }
    histogram.positive_spans = spans(offset, histogram.positive_buckets.len());
    histogram.negative_spans = spans(negative_offset, histogram.negative_buckets.len());
    let hint_given = seen.iter().any(|key| key == "counter_reset_hint");
    Ok((histogram, hint_given))
}

fn spans(offset: i32, buckets: usize) -> Vec<Span> {
    match u32::try_from(buckets) {
        Ok(0) | Err(_) => Vec::new(),
        Ok(length) => vec![Span { offset, length }],
    }
}

fn integer(reader: &mut Reader<'_>) -> Result<i32, String> {
    let text = reader.take_while(|c| c.is_ascii_digit() || c == '-');
    text.parse().map_err(|_| format!("invalid integer {text:?} in histogram"))
}

/// Numbers in brackets, separated by spaces.
fn numbers(reader: &mut Reader<'_>) -> Result<Vec<f64>, String> {
    if !reader.accept("[") {
        return Err(format!("expected \"[\" in histogram, got {:?}", reader.rest));
    }
    let mut numbers = Vec::new();
    loop {
        reader.rest = reader.rest.trim_start();
        if reader.accept("]") {
            return Ok(numbers);
        }
        numbers.push(reader.number()?);
    }
}

fn hint(reader: &mut Reader<'_>) -> Result<ResetHint, String> {
    Ok(match reader.take_while(|c| c.is_ascii_alphabetic() || c == '_') {
        "unknown" => ResetHint::Unknown,
        "reset" => ResetHint::Reset,
        "not_reset" => ResetHint::NotReset,
        "gauge" => ResetHint::Gauge,
        other => return Err(format!("unknown counter reset hint {other:?}")),
    })
}
