//! Tests of the ring of exemplars.

use model::{exemplar::Exemplar, labels::Labels, time::Timestamp};

use super::{Added, Exemplars};

fn exemplar(time: i64, trace: &str) -> Exemplar {
    let labels = Labels::new([("trace_id", trace)]).unwrap();
    Exemplar { labels, value: 0.5, time: Timestamp(time) }
}

#[test]
fn the_oldest_makes_room_and_repetitions_are_recognised() {
    let mut ring = Exemplars::default();
    let mut add = |series, time, trace: &str| ring.add(series, &exemplar(time, trace), 3);
    assert_eq!(add(1, 10, "a"), Added::Stored);
    assert_eq!(add(1, 20, "a"), Added::Same);
    assert_eq!(add(1, 20, "b"), Added::Stored);
    assert_eq!(add(1, 19, "c"), Added::Refused, "older than the newest");
    assert_eq!(add(2, 5, "c"), Added::Stored);
    assert_eq!(add(3, 6, "d"), Added::Stored);
    assert_eq!(add(1, 20, "b"), Added::Same);
    assert_eq!(add(2, 7, &"x".repeat(600)), Added::Refused);
    let times: Vec<i64> = ring.iter().map(|(_, exemplar)| exemplar.time.0).collect();
    assert_eq!(times, [20, 5, 6]);
    ring.retain(|series| series != 2);
    assert_eq!(ring.add(3, &exemplar(6, "d"), 3), Added::Same);
    assert_eq!(ring.add(1, &exemplar(1, "e"), 3), Added::Refused);
    assert_eq!(ring.add(4, &exemplar(1, "e"), 0), Added::Refused);
    assert_eq!(ring.iter().count(), 2);
}
