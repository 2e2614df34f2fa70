//! `info`: adds the labels of info metrics to the series that they describe.
//!
//! A series and an info series belong together when they agree on `instance` and `job`.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::{
    labels::{Labels, METRIC_NAME},
    matcher::{MatchOp, Matcher},
};

use super::{
    Exec,
    column::{Cell, Column},
    grid::Grid,
    series::{Assembler, Series},
};
use crate::{
    error::{EvalError, execution},
    plan::{Context, Node, NodeKind, Range, RangeSource, Selector},
    text::labels::Braced,
};

/// Labels by which series and info series find each other.
const IDENTIFYING: [&str; 2] = ["instance", "job"];

/// The info metric that is meant when none is named.
const DEFAULT_METRIC: &str = "target_info";

/// An info series with the times of its samples by step.
struct Info {
    labels: Labels,
    times: Column,
}

/// What the second argument asks for.
struct Wanted {
    /// Which metrics are info metrics.
    names: Vec<Matcher>,
    /// Conditions on labels to add; only these labels are added, or all if there are none.
    data: Vec<Matcher>,
}

impl Wanted {
    fn new(selector: Option<&Node>) -> Result<Self, EvalError> {
        let matchers = selector.map_or(&[][..], Node::matchers);
        let (mut names, data): (Vec<Matcher>, Vec<Matcher>) =
            matchers.iter().cloned().partition(|matcher| matcher.name() == METRIC_NAME);
        let positive = |matcher: &Matcher| matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex);
        if names.is_empty() {
            names.push(Matcher::metric(DEFAULT_METRIC));
        } else if !names.iter().any(positive) {
            let any_info = Matcher::new(METRIC_NAME, MatchOp::Regex, ".+_info");
            names.push(any_info.map_err(|error| EvalError::Execution(error.to_string()))?);
        }
        Ok(Self { names, data })
    }

    fn is_info(&self, labels: &Labels) -> bool {
        self.names.iter().all(|matcher| matcher.matches(labels.metric()))
    }

    fn adds(&self, name: &str) -> bool {
        name != METRIC_NAME
            && (self.data.is_empty() || self.data.iter().any(|matcher| matcher.name() == name))
    }

    /// Whether series that nothing describes remain.
    fn accepts_none(&self) -> bool {
        self.data.iter().all(Matcher::matches_empty)
    }
}

impl Exec<'_> {
    pub(super) fn info(&self, args: &[Node], grid: Grid) -> Result<Vec<Series>, EvalError> {
        let [vector, selector @ ..] = args else { return execution("expected an instant vector") };
        let wanted = Wanted::new(selector.first())?;
        let series = self.collect(vector, grid)?.series;
        let (at, offset) = reference(vector, None).unwrap_or_default();
        let infos = self.info_series(&series, &wanted, grid, (at, offset))?;
        let by_identity = group(&infos);
        let mut result = Assembler::with_capacity(series.len());
        for series in series {
            self.check()?;
            if wanted.is_info(&series.labels) {
                result.add(series)?;
                continue;
            }
            let empty = Vec::new();
            let described = by_identity.get(&identity(&series.labels)).unwrap_or(&empty);
            for enriched in enrich(&series, described, &infos, &wanted, grid)? {
                result.add(enriched)?;
            }
        }
        Ok(result.finish())
    }

    /// The info series that could describe any of the series.
    fn info_series(
        &self,
        series: &[Series],
        wanted: &Wanted,
        grid: Grid,
        (at, offset): (Option<i64>, i64),
    ) -> Result<Vec<Info>, EvalError> {
        let mut matchers = Vec::new();
        let described = || series.iter().filter(|series| !wanted.is_info(&series.labels));
        for name in IDENTIFYING {
            let mut values: Vec<String> = described()
                .filter_map(|series| series.labels.get(name))
                .map(regex::escape)
                .collect();
            values.sort_unstable();
            values.dedup();
            if !values.is_empty() {
                let matcher = Matcher::new(name, MatchOp::Regex, values.join("|"));
                matchers.extend(matcher);
            }
        }
        if matchers.is_empty() {
            return Ok(Vec::new());
        }
        matchers.extend(wanted.data.iter().chain(&wanted.names).cloned());
        let context = Context { function: Some("info".to_owned()), ..Context::default() };
        let extension = Default::default();
        let selector = Selector { matchers, offset, at, extension, stats_only: false, context };
        let mut decoder = model::query::Decoder::default();
        let mut infos = Vec::new();
        for handle in self.select_instant(&selector, grid)? {
            self.check()?;
            let _charge = self.decode(handle.as_ref(), &mut decoder, None)?;
            let columns = decoder.columns();
            let mut times = Column::with_capacity(grid.count);
            let mut histogram = false;
            self.lookups(&selector, grid, columns, |step, at| {
                histogram |= columns.histogram(at).is_some();
                times.push_float(step, columns.times.get(at).copied().unwrap_or(0) as f64);
            });
            if histogram {
                let labels = Braced(handle.labels());
                return execution(format!(
                    "this should be an info metric, with float samples: {labels}"
                ));
            }
            if !times.is_empty() {
                infos.push(Info { labels: handle.labels().clone(), times });
            }
        }
        Ok(infos)
    }
}

