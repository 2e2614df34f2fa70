//! Columns against a plain map from step to value.

use std::{collections::BTreeMap, sync::Arc};

use model::histogram::Histogram;
use proptest::prelude::*;

use super::{Cell, Column};
use crate::value::Sample;

/// A float, or a histogram with that count.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Plain {
    Float(f64),
    Histogram(f64),
}

fn sample(plain: Plain) -> Sample {
    match plain {
        Plain::Float(value) => Sample::Float(value),
        Plain::Histogram(count) => {
            Sample::Histogram(Arc::new(Histogram { count, ..Histogram::default() }))
        }
    }
}

fn plain(cell: Cell<'_>) -> Plain {
    match cell {
        Cell::Float(value) => Plain::Float(value),
        Cell::Histogram(histogram) => Plain::Histogram(histogram.count),
    }
}

fn column(values: &BTreeMap<usize, Plain>) -> Column {
    let mut column = Column::default();
    values.iter().for_each(|(step, value)| column.push(*step, sample(*value)));
    column
}

fn cells(column: &Column) -> BTreeMap<usize, Plain> {
    column.cells().map(|(step, cell)| (step, plain(cell))).collect()
}

fn values() -> impl Strategy<Value = BTreeMap<usize, Plain>> {
    let value = prop_oneof![
        3 => (-9i32..9).prop_map(|value| Plain::Float(f64::from(value))),
        1 => (0u8..9).prop_map(|count| Plain::Histogram(f64::from(count))),
    ];
    prop::collection::btree_map(0usize..20, value, 0..20)
}

#[test]
fn a_gap_turns_a_run_into_a_list() {
    let mut column = Column::default();
    column.push_float(3, 1.0);
    column.push_float(4, 2.0);
    column.push_float(6, 3.0);
    assert_eq!(column.floats().collect::<Vec<_>>(), [(3, 1.0), (4, 2.0), (6, 3.0)]);
    assert!(column.get(2).is_none() && column.get(5).is_none() && column.get(7).is_none());
    assert!(matches!(column.get(6), Some(Cell::Float(3.0))));
}

#[test]
fn repeated_values_fill_all_steps() {
    let column = Column::repeated(&Sample::Float(7.0), 3);
    assert_eq!(column.floats().collect::<Vec<_>>(), [(0, 7.0), (1, 7.0), (2, 7.0)]);
    assert_eq!(column.weight(), 3);
}

proptest! {
    #[test]
    fn holds_what_was_pushed(values in values()) {
        let column = column(&values);
        prop_assert_eq!(cells(&column), values.clone());
        prop_assert_eq!(column.is_empty(), values.is_empty());
        for step in 0..21 {
            prop_assert_eq!(column.get(step).map(plain), values.get(&step).copied());
        }
    }

    #[test]
    fn filters_and_maps(values in values()) {
        let halved = column(&values).filter_map(|step, cell| match cell {
            Cell::Float(value) if step % 2 == 0 => Some(Sample::Float(value / 2.0)),
            Cell::Float(_) => None,
            Cell::Histogram(_) => Some(cell.to_sample()),
        });
        let expected: BTreeMap<usize, Plain> = values
            .into_iter()
            .filter_map(|(step, value)| match value {
                Plain::Float(value) => (step % 2 == 0).then_some((step, Plain::Float(value / 2.0))),
                histogram => Some((step, histogram)),
            })
            .collect();
        prop_assert_eq!(cells(&halved), expected);
    }

    #[test]
    fn joins_what_does_not_overlap(left in values(), right in values()) {
        let joined = column(&left).union(&column(&right)).map(|joined| cells(&joined));
        let overlap = left.keys().any(|step| right.contains_key(step));
        let expected = (!overlap).then(|| left.into_iter().chain(right).collect());
        prop_assert_eq!(joined, expected);
    }
}
