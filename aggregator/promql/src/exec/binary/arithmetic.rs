//! Arithmetic and comparisons between two vectors.
//!
//! Series are matched once; then each match group is evaluated over all steps. The element with
//! many partners is called the many side, whichever side it stands on.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::labels::Labels;

use super::{
    super::{
        Exec,
        column::{Cell, Column},
        grid::Grid,
        series::{Assembler, Series, without_name},
    },
    element::{self, Element, Outcome},
    matching::{self, MatchGroup, signature},
};
use crate::{
    annotations::Note,
    ast::Cardinality,
    error::{EvalError, execution},
    plan::BinaryNode,
    span::Span,
    text::labels::Braced,
    value::Sample,
};

/// An error, and when it arises: at which step, and whether only once elements are combined. Of
/// several, the earliest is reported.
type Failure = ((usize, bool), EvalError);

/// Notes on the operator, by step. Of those that arise at one step, Prometheus keeps the last: the
/// many side is gone through in order, then what was filled in for it.
#[derive(Default)]
struct LastNotes {
    steps: BTreeMap<usize, (Place, Note)>,
}

/// Where a result comes from: an element of the many side, or of the one side alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Many(usize),
    One(usize),
}

impl LastNotes {
    fn add(&mut self, step: usize, place: Place, note: Note) {
        match self.steps.get(&step) {
            Some((later, _)) if *later > place => {}
            _ => {
                self.steps.insert(step, (place, note));
            }
        }
    }
}

impl Exec<'_> {
    pub(super) fn vector_operation(
        &self,
        binary: &BinaryNode,
        span: Span,
        grid: Grid,
        left: &[Series],
        right: &[Series],
    ) -> Result<Vec<Series>, EvalError> {
        let swapped = binary.matching.cardinality == Cardinality::OneToMany;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let groups = matching::groups(left, right, &binary.matching);
        let fill = binary.matching.fill;
        // Where one side is empty altogether nothing can match, nor be ambiguous.
        let active = if fill.is_empty() {
            both_present(many, one, grid.count)
        } else {
            vec![true; grid.count]
        };
        let operation = Operation {
            binary,
            swapped,
            many,
            one,
            active,
            delayed: self.settings.delayed_name_removal,
            // By side of the match, not by side of the operator: so Prometheus has it.
            fill_one: fill.right,
            fill_many: fill.left,
        };
        let mut notes = LastNotes::default();
        let mut result = Assembler::with_capacity(many.len());
        let mut failure: Option<Failure> = None;
        for group in &groups {
            self.check()?;
            let group = if swapped {
                MatchGroup { left: group.right.clone(), right: group.left.clone() }
            } else {
                MatchGroup { left: group.left.clone(), right: group.right.clone() }
            };
            match operation.evaluate(&group, grid, &mut notes) {
                Ok(series) => {
                    for one in series.into_iter().filter(|series| !series.column.is_empty()) {
                        result.add(one)?;
                    }
                }
                Err(found) => {
                    if failure.as_ref().is_none_or(|(when, _)| found.0 < *when) {
                        failure = Some(found);
                    }
                }
            }
        }
        if let Some((_, error)) = failure {
            return Err(error);
        }
        for (_, note) in notes.steps.into_values() {
            self.note(note, span);
        }
        Ok(result.finish())
    }
}

/// At which steps both sides have any element.
fn both_present(many: &[Series], one: &[Series], steps: usize) -> Vec<bool> {
    let present = |series: &[Series]| {
        let mut present = vec![false; steps];
        for series in series {
            for (step, _) in series.column.cells() {
                if let Some(slot) = present.get_mut(step) {
                    *slot = true;
                }
            }
        }
        present
    };
    present(many).into_iter().zip(present(one)).map(|(many, one)| many && one).collect()
}

struct Operation<'a> {
    binary: &'a BinaryNode,
    /// The many side stands on the right.
    swapped: bool,
    many: &'a [Series],
    one: &'a [Series],
    active: Vec<bool>,
    delayed: bool,
    /// Stands in for a missing element of the one side.
    fill_one: Option<f64>,
    /// Stands in for a missing element of the many side.
    fill_many: Option<f64>,
}

/// The results of one match group by the places of the series they are made of.
#[derive(Default)]
struct Results {
    places: HashMap<(Option<usize>, Option<usize>), usize>,
    series: Vec<Series>,
}

