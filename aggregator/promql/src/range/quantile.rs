//! Quantiles of floats.

/// The value that a fraction of the values does not exceed, interpolated between neighbours. NaN
/// counts as the least. The values are put in order.
pub(crate) fn quantile(fraction: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || fraction.is_nan() {
        return f64::NAN;
    }
    if fraction < 0.0 {
        return f64::NEG_INFINITY;
    }
    if fraction > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(|a, b| match (a.is_nan(), b.is_nan()) {
        (false, false) => a.total_cmp(b),
        (a, b) => b.cmp(&a),
    });
    let last = values.len() - 1;
    let rank = fraction * last as f64;
    let lower = rank.floor().max(0.0);
    let weight = rank - rank.floor();
    let at = lower as usize;
    let value = |at: usize| values.get(at.min(last)).copied().unwrap_or(f64::NAN);
    value(at) * (1.0 - weight) + value(at + 1) * weight
}
