//! Start timestamps: when a counter began to count.
//!
//! Source: Prometheus' treatment of created timestamps, which follows OpenTelemetry's
//! `start_time_unix_nano`.

/// A sample's time and start, 0 where unknown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Started {
    pub(super) time: i64,
    pub(super) start: i64,
}

/// Whether the counter was reset between two samples, by what they say of their starts.
pub(super) fn is_reset(previous: Started, current: Started) -> bool {
    // A start at or after its own sample is invalid, or means that it is unknown.
    if current.start == 0 || current.start >= current.time {
        return false;
    }
    if current.start != previous.time {
        return current.start > previous.time;
    }
    // A start at the time of the sample before: a delta, if that one's own start is known.
    previous.start != 0 && previous.start < previous.time
}

/// Whether a sample claims to have started before the previous one ended, and not with it.
pub(super) fn overlaps(previous: Started, current: Started) -> bool {
    current.start != 0 && current.start < previous.time && current.start != previous.start
}
