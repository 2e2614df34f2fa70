//! The greatest or least value of each of many windows that slide on.
//!
//! Of the values up to some place the extremes of all suffixes are kept, and of those behind it that
//! of all of them: every window is one of the former and the latter. When a window begins behind the
//! place, its end is the next one. So each value is looked at twice, however long the windows are.
//! Source: M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and
//! octagonal kernels" (1992); J. Gil, M. Werman, "Computing 2-D min, median, and max filters" (1993).

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extreme {
    Greatest,
    Least,
}

impl Extreme {
    /// The extremes of windows that are not empty, and of which none begins or ends before the one
    /// before it. Of equal values the first counts; anything is better than NaN.
    pub(super) fn of_windows<'w>(
        self,
        values: &[f64],
        windows: impl Iterator<Item = &'w Range<usize>>,
    ) -> Vec<f64> {
        match self {
            Self::Greatest => slide(values, windows, |value, best| value > best),
            Self::Least => slide(values, windows, |value, best| value < best),
        }
    }
}

fn slide<'w>(
    values: &[f64],
    windows: impl Iterator<Item = &'w Range<usize>>,
    better: impl Fn(f64, f64) -> bool,
) -> Vec<f64> {
    let of_both = |before: f64, after: f64| {
        if better(after, before) | before.is_nan() { after } else { before }
    };
    // Of the suffixes before `place`, the shortest first; and of what is from there to `end`.
    let (mut suffixes, mut place) = (Vec::new(), 0);
    let (mut behind, mut end) = (f64::NAN, 0);
    let extreme = |window: &Range<usize>| {
        if window.start >= place {
            (place, end) = (window.end, window.end);
            suffixes.clear();
            let mut best = f64::NAN;
            let ended = values.get(window.clone()).unwrap_or_default();
            suffixes.extend(ended.iter().rev().enumerate().map(|(at, value)| {
                best = if at == 0 { *value } else { of_both(*value, best) };
                best
            }));
        } else {
            let first = if end > place { behind } else { f64::NAN };
            let new = values.get(end..window.end).unwrap_or_default();
            behind = new.iter().fold(first, |best, value| of_both(best, *value));
            end = window.end;
        }
        let suffix = suffixes.get(place - window.start - 1).copied().unwrap_or(f64::NAN);
        if end > place { of_both(suffix, behind) } else { suffix }
    };
    windows.map(extreme).collect()
}

#[cfg(test)]
mod tests;
