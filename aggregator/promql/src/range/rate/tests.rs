//! Resets are found in blocks as one by one.

use proptest::prelude::*;

use super::decreases;

proptest! {
    #[test]
    fn places_after_a_greater_value_are_found(
        values in proptest::collection::vec(
            prop_oneof![9 => (0u32..1000).prop_map(f64::from), 1 => Just(f64::NAN)], 0..300,
        ),
        rising in any::<bool>(),
    ) {
        let mut values = values;
        if rising {
            // Few resets, at any place of a block.
            values.sort_by(f64::total_cmp);
            let third = values.len() / 3;
            values.rotate_left(third);
        }
        let naive: Vec<usize> =
            (1..values.len()).filter(|at| values[*at] < values[at - 1]).collect();
        prop_assert_eq!(decreases(&values), naive);
    }
}
