//! `tidewatch restore`: a data directory out of a snapshot.

use crate::{cli, exit, exit::Failure};

pub(crate) fn run(restore: &cli::Restore) -> Result<(), Failure> {
    let cli::Restore { snapshot, dir } = restore;
    aggregator::snapshot::restore(snapshot, dir).map_err(|error| {
        let message = daemon::telemetry::chain(&error);
        match error {
            aggregator::snapshot::SnapshotError::NoSnapshot { .. }
            | aggregator::snapshot::SnapshotError::NotEmpty { .. } => Failure::usage(message),
            _ => Failure::failed(message),
        }
    })?;
    exit::print(&format!("{}: restored from {}\n", dir.display(), snapshot.display()))
}
