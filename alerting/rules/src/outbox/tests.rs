//! Order, batches and the limit.

use super::{BATCH_MAX, OUTBOX_MAX, Outbox};

#[test]
fn the_oldest_go_first_and_are_dropped_first() {
    let mut outbox = Outbox::default();
    for number in 0..OUTBOX_MAX + 3 {
        outbox.push(number);
    }
    assert_eq!(outbox.dropped(), 3);
    let mut left = Vec::new();
    loop {
        let batch = outbox.batch();
        assert!(batch.len() <= BATCH_MAX);
        if batch.is_empty() {
            break;
        }
        left.extend(batch);
    }
    assert_eq!(left, (3..OUTBOX_MAX + 3).collect::<Vec<_>>());
}
