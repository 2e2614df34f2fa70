//! Tests of sums: by hand, and that buckets lose nothing whatever is added to what.

use proptest::prelude::*;

use super::*;
use crate::otlp::point::NO_RECORDED_VALUE;

const KEY: &[u8] = b"series";

fn number(start: i64, time: i64, value: f64) -> Point<'static> {
    Point { start, time, value: Some(value), ..Point::default() }
}

/// Adds and returns value and start of the sum.
fn add(streams: &mut Streams, mut point: Point<'_>) -> Result<(f64, i64), Refused> {
    streams.add(KEY, &mut point, Shape::Sum, 1000)?;
    Ok((point.value.expect("has one"), point.start))
}

#[test]
fn deltas_add_up_from_the_start_of_the_first() {
    let mut streams = Streams::default();
    assert_eq!(add(&mut streams, number(10, 20, 5.0)), Ok((5.0, 10)));
    assert_eq!(add(&mut streams, number(20, 30, 2.0)), Ok((7.0, 10)));
    // The very same again, as when an answer is lost.
    assert_eq!(add(&mut streams, number(20, 30, 2.0)), Ok((7.0, 10)));
    // Another point of that time, one between, and one from before the stream.
    assert_eq!(add(&mut streams, number(20, 30, 3.0)), Err(Refused::OutOfOrder));
    assert_eq!(add(&mut streams, number(10, 25, 1.0)), Err(Refused::OutOfOrder));
    assert_eq!(add(&mut streams, number(5, 40, 1.0)), Err(Refused::OutOfOrder));
    // A gap, a sender that started anew, and one that says no start: all is counted on.
    assert_eq!(add(&mut streams, number(50, 60, 1.0)), Ok((8.0, 10)));
    assert_eq!(add(&mut streams, number(0, 70, 1.0)), Ok((9.0, 10)));
    let stats = StreamStats { added: 4, repeated: 1, out_of_order: 3, ..StreamStats::default() };
    assert_eq!(streams.take_stats(), stats);
    assert_eq!(streams.take_stats(), StreamStats::default());
}

#[test]
fn what_cannot_be_added_begins_anew() {
    let mut streams = Streams::default();
    let histogram = |start, time, bounds: &[f64], counts: &[u64]| Point {
        start,
        time,
        count: counts.iter().sum(),
        sum: Some(1.5),
        bounds: bounds.to_vec(),
        bucket_counts: counts.to_vec(),
        ..Point::default()
    };
    let mut add = |mut point: Point<'static>| {
        streams.add(KEY, &mut point, Shape::Histogram, 0).expect("is in order");
        (point.start, point.count, point.sum, point.bucket_counts)
    };
    assert_eq!(add(histogram(1, 2, &[1.0], &[1, 2])), (1, 3, Some(1.5), vec![1, 2]));
    assert_eq!(add(histogram(2, 3, &[1.0], &[1, 0])), (1, 4, Some(3.0), vec![2, 2]));
    assert_eq!(add(histogram(3, 4, &[2.0], &[1, 0])), (3, 1, Some(1.5), vec![1, 0]));
    let unsaid = Point { start: 0, ..histogram(4, 5, &[3.0], &[7, 0]) };
    assert_eq!(add(unsaid), (4, 7, Some(1.5), vec![7, 0]));
    let without = Point { sum: None, ..histogram(5, 6, &[3.0], &[1, 0]) };
    assert_eq!(add(without), (4, 8, None, vec![8, 0]));
    assert_eq!(streams.take_stats().restarted, 2);
    // NaN would stay for ever.
    let mut streams = Streams::default();
    assert!(self::add(&mut streams, number(1, 2, f64::NAN)).is_ok());
    assert_eq!(self::add(&mut streams, number(2, 3, 1.0)), Ok((1.0, 2)));
    assert_eq!(self::add(&mut streams, number(3, 4, 1.0)), Ok((2.0, 2)));
}

#[test]
fn streams_are_bounded_and_forgotten() {
    let mut streams = Streams::new(StreamLimits { streams: 2, bytes: 1 << 20, ahead: i64::MAX });
    let add = |streams: &mut Streams, key: &[u8], time, now| {
        streams.add(key, &mut number(0, time, 1.0), Shape::Sum, now)
    };
    assert_eq!(add(&mut streams, b"a", 1, 100), Ok(()));
    assert_eq!(add(&mut streams, b"b", 1, 200), Ok(()));
    assert_eq!(add(&mut streams, b"c", 1, 200), Err(Refused::OverLimit));
    assert_eq!(add(&mut streams, b"a", 2, 300), Ok(()), "one that is known goes on");
    assert_eq!(streams.take_stats().over_limit, 1);
    streams.forget_before(201);
    assert_eq!(streams.len(), 1);
    assert_eq!(add(&mut streams, b"c", 1, 300), Ok(()));
    streams.forget_before(301);
    assert!(streams.is_empty());
    assert_eq!(streams.bytes, 0);
    // By memory as well.
    let mut streams =
        Streams::new(StreamLimits { streams: 100, bytes: 2 * (STREAM_BYTES + 1), ahead: i64::MAX });
    assert_eq!(add(&mut streams, b"a", 1, 0), Ok(()));
    assert_eq!(add(&mut streams, b"b", 1, 0), Ok(()));
    assert_eq!(add(&mut streams, b"c", 1, 0), Err(Refused::OverLimit));
}

