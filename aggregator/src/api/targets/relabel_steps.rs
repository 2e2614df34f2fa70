//! `/api/v1/targets/relabel_steps`: what each rule of a pool does to a label set.

use std::collections::BTreeMap;

use axum::{extract, response::Response};
use model::{
    query::QueryError,
    relabel::RelabelRule,
    target::{LabelMap, PoolReport},
};
use relabel::{LabelSet, Rule};
use serde::Serialize;

use super::{ApiError, Params, look, pool_name, success, unknown_pool};
use crate::{auth::Caller, state::State};

/// A label set beyond this ends the explanation: rules that double a value again and again would
/// fill the memory.
const LABELS_BYTES_MAX: usize = 64 << 10;
/// Longest replacement and target of a rule; it limits how much a label set can grow in one step.
const TEMPLATE_BYTES_MAX: usize = 1 << 10;

#[derive(Debug, PartialEq, Serialize)]
struct Steps {
    steps: Vec<Step>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Step {
    rule: RelabelRule,
    /// Empty once the target is dropped.
    output: LabelMap,
    keep: bool,
}

/// `GET /api/v1/targets/relabel_steps?scrapePool=&labels=`, where `labels` is an object of JSON.
pub(crate) async fn relabel_steps(
    extract::State(state): extract::State<State>,
    Caller(access): Caller,
    params: Params,
) -> Result<Response, ApiError> {
    let name = pool_name(&params)?;
    let labels = params.get("labels");
    let labels =
        labels.ok_or_else(|| ApiError::BadData("no labels parameter provided".to_owned()))?;
    let labels: BTreeMap<String, String> = serde_json::from_str(labels)
        .map_err(|error| ApiError::BadData(format!("error parsing labels: {error}")))?;
    look(state, access, move |reports, viewer| {
        let pool = wire::targets::find_pool(reports, &name, viewer);
        explain(pool.ok_or_else(|| unknown_pool(&name))?, labels, viewer.stop).map(success)
    })
    .await
}

fn explain(
    pool: &PoolReport,
    labels: BTreeMap<String, String>,
    stop: &dyn Fn() -> bool,
) -> Result<Steps, ApiError> {
    let mut labels: LabelSet = labels.into_iter().collect();
    let mut keep = true;
    let mut steps = Vec::with_capacity(pool.rules.len());
    for (settings, number) in pool.rules.iter().zip(1..) {
        if stop() {
            return Err(QueryError::Cancelled.into());
        }
        let failed = |what: &dyn std::fmt::Display| {
            ApiError::Execution(format!("relabel_configs, rule {number}: {what}"))
        };
        let replacement = settings.replacement.as_deref().unwrap_or_default();
        if replacement.len().max(settings.target_label.len()) > TEMPLATE_BYTES_MAX {
            return Err(failed(&format_args!("a text is longer than {TEMPLATE_BYTES_MAX} bytes")));
        }
        if labels.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
            > LABELS_BYTES_MAX
        {
            return Err(failed(&format_args!(
                "the labels take more than {LABELS_BYTES_MAX} bytes"
            )));
        }
        if keep {
            let rule = Rule::new(settings).map_err(|error| failed(&error))?;
            keep = relabel::apply(&[rule], &mut labels);
        }
        let shown = keep.then(|| {
            let pairs = labels.iter();
            pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        });
        let output = shown.unwrap_or_default();
        steps.push(Step { rule: settings.spelled_out(), output, keep });
    }
    Ok(Steps { steps })
}

#[cfg(test)]
mod tests;
