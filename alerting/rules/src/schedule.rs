//! When a group is evaluated.

use std::time::Duration;

use model::time::{Timestamp, millis_of};

/// How far the evaluations of a group are from whole multiples of its interval, in milliseconds:
/// the same for each start, and different for each group, so that groups do not all run at once.
fn offset(file: &str, group: &str, interval: i64) -> i64 {
    let bytes = group.bytes().chain([0xff]).chain(file.bytes());
    // FNV-1a with 64 bits. Source: G. Fowler, L. C. Noll, K.-P. Vo, "The FNV Non-Cryptographic Hash".
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let range = u64::try_from(interval).unwrap_or(1).max(1);
    i64::try_from(hash % range).unwrap_or(0)
}

/// The last slot of a group that is not after `at`.
pub(crate) fn slot(file: &str, group: &str, interval: Duration, at: Timestamp) -> Timestamp {
    let interval = millis_of(interval).max(1);
    let offset = offset(file, group, interval);
    let since = at.0.saturating_sub(offset).rem_euclid(interval);
    Timestamp(at.0.saturating_sub(since))
}
