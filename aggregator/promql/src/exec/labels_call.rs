//! `label_replace` and `label_join`.

use model::labels::METRIC_NAME;
use regex::RegexBuilder;

use super::{
    Exec,
    grid::Grid,
    series::{self, Series},
};
use crate::{
    error::{EvalError, execution},
    functions::FunctionId,
    plan::Node,
};

/// Largest compiled regular expression, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;

impl Exec<'_> {
    pub(super) fn relabel(
        &self,
        function: FunctionId,
        args: &[Node],
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        let [vector, texts @ ..] = args else { return execution("expected an instant vector") };
        let texts: Vec<&str> = texts.iter().map(Node::text).collect();
        let change = match (function, texts.as_slice()) {
            (FunctionId::LabelReplace, [target, replacement, source, pattern]) => {
                replace(target, replacement, source, pattern)?
            }
            (_, [target, separator, sources @ ..]) => join(target, separator, sources)?,
            _ => return execution("wrong number of arguments"),
        };
        let mut changed = self.collect(vector, grid)?.series;
        for series in &mut changed {
            change(series);
        }
        series::merge_same_labels(changed)
    }
}

type Change<'a> = Box<dyn Fn(&mut Series) + 'a>;

fn replace<'a>(
    target: &'a str,
    replacement: &'a str,
    source: &'a str,
    pattern: &'a str,
) -> Result<Change<'a>, EvalError> {
    let invalid = || format!("invalid regular expression in label_replace(): {pattern}");
    // Compiled alone first, so that `a)(b` cannot escape the group that anchors it.
    let compile = |pattern: &str| RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).build();
    let regex = compile(pattern).and_then(|_| compile(&format!("^(?s:{pattern})$")));
    let Ok(regex) = regex else { return execution(invalid()) };
    if target.is_empty() {
        return execution(format!("invalid destination label name in label_replace(): {target}"));
    }
    Ok(Box::new(move |series| {
        let value = series.labels.get(source).unwrap_or_default();
        if let Some(captures) = regex.captures(value) {
            let mut expanded = String::new();
            captures.expand(replacement, &mut expanded);
            set(series, target, &expanded);
        }
    }))
}

fn join<'a>(
    target: &'a str,
    separator: &'a str,
    sources: &'a [&'a str],
) -> Result<Change<'a>, EvalError> {
    if sources.iter().any(|source| source.is_empty()) {
        return execution("invalid source label name in label_join(): ");
    }
    if target.is_empty() {
        return execution("invalid destination label name in label_join(): ");
    }
    Ok(Box::new(move |series| {
        let values: Vec<&str> =
            sources.iter().map(|source| series.labels.get(source).unwrap_or_default()).collect();
        let joined = values.join(separator);
        set(series, target, &joined);
    }))
}

fn set(series: &mut Series, target: &str, value: &str) {
    series.labels = series.labels.with(target, value);
    // A name that is given on purpose stays.
    if target == METRIC_NAME {
        series.drop_name = false;
    }
}
