//! Tests of waits and names.

use proptest::prelude::*;

use super::*;

#[test]
fn caps_double_up_to_the_limit() {
    let policy = RestartPolicy::default();
    let seconds: Vec<u64> =
        (0..10).chain([31, 32, 33, u32::MAX]).map(|n| cap(&policy, n).as_secs()).collect();
    assert_eq!(seconds, [0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60]);
}

#[test]
fn the_same_seed_gives_the_same_waits() {
    let draw = |seed| {
        let mut random = Random::new(seed);
        [(); 5].map(|()| random.up_to(Duration::from_secs(60)))
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn jitter_is_spread_over_its_whole_room() {
    let mut random = Random::new(3);
    let mut buckets = [0u32; 10];
    for _ in 0..10_000 {
        let millis = random.up_to(Duration::from_millis(99)).as_millis();
        buckets[usize::try_from(millis / 10).expect("small")] += 1;
    }
    assert!(buckets.iter().all(|count| (850..1150).contains(count)), "{buckets:?}");
}

proptest! {
    #[test]
    fn a_wait_is_within_its_cap(seed: u64, cap: u64) {
        let cap = Duration::from_millis(cap);
        prop_assert!(Random::new(seed).up_to(cap) <= cap);
    }

    #[test]
    fn names_differ_where_parts_differ(a: Vec<u8>, b: Vec<u8>) {
        prop_assume!(a != b);
        prop_assert_ne!(fingerprint([a.as_slice(), &b]), fingerprint([b.as_slice(), &a]));
    }
}
