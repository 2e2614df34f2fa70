//! Choosing the form of a block from the histogram of its numbers' widths.

use super::bits::{packed_len, width};

/// The form of a block. `width` and `low` are bits packed of every number, `full` those of the
/// widest number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Every number whole.
    Packed { width: usize },
    /// Outliers by position.
    List { low: usize, full: usize },
    /// Outliers by bitmap.
    Bitmap { low: usize, full: usize },
    /// The high part of every number in unary.
    Unary { low: usize },
}

impl Form {
    pub(super) fn low_width(self) -> usize {
        match self {
            Self::Packed { width: low }
            | Self::List { low, .. }
            | Self::Bitmap { low, .. }
            | Self::Unary { low } => low,
        }
    }
}

/// What to write, and what else if the length of the unary form was underestimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) form: Form,
    /// Length in bytes; an estimate if the form is unary.
    pub(super) len: usize,
    /// The best form that is not unary, and its exact length.
    pub(super) other: Form,
    pub(super) other_len: usize,
}

/// How many numbers have each width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Widths {
    counts: [u16; 65],
}

impl Widths {
    pub(super) fn of(numbers: &[u64]) -> Self {
        // Numbers of a stream have few widths; counting neighbours apart spares the wait for the
        // last count to be stored.
        let (mut even, mut odd) = ([0; 65], [0; 65]);
        let (pairs, rest) = numbers.as_chunks::<2>();
        for [first, second] in pairs {
            even[width(*first)] += 1;
            odd[width(*second)] += 1;
        }
        for last in rest {
            even[width(*last)] += 1;
        }
        Self::sum(&[Self { counts: even }, Self { counts: odd }])
    }

    pub(super) fn sum(parts: &[Self]) -> Self {
        let Some((first, rest)) = parts.split_first() else { return Self { counts: [0; 65] } };
        let mut sum = *first;
        for part in rest {
            for (count, more) in sum.counts.iter_mut().zip(&part.counts) {
                *count += more;
            }
        }
        sum
    }

    /// The cheapest form for a block of `len` numbers, which this histogram has counted.
    ///
    /// All widths are tried from the widest number down. The unary form takes twice the time to
    /// decode and is chosen only where it saves a 32nd.
    pub(super) fn plan(&self, len: usize) -> Plan {
        let full = self.counts.iter().rposition(|count| *count > 0).unwrap_or(0);
        let position_width = width(len.saturating_sub(1) as u64);
        let mut other = (1 + packed_len(len, full), Form::Packed { width: full });
        let mut unary = (usize::MAX, Form::Unary { low: full.min(62) });
        // How many numbers are wider than `low`, and twice the sum of their high parts and a half
        // each: that of a number of width `low + n` is three quarters of `2^n` less a half on
        // average.
        let (mut outliers, mut highs) = (0, 0usize);
        for low in (0..full).rev() {
            let count = usize::from(self.counts[low + 1]);
            outliers += count;
            highs = highs.saturating_mul(2).saturating_add(count * 2 + count);
            if outliers == len {
                break;
            }
            let lows = packed_len(len, low);
            let high = packed_len(outliers, full - low);
            if outliers <= usize::from(u8::MAX) {
                let list = 3 + lows + packed_len(outliers, position_width) + high;
                other = other.min_by_len((list, Form::List { low, full }));
            }
            other = other
                .min_by_len((2 + lows + packed_len(len, 1) + high, Form::Bitmap { low, full }));
            if low < 63 {
                let bits = (highs.saturating_sub(outliers) / 2).saturating_add(len);
                unary = unary.min_by_len((1 + lows + bits.div_ceil(8), Form::Unary { low }));
            }
        }
        let (len, form) = if unary.0 < other.0 { unary } else { other };
        Plan { form, len, other: other.1, other_len: other.0 }
    }
}

trait MinByLen {
    fn min_by_len(self, challenger: Self) -> Self;
}

impl MinByLen for (usize, Form) {
    fn min_by_len(self, challenger: Self) -> Self {
        if challenger.0 < self.0 { challenger } else { self }
    }
}

#[cfg(test)]
mod tests;