/// Time and offset of the first selector in an expression: info series are looked up as of then.
fn reference(node: &Node, around: Option<(Option<i64>, i64)>) -> Option<(Option<i64>, i64)> {
    // Subqueries around shift the time until one fixes it.
    let shift = |at: Option<i64>, offset: i64| match around {
        Some((outer_at, outer_offset)) if at.is_none() => (outer_at, offset + outer_offset),
        _ => (at, offset),
    };
    match &node.kind {
        NodeKind::Number(_) | NodeKind::String(_) => None,
        NodeKind::Selector(selector)
        | NodeKind::Range(Range { source: RangeSource::Selector(selector), .. }) => {
            Some(shift(selector.at, selector.offset))
        }
        NodeKind::Range(Range { source: RangeSource::Subquery(subquery), .. }) => {
            reference(&subquery.node, Some(shift(subquery.at, subquery.offset)))
        }
        NodeKind::Negate(inner) | NodeKind::Once(inner) => reference(inner, around),
        NodeKind::Binary(binary) => {
            reference(&binary.lhs, around).or_else(|| reference(&binary.rhs, around))
        }
        NodeKind::Aggregate(aggregate) => reference(&aggregate.node, around)
            .or_else(|| aggregate.param.as_ref().and_then(|param| reference(param, around))),
        NodeKind::Call(call) => call.args.iter().find_map(|arg| reference(arg, around)),
    }
}

fn identity(labels: &Labels) -> Labels {
    labels.filter(|name| IDENTIFYING.contains(&name))
}

/// Places of info series by the identity of what they describe.
fn group(infos: &[Info]) -> HashMap<Labels, Vec<usize>> {
    let mut groups: HashMap<Labels, Vec<usize>> = HashMap::new();
    for (place, info) in infos.iter().enumerate() {
        groups.entry(identity(&info.labels)).or_default().push(place);
    }
    groups
}

/// A series with the labels of the info series that describe it, which may change over time.
fn enrich(
    series: &Series,
    described: &[usize],
    infos: &[Info],
    wanted: &Wanted,
    grid: Grid,
) -> Result<Vec<Series>, EvalError> {
    let mut result: Vec<Series> = Vec::new();
    let mut places: HashMap<Vec<usize>, Option<usize>> = HashMap::new();
    for step in 0..grid.count {
        let Some(cell) = series.column.get(step) else { continue };
        let current = current(described, infos, step)?;
        let place = match places.get(&current) {
            Some(place) => *place,
            None => {
                let labels = labels(series, &current, infos, wanted)?;
                let place = labels.map(|labels| {
                    let drop_name = series.drop_name;
                    result.push(Series { labels, drop_name, column: Column::default() });
                    result.len() - 1
                });
                places.insert(current, place);
                place
            }
        };
        if let Some(series) = place.and_then(|place| result.get_mut(place)) {
            series.column.push(step, cell.to_sample());
        }
    }
    Ok(result)
}

/// Of each info metric the series with the latest sample at a step.
fn current(described: &[usize], infos: &[Info], step: usize) -> Result<Vec<usize>, EvalError> {
    let mut latest: BTreeMap<&str, (i64, usize)> = BTreeMap::new();
    for place in described {
        let Some(info) = infos.get(*place) else { continue };
        let Some(Cell::Float(time)) = info.times.get(step) else { continue };
        let time = time as i64;
        let metric = info.labels.metric();
        match latest.get(metric) {
            Some((known, _)) if *known > time => {}
            Some((known, other)) if *known == time => {
                let existing = infos.get(*other).map_or(&info.labels, |info| &info.labels);
                return execution(format!(
                    "found duplicate series for info metric: existing {} @ {known}, new {} @ {time}",
                    Braced(existing),
                    Braced(&info.labels)
                ));
            }
            _ => {
                latest.insert(metric, (time, *place));
            }
        }
    }
    Ok(latest.into_values().map(|(_, place)| place).collect())
}

/// The labels of a series together with those that info series add. `None` when it needs some and
/// nothing describes it.
fn labels(
    series: &Series,
    current: &[usize],
    infos: &[Info],
    wanted: &Wanted,
) -> Result<Option<Labels>, EvalError> {
    if current.is_empty() && !wanted.accepts_none() {
        return Ok(None);
    }
    let mut added: BTreeMap<&str, &str> = BTreeMap::new();
    let mut conflicts: HashSet<&str> = HashSet::new();
    for info in current.iter().filter_map(|place| infos.get(*place)) {
        for (name, value) in &info.labels {
            if !wanted.adds(name) {
                continue;
            }
            if added.get(name).is_some_and(|known| *known != value) {
                conflicts.insert(name);
            }
            // What the series itself says stays.
            if series.labels.get(name).is_none() {
                added.insert(name, value);
            }
        }
    }
    if let Some(name) = conflicts.into_iter().min() {
        return execution(format!("conflicting label: {name}"));
    }
    let enriched = added
        .into_iter()
        .fold(series.labels.clone(), |labels, (name, value)| labels.with(name, value));
    Ok(Some(enriched))
}
