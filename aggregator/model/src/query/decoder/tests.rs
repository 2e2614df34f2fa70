//! Versions tell whether times changed.

use std::sync::Arc;

use super::{Decoder, TimesSource};

fn put(decoder: &mut Decoder, samples: &[(i64, f64)]) -> u64 {
    let replaced = decoder.replace(|columns| {
        samples.iter().for_each(|(time, value)| columns.push(*time, *value));
        Ok(())
    });
    assert!(replaced.is_ok());
    decoder.version()
}

#[test]
fn the_version_stays_while_the_times_do() {
    let mut decoder = Decoder::default();
    let first = put(&mut decoder, &[(1, 1.0), (2, 2.0)]);
    assert_eq!(put(&mut decoder, &[(1, 3.0), (2, 4.0)]), first);
    assert_eq!(decoder.columns().values, [3.0, 4.0]);
    let longer = put(&mut decoder, &[(1, 3.0), (2, 4.0), (3, 5.0)]);
    assert_ne!(longer, first);
    decoder.columns_mut().times.clear();
    assert_ne!(put(&mut decoder, &[]), longer);
}

#[test]
fn values_are_replaced_under_the_times_that_are_kept() {
    let mut decoder = Decoder::default();
    let first = put(&mut decoder, &[(1, 1.0), (2, 2.0), (3, 3.0)]);
    let replace = |decoder: &mut Decoder, values: &[f64], tail: &[i64]| {
        decoder.replace_values(2, |into, times| {
            into.extend_from_slice(values);
            times.extend_from_slice(tail);
            true
        })
    };
    assert!(replace(&mut decoder, &[4.0, 5.0, 6.0], &[3]));
    assert_eq!(decoder.version(), first);
    assert_eq!(decoder.columns().values, [4.0, 5.0, 6.0]);
    assert!(replace(&mut decoder, &[4.0, 5.0, 6.0], &[4]));
    assert_ne!(decoder.version(), first);
    assert_eq!(decoder.columns().times, [1, 2, 4]);
    assert!(replace(&mut decoder, &[4.0, 5.0], &[]));
    assert_eq!(decoder.columns().times, [1, 2]);
    assert!(!replace(&mut decoder, &[4.0], &[]), "one value is missing");
    assert!(decoder.columns().is_empty());
}

#[test]
fn sources_are_told_apart_by_holder_and_place() {
    let (one, other) = (Arc::new(1), Arc::new(1));
    let source = TimesSource::new(Arc::<i32>::clone(&one), 7);
    assert!(source.is(&one, 7));
    assert!(!source.is(&one, 8) && !source.is(&other, 7));
    let mut decoder = Decoder::default();
    decoder.set_sources([source].into_iter());
    assert_eq!(decoder.sources().len(), 1);
    put(&mut decoder, &[]);
    assert!(decoder.sources().is_empty());
}
