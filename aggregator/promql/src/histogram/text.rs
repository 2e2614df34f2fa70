//! Histograms as text.

use std::fmt;

use model::histogram::Histogram;

use super::buckets::{self, Bucket};
use crate::text::float::General;

/// `{count:…, sum:…, [lower,upper]:count, …}`: as `count_values` labels histograms.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(pub &'a Histogram);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(histogram) = self;
        write!(f, "{{count:{}, sum:{}", General(histogram.count), General(histogram.sum))?;
        let mut negative: Vec<Bucket> = buckets::negative(histogram).collect();
        negative.reverse();
        for bucket in negative {
            write_bucket(f, &bucket, ('[', ')'))?;
        }
        if histogram.zero_count != 0.0 {
            write_bucket(f, &buckets::zero(histogram), ('[', ']'))?;
        }
        let custom = histogram.is_custom();
        for bucket in buckets::positive(histogram) {
            // The lowest custom bucket reaches down to -Inf and includes it.
            let open = if custom && bucket.lower == f64::NEG_INFINITY { '[' } else { '(' };
            write_bucket(f, &bucket, (open, ']'))?;
        }
        f.write_str("}")
    }
}

fn write_bucket(
    f: &mut fmt::Formatter<'_>,
    bucket: &Bucket,
    (open, close): (char, char),
) -> fmt::Result {
    if bucket.count == 0.0 {
        return Ok(());
    }
    let (lower, upper) = (General(bucket.lower), General(bucket.upper));
    write!(f, ", {open}{lower},{upper}{close}:{}", General(bucket.count))
}
