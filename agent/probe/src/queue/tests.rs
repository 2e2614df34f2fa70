//! Tests of fairness.

use proptest::prelude::*;

use super::*;

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("valid")
}

#[test]
fn one_of_each_tenant_in_turn() {
    let mut queue = FairQueue::default();
    let [big, small] = ["big", "small"].map(|name| queue.open(&tenant(name)));
    for number in 0..5 {
        queue.push(big, format!("big{number}"));
    }
    queue.push(small, "small0".to_owned());
    queue.push(small, "small1".to_owned());
    assert_eq!(queue.len(), 7);
    let order: Vec<String> = std::iter::from_fn(|| queue.pop()).collect();
    assert_eq!(order, ["big0", "small0", "big1", "small1", "big2", "big3", "big4"]);
    assert!(queue.is_empty());
}

#[test]
fn the_lane_of_a_tenant_that_left_is_used_again() {
    let mut queue: FairQueue<u32> = FairQueue::default();
    let first = queue.open(&tenant("a"));
    assert_eq!(queue.open(&tenant("a")), first);
    queue.close(&tenant("a"));
    assert_eq!(queue.open(&tenant("a")), first, "one user is left");
    queue.close(&tenant("a"));
    queue.close(&tenant("a"));
    queue.close(&tenant("never-seen"));
    assert_eq!(queue.open(&tenant("b")), first);
    assert_ne!(queue.open(&tenant("a")), first);
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nobody_waits_for_two_of_another(
        steps in prop::collection::vec(prop::option::of(0usize..4), 0..200),
    ) {
        let mut queue = FairQueue::default();
        let lanes = ["a", "b", "c", "d"].map(|name| queue.open(&tenant(name)));
        let mut waiting: [VecDeque<usize>; 4] = Default::default();
        // How often others were served since a lane began to wait or was served.
        let mut passed = [[0usize; 4]; 4];
        for (number, step) in steps.into_iter().enumerate() {
            if let Some(lane) = step {
                if waiting[lane].is_empty() {
                    passed[lane] = [0; 4];
                }
                waiting[lane].push_back(number);
                queue.push(lanes[lane], (lane, number));
            } else if let Some((lane, item)) = queue.pop() {
                prop_assert_eq!(waiting[lane].pop_front(), Some(item), "first come in its lane");
                passed[lane] = [0; 4];
                for other in (0..4).filter(|other| !waiting[*other].is_empty() && *other != lane) {
                    passed[other][lane] += 1;
                    prop_assert!(passed[other][lane] <= 1, "one turn at a time");
                }
            } else {
                prop_assert!(waiting.iter().all(VecDeque::is_empty));
            }
            prop_assert_eq!(queue.len(), waiting.iter().map(VecDeque::len).sum::<usize>());
        }
    }
}
