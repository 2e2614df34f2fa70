//! Taking histograms that are finer than anything stored here.
//!
//! Bucket `i` of schema `s` ends at `2^(i / 2^s)`, so a step to the next coarser schema merges the
//! buckets `2i - 1` and `2i` into `i`. Source: Prometheus' native histogram specification.

use super::{Histogram, InvalidHistogram, SCHEMA_MAX, SCHEMA_RESERVED_MAX, Span, validate_side};

impl Histogram {
    /// Checks what a sender gave, and reduces a reserved schema to [`SCHEMA_MAX`]. After an error
    /// the histogram is not to be used.
    pub fn admit(&mut self) -> Result<(), InvalidHistogram> {
        if (SCHEMA_MAX + 1..=SCHEMA_RESERVED_MAX).contains(&self.schema) {
            self.reduce_to(SCHEMA_MAX)?;
        }
        self.validate()
    }

    /// Merges buckets into those of a coarser exponential schema; one that is not coarser changes
    /// nothing.
    pub fn reduce_to(&mut self, schema: i32) -> Result<(), InvalidHistogram> {
        let Some(steps) = u32::try_from(self.schema.saturating_sub(schema)).ok() else {
            return Ok(());
        };
        if steps == 0 || self.is_custom() {
            return Ok(());
        }
        let positive = (&mut self.positive_spans, &mut self.positive_buckets);
        let negative = (&mut self.negative_spans, &mut self.negative_buckets);
        for (side, (spans, counts)) in [("positive", positive), ("negative", negative)] {
            // Spans that agree with the counts make the walk as short as the counts.
            validate_side(side, spans, counts)?;
            (*spans, *counts) = merge(side, spans, counts, steps)?;
        }
        self.schema = schema;
        Ok(())
    }
}

/// The index that a bucket falls into, so many schemas coarser.
fn coarser_index(index: i64, steps: u32) -> i64 {
    ((index - 1) >> steps.min(i64::BITS - 1)) + 1
}

fn merge(
    side: &'static str,
    spans: &[Span],
    counts: &[f64],
    steps: u32,
) -> Result<(Vec<Span>, Vec<f64>), InvalidHistogram> {
    let (mut merged, mut sums): (Vec<Span>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut counts = counts.iter().copied();
    let mut next = 0i64;
    // The index behind the last bucket that was put.
    let mut end = 0i64;
    for (number, span) in spans.iter().enumerate() {
        next += i64::from(span.offset);
        for count in counts.by_ref().take(span.length as usize) {
            let index = coarser_index(next, steps);
            next += 1;
            match (merged.last_mut(), sums.last_mut()) {
                (Some(_), Some(sum)) if index + 1 == end => {
                    *sum += count;
                    continue;
                }
                (Some(last), _) if index == end => last.length += 1,
                _ => {
                    // Gaps of several spans may add up to one that no span can say.
                    let offset = i32::try_from(index - end).map_err(|_too_far| {
                        InvalidHistogram::SpanOffset { side, number, offset: span.offset }
                    })?;
                    merged.push(Span { offset, length: 1 });
                }
            }
            sums.push(count);
            end = index + 1;
        }
    }
    Ok((merged, sums))
}

#[cfg(test)]
mod tests;
