//! Tests of the choice of forms.

use proptest::prelude::*;

use super::{Form, Widths};

fn form_of(numbers: &[u64]) -> Form {
    Widths::of(numbers).plan(numbers.len()).form
}

#[test]
fn each_frequency_of_outliers_has_its_form() {
    let with_outliers = |every: usize, outlier: u64| -> Vec<u64> {
        (0..256).map(|number| if number % every == 0 { outlier } else { 1 }).collect()
    };
    assert_eq!(form_of(&[0; 256]), Form::Packed { width: 0 });
    assert_eq!(form_of(&[u64::MAX; 256]), Form::Packed { width: 64 });
    assert_eq!(form_of(&with_outliers(100, 1 << 40)), Form::List { low: 1, full: 41 });
    assert_eq!(form_of(&with_outliers(5, 1 << 20)), Form::Bitmap { low: 1, full: 21 });
    let halving: Vec<u64> = (1..=256u64).map(|number| u64::from(number.trailing_zeros())).collect();
    assert_eq!(form_of(&halving), Form::Unary { low: 0 });
}

#[test]
fn sums_count_every_part() {
    let numbers: Vec<u64> = (0..300).map(|number| number * number).collect();
    let parts: Vec<Widths> = numbers.chunks(64).map(Widths::of).collect();
    assert_eq!(Widths::sum(&parts).counts, Widths::of(&numbers).counts);
    assert_eq!(Widths::of(&numbers).counts.iter().sum::<u16>(), 300);
}

proptest! {
    /// A list holds at most 255 outliers, and the widths fit their fields.
    #[test]
    fn forms_are_representable(
        numbers in prop::collection::vec((any::<u64>(), 0u32..64).prop_map(|(n, s)| n >> s), 1..1024),
    ) {
        let plan = Widths::of(&numbers).plan(numbers.len());
        for form in [plan.form, plan.other] {
            match form {
                Form::Packed { width } => prop_assert!(width <= 64),
                Form::List { low, full } => {
                    let outliers = numbers.iter().filter(|number| **number >> low != 0).count();
                    prop_assert!(low < full && full <= 64 && outliers <= 255);
                }
                Form::Bitmap { low, full } => prop_assert!(low < full && full <= 64),
                Form::Unary { low } => prop_assert!(low < 63),
            }
        }
        prop_assert!(plan.len <= plan.other_len);
        let unary = matches!(plan.other, Form::Unary { .. });
        prop_assert!(!unary);
    }
}
