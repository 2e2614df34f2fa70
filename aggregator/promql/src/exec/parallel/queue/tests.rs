//! Order, bounds and departures.

use std::thread;

use super::Queue;

#[test]
fn blocks_are_claimed_once_and_taken_in_order() {
    let queue = Queue::new(50, 6);
    let mut taken = Vec::new();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let _worker = queue.enter();
                while let Some(block) = queue.claim() {
                    queue.finish(block, block * 10);
                }
            });
        }
        for block in 0..50 {
            loop {
                if let Some(result) = queue.take(block) {
                    taken.push(result);
                    break;
                }
                match queue.claim_now() {
                    Some(own) => queue.finish(own, own * 10),
                    None => assert!(queue.wait(block)),
                }
            }
        }
    });
    assert_eq!(taken, (0..50).map(|block| block * 10).collect::<Vec<_>>());
}

#[test]
fn not_too_many_are_begun() {
    let queue = Queue::new(10, 2);
    assert_eq!((queue.claim_now(), queue.claim_now(), queue.claim_now()), (Some(0), Some(1), None));
    queue.finish(1, ());
    assert_eq!(queue.claim_now(), None);
    assert_eq!(queue.take(0), None);
    queue.finish(0, ());
    assert_eq!(queue.take(0), Some(()));
    assert_eq!(queue.claim_now(), Some(2));
    drop(queue.stop_at_end());
    assert_eq!((queue.claim_now(), queue.claim()), (None, None));
}

/// Who waits for a worker that is gone does not wait for ever.
#[test]
fn departures_are_noticed() {
    let queue = Queue::<()>::new(1, 1);
    thread::scope(|scope| {
        let worker = queue.enter();
        assert_eq!(queue.claim(), Some(0));
        let waiting = scope.spawn(|| queue.wait(0));
        drop(worker);
        assert_eq!(waiting.join().ok(), Some(false));
    });
}
