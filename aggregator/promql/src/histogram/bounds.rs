//! The bounds of buckets.

use std::sync::LazyLock;

use model::histogram::{SCHEMA_CUSTOM, SCHEMA_MAX};

/// 2^(i/256 - 1) for i from 0 to 255: the bounds of the finest schema between 0.5 and 1.
static FRACTIONS: LazyLock<Vec<f64>> = LazyLock::new(fractions);

/// Each schema puts one bound between those of the coarser one. Rounding at each step and a square
/// root of two that is rounded down give the bounds of Prometheus to the last bit, which labels of
/// `count_values` show.
fn fractions() -> Vec<f64> {
    let mut bounds = vec![0.5];
    let mut factor = 2f64;
    for schema in 1..=SCHEMA_MAX {
        factor = factor.sqrt();
        let factor = if schema == 1 { factor.next_down() } else { factor };
        bounds = bounds.iter().flat_map(|bound| [*bound, bound * factor]).collect();
    }
    bounds
}

/// The upper bound of the bucket with this index; the lower bound is that of the index before.
pub(crate) fn upper(index: i32, schema: i32, custom: &[f64]) -> f64 {
    if schema == SCHEMA_CUSTOM {
        return match usize::try_from(index) {
            Err(_) => f64::NEG_INFINITY,
            Ok(index) => custom.get(index).copied().unwrap_or(f64::INFINITY),
        };
    }
    exponential(index, schema)
}

/// `2^(index · 2^-schema)`. The bucket below infinity ends at the greatest float instead.
pub(crate) fn exponential(index: i32, schema: i32) -> f64 {
    let index = i64::from(index);
    let (fraction, exponent) = if schema <= 0 {
        (0.5, (index << (-schema).min(31)) + 1)
    } else {
        let schema = schema.min(SCHEMA_MAX);
        let place = index & ((1 << schema) - 1);
        let place = usize::try_from(place << (SCHEMA_MAX - schema)).unwrap_or(0);
        (FRACTIONS.get(place).copied().unwrap_or(0.5), (index >> schema) + 1)
    };
    if fraction == 0.5 && exponent == 1025 {
        return f64::MAX;
    }
    scale(fraction, exponent)
}

/// `fraction · 2^exponent`, in two steps so that subnormal results come out right.
fn scale(fraction: f64, exponent: i64) -> f64 {
    let exponent = i32::try_from(exponent.clamp(-2200, 2200)).unwrap_or(0);
    let half = exponent / 2;
    fraction * 2f64.powi(half) * 2f64.powi(exponent - half)
}