impl Operation<'_> {
    /// Evaluates one match group at all steps.
    fn evaluate(
        &self,
        group: &MatchGroup,
        grid: Grid,
        notes: &mut LastNotes,
    ) -> Result<Vec<Series>, Failure> {
        let matchable = !group.left.is_empty() || self.fill_many.is_some();
        let mut results = Results::default();
        if !matchable && group.right.len() <= 1 {
            return Ok(results.series);
        }
        if let ([many], [one]) = (group.left.as_slice(), group.right.as_slice())
            && self.fill_one.is_none()
            && self.fill_many.is_none()
        {
            return Ok(self.pair(*many, *one, notes).into_iter().collect());
        }
        for step in (0..grid.count).filter(|step| self.active.get(*step) == Some(&true)) {
            let single = self.single(group, step).map_err(|error| ((step, false), error))?;
            if matchable {
                self.step(group, single, step, &mut results, notes)
                    .map_err(|error| ((step, true), error))?;
            }
        }
        Ok(results.series)
    }

    /// The most common group: one series on either side.
    fn pair(&self, many: usize, one: usize, notes: &mut LastNotes) -> Option<Series> {
        let other = &self.one.get(one)?.column;
        let column = self.many.get(many)?.column.filter_map(|step, cell| {
            let noted = |note| notes.add(step, Place::Many(many), note);
            let (sample, keep) = self.combine(cell, other.get(step)?, noted)?;
            self.kept(sample, keep)
        });
        let labels = self.labels(Some(many), Some(one));
        Some(Series { labels, drop_name: self.binary.return_bool, column })
    }

    /// Applies the operator; `None` when it is not defined for these.
    fn combine(
        &self,
        many: Cell<'_>,
        one: Cell<'_>,
        noted: impl FnOnce(Note),
    ) -> Option<(Sample, bool)> {
        let (many, one) = (Element::from(many), Element::from(one));
        let (left, right) = if self.swapped { (one, many) } else { (many, one) };
        match element::combine(self.binary.op, left, right) {
            Outcome::Impossible(note) => {
                noted(note);
                None
            }
            Outcome::Value { sample, keep, note } => {
                note.map(noted);
                Some((sample, keep))
            }
        }
    }

    fn kept(&self, sample: Sample, keep: bool) -> Option<Sample> {
        if self.binary.return_bool {
            return Some(Sample::Float(f64::from(u8::from(keep))));
        }
        keep.then_some(sample)
    }

    /// The element of the one side at a step; an error when there are two.
    fn single(&self, group: &MatchGroup, step: usize) -> Result<Option<usize>, EvalError> {
        let mut found: Option<usize> = None;
        for place in &group.right {
            let Some(series) = self.one.get(*place) else { continue };
            if series.column.get(step).is_none() {
                continue;
            }
            if let Some(first) = found.and_then(|place| self.one.get(place)) {
                return self.ambiguous(&first.labels, &series.labels);
            }
            found = Some(*place);
        }
        Ok(found)
    }

    fn ambiguous<T>(&self, first: &Labels, second: &Labels) -> Result<T, EvalError> {
        let side = if self.swapped { "left" } else { "right" };
        let group = Braced(&signature(second, &self.binary.matching)).to_string();
        let mut both = [Braced(first).to_string(), Braced(second).to_string()];
        both.sort_unstable();
        let [first, second] = both;
        execution(format!(
            "found duplicate series for the match group {group} on the {side} hand-side of the operation: [{first}, {second}];many-to-many matching not allowed: matching labels must be unique on one side"
        ))
    }

    /// Evaluates one match group at one step.
    fn step(
        &self,
        group: &MatchGroup,
        single: Option<usize>,
        step: usize,
        results: &mut Results,
        notes: &mut LastNotes,
    ) -> Result<(), EvalError> {
        let one_cell = single
            .and_then(|place| self.one.get(place)?.column.get(step))
            .or(self.fill_one.map(Cell::Float));
        let Some(one_cell) = one_cell else { return Ok(()) };
        let one_to_one = self.binary.matching.cardinality == Cardinality::OneToOne;
        let mut matched = 0;
        let mut seen: HashSet<Labels> = HashSet::new();
        for place in &group.left {
            let Some(cell) = self.many.get(*place).and_then(|many| many.column.get(step)) else {
                continue;
            };
            let noted = |note| notes.add(step, Place::Many(*place), note);
            let Some((sample, keep)) = self.combine(cell, one_cell, noted) else { continue };
            matched += 1;
            if one_to_one && matched > 1 {
                return execution(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                );
            }
            let series = self.result(results, Some(*place), single);
            if group.left.len() > 1 && !one_to_one && !seen.insert(series.labels.clone()) {
                return execution(
                    "multiple matches for labels: grouping labels must ensure unique matches",
                );
            }
            if let Some(sample) = self.kept(sample, keep) {
                series.column.push(step, sample);
            }
        }
        if matched == 0
            && let Some(place) = single
            && let Some(fill) = self.fill_many
            && let Some((sample, keep)) = self.combine(Cell::Float(fill), one_cell, |note| {
                notes.add(step, Place::One(place), note);
            })
            && let Some(sample) = self.kept(sample, keep)
        {
            self.result(results, None, single).column.push(step, sample);
        }
        Ok(())
    }

    /// The series that a pair of series gives; `None` stands for a fill value.
    fn result<'r>(
        &self,
        results: &'r mut Results,
        many: Option<usize>,
        one: Option<usize>,
    ) -> &'r mut Series {
        let place = *results.places.entry((many, one)).or_insert_with(|| {
            results.series.push(Series {
                labels: self.labels(many, one),
                drop_name: self.binary.return_bool,
                column: Column::default(),
            });
            results.series.len() - 1
        });
        &mut results.series[place]
    }

    /// The labels of a result: those of the many side, as far as they are not ignored, and those
    /// included from the one side.
    fn labels(&self, many: Option<usize>, one: Option<usize>) -> Labels {
        let matching = &self.binary.matching;
        let many = many.and_then(|place| self.many.get(place)).map(|series| &series.labels);
        let one = one.and_then(|place| self.one.get(place)).map(|series| &series.labels);
        let group = many.or(one).map(|labels| signature(labels, matching)).unwrap_or_default();
        let many = many.unwrap_or(&group);
        let one = one.unwrap_or(&group);
        let mut labels = many.clone();
        if self.binary.op.is_arithmetic() || (self.binary.return_bool && !self.delayed) {
            labels = without_name(&labels);
        }
        if matching.cardinality == Cardinality::OneToOne {
            let named = |name: &str| matching.labels.iter().any(|label| label == name);
            labels = labels.filter(|name| named(name) == matching.on);
        }
        for name in &matching.include {
            labels = labels.with(name, one.get(name).unwrap_or_default());
        }
        labels
    }
}