#[test]
fn a_stale_point_ends_its_stream() {
    let mut streams = Streams::default();
    assert_eq!(add(&mut streams, number(10, 20, 5.0)), Ok((5.0, 10)));
    let mut stale = Point { flags: NO_RECORDED_VALUE, ..number(0, 30, 0.0) };
    streams.add(KEY, &mut stale, Shape::Sum, 0).expect("is taken");
    assert!(streams.is_empty() && stale.is_stale());
    assert_eq!(streams.bytes, 0);
    assert_eq!(add(&mut streams, number(30, 40, 2.0)), Ok((2.0, 30)));
}

fn exponential(time: i64, scale: i32, offset: i32, counts: &[u64]) -> Point<'static> {
    Point {
        time,
        scale,
        count: counts.iter().sum(),
        positive: Buckets { offset, counts: counts.to_vec() },
        negative: Buckets { offset: offset / 2, counts: counts.to_vec() },
        ..Point::default()
    }
}

#[test]
fn exponential_buckets_meet_at_the_coarser_scale() {
    let mut streams = Streams::default();
    let mut add = |mut point: Point<'static>| {
        streams.add(KEY, &mut point, Shape::Exponential, 0).expect("is in order");
        (point.scale, point.positive.offset, point.positive.counts)
    };
    assert_eq!(add(exponential(1, 2, -3, &[1, 1, 1, 1])), (2, -3, vec![1, 1, 1, 1]));
    // -3 | -2 -1 | 0 becomes -2 | -1 | 0.
    assert_eq!(add(exponential(2, 1, 1, &[5])), (1, -2, vec![1, 2, 1, 5]));
    assert_eq!(add(exponential(3, 3, 0, &[0, 0, 0, 7])), (1, -2, vec![1, 2, 8, 5]));
    // 400 buckets apart: 160 are kept at most.
    assert_eq!(add(exponential(4, 1, 400, &[1])).0, -1);
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_grows(
        points in prop::collection::vec(
            (any::<i32>(), any::<i32>(), prop::collection::vec(0u64..9, 0..200)),
            1..6,
        ),
    ) {
        let mut streams = Streams::default();
        let mut all = 0;
        for (time, (scale, offset, counts)) in (1i64..).zip(&points) {
            all += counts.iter().sum::<u64>();
            let mut point = exponential(time, *scale, *offset, counts);
            streams.add(KEY, &mut point, Shape::Exponential, 0).expect("is in order");
            for buckets in [&point.positive, &point.negative] {
                prop_assert_eq!(buckets.counts.iter().sum::<u64>(), all);
                prop_assert!(buckets.counts.len() as i64 <= BUCKETS_MAX);
            }
            prop_assert!(point.scale <= *scale);
            let stream = &streams.by_key[KEY];
            prop_assert_eq!(streams.bytes, KEY.len() + stream.bytes());
        }
    }
}

#[test]
fn how_keys_are_hashed_is_not_known() {
    use std::hash::BuildHasher;
    let hash = || Streams::default().by_key.hasher().hash_one(KEY);
    assert_ne!((hash(), hash()), (hash(), hash()));
}

#[test]
fn a_point_of_the_future_stops_nothing() {
    let limits = StreamLimits { ahead: 50, ..StreamLimits::default() };
    let mut streams = Streams::new(limits);
    let mut add = |time, now| streams.add(KEY, &mut number(10, time, 1.0), Shape::Sum, now).err();
    assert_eq!(add(1051, 1000), Some(Refused::InFuture), "no stream begins with it");
    assert_eq!(add(1000, 1000), None);
    assert_eq!(add(i64::MAX, 1000), Some(Refused::InFuture));
    assert_eq!(add(1050, 1000), None, "as far as stores go");
    // Refused until then, and not kept alive by it.
    assert_eq!(add(1010, 1010), Some(Refused::OutOfOrder));
    assert_eq!(streams.take_stats().in_future, 2);
    streams.forget_before(1005);
    assert!(streams.is_empty());
}
