//! Tests of what becomes of frames whose group was refused.

use model::time::Timestamp;
use wire::frames::Frame;

use super::{Fault, Gathered, Group, Refusal};

const REFUSED: Timestamp = Timestamp(1_000_000);

fn take(since: Option<Timestamp>, now: i64) -> (bool, Gathered) {
    let group = Group { handle: Err(Refusal { why: "no", since }), members: 3 };
    let frame = Frame { group: 1, time: 5, payload: &[1, 2] };
    let mut gathered = Gathered::default();
    let taken = gathered.frame(&group, &frame, Timestamp(now));
    (matches!(taken, Err(Fault::BeginAnew(_))), gathered)
}

#[test]
fn a_group_without_room_registers_again_after_a_while() {
    let (begins_anew, gathered) = take(Some(REFUSED), REFUSED.0 + 299_999);
    assert!(!begins_anew);
    assert_eq!((gathered.decoded.skipped.samples(), gathered.frames.len()), (3, 0));
    assert!(take(Some(REFUSED), REFUSED.0 + 300_000).0);
    assert!(!take(None, i64::MAX).0, "who may not write these series need not ask again");
}
