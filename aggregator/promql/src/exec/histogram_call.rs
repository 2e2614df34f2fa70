//! `histogram_quantile`, `histogram_quantiles` and `histogram_fraction`, of native and of classic
//! histograms.

use std::collections::HashMap;

use model::{histogram::Histogram, labels::Labels};

use super::{
    Exec,
    column::{Cell, Column},
    grid::Grid,
    scalar::Scalar,
    series::Series,
};
use crate::{
    annotations::{Note, Notes},
    error::{EvalError, execution},
    functions::FunctionId,
    histogram::{classic, fraction, quantile},
    plan::Node,
    span::Span,
    text::float::open_metrics,
};

/// The label that holds the upper bound of a classic bucket.
const BOUND: &str = "le";

/// One histogram: native, or made of the classic buckets that share all other labels.
struct Family {
    labels: Labels,
    native: Option<Column>,
    buckets: Vec<(f64, Column)>,
}

/// What is computed of a histogram.
enum Wanted {
    Quantile(Scalar),
    Fraction(Scalar, Scalar),
}

impl Exec<'_> {
    pub(super) fn histogram_fraction(
        &self,
        args: &[Node],
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        let [lower, upper, vector] = args else { return execution("expected three arguments") };
        let wanted = Wanted::Fraction(self.scalar(lower, grid)?, self.scalar(upper, grid)?);
        let families = self.families(vector, grid)?;
        self.computed(&families, &wanted, grid, vector.span, |labels, _| labels.clone())
    }

    pub(super) fn histogram_quantile(
        &self,
        function: FunctionId,
        args: &[Node],
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        if function == FunctionId::HistogramQuantile {
            let [fraction, vector] = args else { return execution("expected two arguments") };
            let wanted = self.fraction(fraction, grid)?;
            let families = self.families(vector, grid)?;
            return self
                .computed(&families, &wanted, grid, vector.span, |labels, _| labels.clone());
        }
        let [vector, label, fractions @ ..] = args else {
            return execution("expected at least three arguments");
        };
        let families = self.families(vector, grid)?;
        let mut result = Vec::new();
        for fraction in fractions {
            let wanted = self.fraction(fraction, grid)?;
            let labelled =
                |labels: &Labels, fraction: f64| labels.with(label.text(), &open_metrics(fraction));
            result.extend(self.computed(&families, &wanted, grid, vector.span, labelled)?);
        }
        super::series::merge_same_labels(result)
    }

    fn fraction(&self, node: &Node, grid: Grid) -> Result<Wanted, EvalError> {
        let fraction = self.scalar(node, grid)?;
        for value in fraction.values().iter().filter(|value| !(0.0..=1.0).contains(*value)) {
            self.note(Note::InvalidQuantile(*value), node.span);
        }
        Ok(Wanted::Quantile(fraction))
    }

    /// Collects native histograms and classic buckets.
    fn families(&self, vector: &Node, grid: Grid) -> Result<Vec<Family>, EvalError> {
        let mut families: Vec<Family> = Vec::new();
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let held = self.collect(vector, grid)?;
        for series in held.series {
            let mut family = |labels: Labels| {
                *places.entry(labels.clone()).or_insert_with(|| {
                    families.push(Family { labels, native: None, buckets: Vec::new() });
                    families.len() - 1
                })
            };
            let native = series.column.has_histograms().then(|| family(series.labels.clone()));
            let bound = series.labels.get(BOUND).and_then(parse_bound);
            let classic = match bound {
                _ if !series.column.has_floats() => None,
                Some(bound) => Some((bound, family(series.labels.without(BOUND)))),
                None => {
                    self.note_bad_bound(&series.labels, vector.span);
                    None
                }
            };
            if let Some(family) = native.and_then(|place| families.get_mut(place)) {
                family.native = Some(series.column.clone());
            }
            if let Some((bound, place)) = classic
                && let Some(family) = families.get_mut(place)
            {
                let mut column = series.column;
                column.keep_floats();
                family.buckets.push((bound, column));
            }
        }
        for family in &mut families {
            // Once here, not at every step.
            family.buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        }
        Ok(families)
    }

    fn note_bad_bound(&self, labels: &Labels, span: Span) {
        let metric = self.metric_of(labels);
        let label = labels.get(BOUND).unwrap_or_default().to_owned();
        self.note(Note::BadBucketLabel { metric, label }, span);
    }

    /// The metric's name for a note, if names are still known by rule.
    fn metric_of(&self, labels: &Labels) -> String {
        if self.settings.delayed_name_removal { labels.metric().to_owned() } else { String::new() }
    }

    fn computed(
        &self,
        families: &[Family],
        wanted: &Wanted,
        grid: Grid,
        span: Span,
        labelled: impl Fn(&Labels, f64) -> Labels + Sync,
    ) -> Result<Vec<Series>, EvalError> {
        let mut result = Vec::with_capacity(families.len());
        let work = |number: usize, buckets: &mut Vec<classic::Cumulative>, notes: &mut Notes| {
            let Some(family) = families.get(number) else { return Ok(None) };
            let metric = self.metric_of(&family.labels);
            let mut cx = Computation { grid, span, metric: &metric, notes, buckets };
            Ok(Some(cx.columns(family, wanted)))
        };
        self.in_order(families.len(), &work, &mut |columns| {
            // One for each family: nothing was left out.
            let Some(family) = families.get(result.len()) else { return Ok(()) };
            result.push((family, columns));
            Ok(())
        })?;
        let delayed = self.settings.delayed_name_removal;
        let series = result.into_iter().flat_map(|(family, columns)| {
            let labelled = &labelled;
            columns.into_iter().map(move |(key, column)| {
                let labels = labelled(&family.labels, f64::from_bits(key));
                let mut series = Series { labels, drop_name: false, column };
                series.drop_name(delayed);
                series
            })
        });
        Ok(series.collect())
    }
}

