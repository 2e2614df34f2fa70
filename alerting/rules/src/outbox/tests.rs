//! Turns, batches and the limits.

use super::{BATCH_BYTES_MAX, BATCH_MAX, OUTBOX_BYTES_MAX, OUTBOX_MAX, Outbox};

/// All that waits, in the order in which it is sent.
fn drained(outbox: &mut Outbox<char, usize>) -> Vec<usize> {
    let mut left = Vec::new();
    loop {
        let batch = outbox.batch();
        assert!(batch.len() <= BATCH_MAX);
        if batch.is_empty() {
            return left;
        }
        left.extend(batch);
    }
}

#[test]
fn of_one_owner_the_oldest_go_first_and_are_dropped_first() {
    let mut outbox = Outbox::default();
    for number in 0..OUTBOX_MAX + 3 {
        outbox.push(&'a', 1, number);
    }
    assert_eq!(outbox.dropped(), 3);
    assert_eq!(drained(&mut outbox), (3..OUTBOX_MAX + 3).collect::<Vec<_>>());
}

#[test]
fn the_many_of_one_owner_push_out_its_own() {
    for (size, most) in [(1, OUTBOX_MAX), (OUTBOX_BYTES_MAX / 64, 64)] {
        let mut outbox = Outbox::default();
        (0..3).for_each(|number| outbox.push(&'b', size, number));
        (0..2 * most).for_each(|number| outbox.push(&'a', size, 1000 + number));
        assert_eq!(outbox.dropped() as usize, most + 3);
        let told = drained(&mut outbox);
        assert_eq!(told.len(), most);
        let own: Vec<usize> = told.iter().copied().filter(|number| *number < 1000).collect();
        assert_eq!(own, [0, 1, 2]);
        assert!(told.iter().position(|number| *number == 2).is_some_and(|place| place < 6));
    }
}

#[test]
fn owners_take_turns_over_batches_too() {
    let mut outbox = Outbox::default();
    let half = BATCH_BYTES_MAX / 2;
    for number in 0..3 {
        for (owner, first) in [('a', 0), ('b', 10), ('c', 20)] {
            outbox.push(&owner, half, first + number);
        }
    }
    let batches: Vec<Vec<usize>> = std::iter::repeat_with(|| outbox.batch()).take(6).collect();
    let wanted: [&[usize]; 6] = [&[0, 10], &[20, 1], &[11, 21], &[2, 12], &[22], &[]];
    assert_eq!(batches, wanted);
}
