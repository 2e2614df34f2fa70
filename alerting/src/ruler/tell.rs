//! When the aggregator is told of the rules.

use std::time::Duration;

use model::ruler::REPORT_EVERY_SECONDS;

/// How often a change is told at most; less often where telling takes long.
const GAP: Duration = Duration::from_secs(1);
const GAP_MAX: Duration = Duration::from_secs(REPORT_EVERY_SECONDS);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// What did not change is told again after this time, before the aggregator forgets it.
pub(super) const AGAIN: Duration = Duration::from_secs(REPORT_EVERY_SECONDS - 5);
/// Of the time, this part at most goes into telling.
const SHARE: u32 = 20;

/// How long to wait after a report.
pub(super) fn pause(took: Duration, succeeded: bool) -> Duration {
    if succeeded { took.saturating_mul(SHARE).clamp(GAP, GAP_MAX) } else { RETRY }
}

#[cfg(test)]
mod tests;
