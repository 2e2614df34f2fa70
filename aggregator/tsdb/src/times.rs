//! The times that a selection asks for, and what chunks need not be decoded for it.

use codec::chunk::Zone;
use model::{
    columns::is_stale,
    query::{Need, Selection, Windows},
};

/// The times of interest, both ends included, and the windows that they are seen through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) windows: Option<Windows>,
}

/// What has the effect of the floats of a chunk, if the series has no other samples among them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stand {
    /// Nothing but all of them.
    All,
    /// This one alone.
    One(i64, f64),
    /// They have no effect.
    None,
}

impl Times {
    pub(crate) const ALL: Self = Self { start: i64::MIN, end: i64::MAX, windows: None };

    pub(crate) fn of(selection: &Selection<'_>) -> Self {
        let (start, end) = (selection.start.0, selection.end.0);
        Self { start, end, windows: selection.hints.windows }
    }

    /// Whether samples between two times may matter, both ends included.
    pub(crate) fn meet(&self, min: i64, max: i64) -> bool {
        let seen = |windows: &Windows| windows.touch(min, max);
        min <= self.end && max >= self.start && self.windows.as_ref().is_none_or(seen)
    }

    /// What stands for the floats of a zone from `min` to `max`.
    ///
    /// Where no window ends among them, the last is the last for all windows, and if none begins
    /// among them, the first is the first. Where neither happens, a window has all or none.
    pub(crate) fn stand(&self, zone: Option<&Zone>, min: i64, max: i64) -> Stand {
        let (Some(zone), Some(windows)) = (zone, &self.windows) else { return Stand::All };
        let need = windows.need;
        if need != Need::Latest && zone.stale == zone.count {
            return Stand::None;
        }
        let entire = || !windows.end_within(min, max) && !windows.begin_within(min, max);
        match need {
            Need::Latest if !windows.end_within(min, max) => Stand::One(max, zone.last),
            Need::Last if !is_stale(zone.last) && !windows.end_within(min, max) => {
                Stand::One(max, zone.last)
            }
            Need::First if !is_stale(zone.first) && !windows.begin_within(min, max) => {
                Stand::One(min, zone.first)
            }
            Need::Greatest if entire() => extreme(zone, zone.max, min),
            Need::Least if entire() => extreme(zone, zone.min, min),
            Need::Any if !is_stale(zone.first) && entire() => Stand::One(min, zone.first),
            Need::Any if !is_stale(zone.last) && entire() => Stand::One(max, zone.last),
            _ => Stand::All,
        }
    }
}

/// Of nothing but NaN, the last is what is left.
fn extreme(zone: &Zone, extreme: f64, time: i64) -> Stand {
    match extreme.is_nan() {
        false => Stand::One(time, extreme),
        true if zone.stale == 0 => Stand::One(time, zone.last),
        true => Stand::All,
    }
}
