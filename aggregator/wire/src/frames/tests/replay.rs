//! What a sender wrote is read back as it was.

use std::borrow::Borrow;

use model::write::WriteBatch;
use proptest::prelude::*;

use super::{LIFT, floats, tick};
use crate::{
    frames::{Encoder, Replay, ReplayError},
    remote_write::tests::strategies,
};

/// No label is lifted: a spool keeps whole label sets.
fn bodies<B: Borrow<WriteBatch>>(batches: &[B]) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(3, "");
    let write = |batch: &B| {
        let mut body = Vec::new();
        encoder.encode(batch.borrow(), &mut body);
        body
    };
    batches.iter().map(write).collect()
}

proptest! {
    #[test]
    fn batches_come_back(batches in prop::collection::vec(strategies::batch(true), 1..4)) {
        let mut replay = Replay::default();
        for (batch, body) in batches.iter().zip(bodies(&batches)) {
            let mut read = WriteBatch::default();
            prop_assert_eq!(replay.read(&body, &mut read), Ok(0));
            let (mut sent, mut read) = (floats(batch), floats(&read));
            sent.dedup();
            read.dedup();
            prop_assert_eq!(read, sent);
        }
    }

    #[test]
    fn any_bytes_do_not_panic(body in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..400) {
        let mut replay = Replay::default();
        let _result = replay.read(&body, &mut WriteBatch::default());
        let good = bodies(&[tick(0, &["t/a/m", "t/a/n"])]).concat();
        let good = good.get(..cut.min(good.len())).expect("is within");
        let _result = replay.read(good, &mut WriteBatch::default());
    }
}

#[test]
fn a_gap_is_noticed() {
    let batches = [tick(0, &["t/a/m"]), tick(1, &["t/a/m"]), tick(2, &["t/a/m"])];
    let bodies = bodies(&batches);
    let mut replay = Replay::default();
    let mut read = |number: usize| replay.read(&bodies[number], &mut WriteBatch::default());
    assert_eq!(read(1), Err(ReplayError::OutOfStep { last: 0, found: 2 }));
    assert_eq!(read(0), Ok(0));
    assert_eq!(read(2), Err(ReplayError::OutOfStep { last: 1, found: 3 }));
    assert_eq!(read(1), Ok(0));
    assert_eq!(read(2), Ok(0));
}

#[test]
fn labels_keep_their_tenant_where_none_is_lifted() {
    let batch = tick(0, &["t/a/m", "u/a/m"]);
    let mut read = WriteBatch::default();
    let [body] = bodies(std::slice::from_ref(&batch)).try_into().expect("is one");
    assert_eq!(Replay::default().read(&body, &mut read), Ok(0));
    assert_eq!(floats(&read), floats(&batch));
    assert!(floats(&read).iter().all(|(labels, ..)| labels.contains(LIFT)));
}