fn parse_bound(text: &str) -> Option<f64> {
    crate::text::number::parse_signed(text).filter(|bound| !bound.is_nan())
}

struct Computation<'a> {
    grid: Grid,
    span: Span,
    metric: &'a str,
    notes: &'a mut Notes,
    /// Memory for the buckets of one step.
    buckets: &'a mut Vec<classic::Cumulative>,
}

impl Computation<'_> {
    /// What a histogram gives, by the bits of the fraction: a quantile that changes from step to
    /// step gives several series.
    fn columns(&mut self, family: &Family, wanted: &Wanted) -> Vec<(u64, Column)> {
        let mut columns: Vec<(u64, Column)> = Vec::new();
        for step in 0..self.grid.count {
            let Some(value) = self.value(family, wanted, step) else { continue };
            let key = match wanted {
                Wanted::Quantile(fraction) => fraction.at(step).to_bits(),
                Wanted::Fraction(..) => 0,
            };
            let place = columns.iter().position(|(other, _)| *other == key);
            let place = place.unwrap_or_else(|| {
                columns.push((key, Column::default()));
                columns.len() - 1
            });
            if let Some((_, column)) = columns.get_mut(place) {
                column.push_float(step, value);
            }
        }
        columns
    }

    /// The value of a histogram at a step, if it has one there, of one kind only.
    fn value(&mut self, family: &Family, wanted: &Wanted, step: usize) -> Option<f64> {
        let float = |column: &Column| match column.get(step) {
            Some(Cell::Float(value)) => Some(value),
            _ => None,
        };
        let counts = family.buckets.iter();
        self.buckets.clear();
        self.buckets.extend(counts.filter_map(|(bound, column)| Some((*bound, float(column)?))));
        let native = match family.native.as_ref().and_then(|column| column.get(step)) {
            Some(Cell::Histogram(histogram)) => Some(histogram),
            _ => None,
        };
        match (native, self.buckets.is_empty()) {
            (Some(_), false) => {
                let metric = self.metric.to_owned();
                self.notes.add(Note::MixedClassicNative { metric }, self.span);
                None
            }
            (Some(histogram), true) => Some(self.native(histogram, wanted, step)),
            (None, false) => Some(self.classic(wanted, step)),
            (None, true) => None,
        }
    }

    fn native(&mut self, histogram: &Histogram, wanted: &Wanted, step: usize) -> f64 {
        let (value, note) = match wanted {
            Wanted::Quantile(fraction) => {
                quantile::quantile(fraction.at(step), histogram, self.metric)
            }
            Wanted::Fraction(lower, upper) => {
                fraction::fraction(lower.at(step), upper.at(step), histogram, self.metric)
            }
        };
        if let Some(note) = note {
            self.notes.add(note, self.span);
        }
        value
    }

    fn classic(&mut self, wanted: &Wanted, step: usize) -> f64 {
        match wanted {
            Wanted::Fraction(lower, upper) => {
                classic::fraction(lower.at(step), upper.at(step), self.buckets)
            }
            Wanted::Quantile(fraction) => {
                let (value, forced) = classic::quantile(fraction.at(step), self.buckets);
                if let Some(forced) = forced {
                    let fixed = classic::fixed(forced, self.grid.time(step));
                    let metric = self.metric.to_owned();
                    self.notes.add(Note::ForcedMonotonicity { metric, fixed }, self.span);
                }
                value
            }
        }
    }
}
