//! Input series, which are stored as time goes by.

use std::{sync::Arc, time::Duration};

use model::{
    labels::Labels,
    time::{Timestamp, millis_of},
};
use promql::{
    Sample,
    script::{MemoryStore, Notated, parse_series},
};

use super::format::Test;

/// The samples of all input series in order of time.
pub(super) struct Input {
    samples: std::iter::Peekable<std::vec::IntoIter<(i64, Labels, Sample)>>,
}

impl Input {
    /// Parses the series of a test, whose samples are an interval apart from its start on.
    pub(super) fn parse(test: &Test, interval: Duration) -> Result<Self, String> {
        let mut samples = Vec::new();
        for series in &test.input_series {
            let line = format!("{} {}", series.series, series.values);
            let (labels, values) = parse_series(&line)
                .map_err(|message| format!("    input series {line:?}: {message}"))?;
            for (place, value) in values.into_iter().enumerate() {
                let steps = i64::try_from(place).unwrap_or(i64::MAX);
                let after = millis_of(interval).saturating_mul(steps);
                let time = test.start_timestamp.0.saturating_add(after);
                let sample = match value {
                    Notated::Omitted => continue,
                    Notated::Float(value) => Sample::Float(value),
                    Notated::Histogram { histogram, .. } => {
                        histogram.validate().map_err(|error| {
                            format!("    input series {:?}: {error}", series.series)
                        })?;
                        Sample::Histogram(Arc::clone(&histogram))
                    }
                };
                samples.push((time, labels.clone(), sample));
            }
        }
        samples.sort_by_key(|(time, ..)| *time);
        Ok(Self { samples: samples.into_iter().peekable() })
    }

    /// Stores what has happened until `at`.
    pub(super) fn load(&mut self, at: Timestamp, store: &mut MemoryStore) -> Result<(), String> {
        while let Some((time, labels, sample)) = self.samples.next_if(|(time, ..)| *time <= at.0) {
            store.push(&labels, time, &sample, 0)?;
        }
        Ok(())
    }
}
