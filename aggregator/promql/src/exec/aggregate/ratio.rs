//! `limit_ratio`: a part of the elements, chosen by a hash of their labels, so that the same query
//! always chooses the same.

use model::labels::Labels;

use super::{
    super::{Exec, grid::Grid, scalar::Scalar, series::Series},
    Extremes,
};
use crate::{
    annotations::Note,
    error::{EvalError, execution},
    plan::Node,
    span::Span,
    xxhash::xxh64,
};

impl Exec<'_> {
    pub(super) fn limit_ratio(
        &self,
        node: &Node,
        grid: Grid,
        ratio: &Scalar,
        span: Span,
    ) -> Result<Vec<Series>, EvalError> {
        let Extremes { min, max, any_nan } = Extremes::of(ratio);
        let is_zero = max == 0.0 && min == 0.0;
        if any_nan || is_zero {
            self.discard(node, grid)?;
            return if is_zero { Ok(Vec::new()) } else { execution("Ratio value is NaN") };
        }
        if max > 1.0 {
            self.note(Note::InvalidRatio { ratio: max, capped: 1.0 }, span);
        }
        if min < -1.0 {
            self.note(Note::InvalidRatio { ratio: min, capped: -1.0 }, span);
        }
        let mut kept = Vec::new();
        let mut charge = self.budget.charge(0)?;
        self.stream(node, grid, &[], &mut |mut series| {
            let place = place(&series.labels);
            series.column = series.column.filter_map(|step, cell| {
                is_chosen(place, ratio.at(step)).then(|| cell.to_sample())
            });
            if !series.column.is_empty() {
                charge.grow(series.column.weight())?;
                kept.push(series);
            }
            Ok(())
        })?;
        Ok(kept)
    }
}

/// A positive ratio chooses from below, a negative one from above, so that `r` and `r - 1` choose
/// complements.
fn is_chosen(place: f64, ratio: f64) -> bool {
    let ratio = ratio.clamp(-1.0, 1.0);
    (ratio > 0.0 && place < ratio) || (ratio < 0.0 && place >= 1.0 + ratio)
}

/// A place between 0 and 1 that depends on the labels alone, as Prometheus computes it.
fn place(labels: &Labels) -> f64 {
    let mut bytes = Vec::with_capacity(labels.as_bytes().len() + 16);
    let mut put = |text: &str| {
        // Lengths below 255 take one byte, others a marker and three.
        match u8::try_from(text.len()) {
            Ok(short) if short < 255 => bytes.push(short),
            _ => {
                bytes.push(255);
                bytes.extend(text.len().to_le_bytes().into_iter().take(3));
            }
        }
        bytes.extend_from_slice(text.as_bytes());
    };
    for (name, value) in labels {
        put(name);
        put(value);
    }
    xxh64(&bytes) as f64 / u64::MAX as f64
}
