//! The history is the same each time and in the order of time.

use codec::inflate::{Compression, decompress};
use model::write::WriteBatch;
use wire::remote_write::{DecodeOptions, Version, decode};

use super::{History, TICK, Walk};

const SMALL: History = History { hours: 1, counters: 300, buckets: 20, inventory: 30 };

fn bodies(end: i64) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    let take = |body| {
        bodies.push(body);
        true
    };
    SMALL.generate(end, take).expect("is made");
    bodies
}

#[test]
fn it_is_the_same_each_time() {
    assert_eq!(bodies(10_000_000), bodies(10_000_000));
}

#[test]
fn it_ends_where_it_should_and_never_goes_back() {
    let (mut oldest, mut newest, mut samples) = (i64::MAX, i64::MIN, 0);
    for body in bodies(10_000_000) {
        let (mut plain, mut batch) = (Vec::new(), WriteBatch::default());
        decompress(Compression::Snappy, &body, 64 << 20, &mut plain).expect("is snappy");
        let stats = decode(Version::V1, &plain, &DecodeOptions::default(), &mut batch);
        assert!(stats.expect("is a write").skipped.is_empty());
        samples += batch.sample_count();
        let times = || batch.series().flat_map(|series| series.samples).map(|sample| sample.time);
        let (first, last) = (times().min().expect("has one"), times().max().expect("has one"));
        assert!(last >= newest, "goes back");
        (oldest, newest) = (oldest.min(first), newest.max(last));
    }
    assert_eq!((oldest, newest), (10_000_000 - 240 * TICK, 10_000_000));
    assert_eq!(samples, 320 * 241 + 30);
}

#[test]
fn nobody_is_sent_more_after_a_refusal() {
    let mut count = 0;
    let refuse = |_body| {
        count += 1;
        false
    };
    SMALL.generate(10_000_000, refuse).expect("ends");
    assert_eq!(count, 1);
}

#[test]
fn walks_grow_or_begin_anew() {
    let mut walk = Walk::new(3);
    let mut last = walk.next();
    for _ in 0..10_000 {
        let next = walk.next();
        assert!(next >= last || next == 0.0);
        last = next;
    }
}
