//! Functions of one series at a time.

use super::series::Series;
use crate::{annotations::Notes, error::EvalError};

/// Turns a series into another, or drops it. Runs on any thread.
pub(crate) trait Stage: Sync {
    fn apply(&self, series: Series, notes: &mut Notes) -> Result<Option<Series>, EvalError>;

    /// Whether the result is no longer the metric that the series was.
    fn drops_name(&self) -> bool;
}

/// Applies stages one after the other. A series without values is dropped.
pub(crate) fn apply_all(
    series: Series,
    stages: &[&dyn Stage],
    notes: &mut Notes,
) -> Result<Option<Series>, EvalError> {
    let mut current = series;
    for stage in stages {
        match stage.apply(current, notes)? {
            Some(next) => current = next,
            None => return Ok(None),
        }
    }
    Ok((!current.column.is_empty()).then_some(current))
}
