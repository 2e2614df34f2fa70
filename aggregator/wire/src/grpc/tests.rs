//! Tests that messages come out whole, however the body is cut.

use proptest::prelude::*;

use super::{Messages, Piece};

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("is short");
    [&[0], &length.to_be_bytes()[..], message].concat()
}

fn all(body: &[u8], cut: usize, bytes_max: usize) -> (Vec<Vec<u8>>, u64, bool) {
    let mut messages = Messages::new(bytes_max);
    let (mut whole, mut skipped) = (Vec::new(), 0);
    for part in body.chunks(cut) {
        messages.push(part, |piece| match piece {
            Piece::Message(message, _) => whole.push(message.to_vec()),
            Piece::TooLong(bytes) => skipped += bytes,
        });
    }
    (whole, skipped, messages.is_between())
}

#[test]
fn long_messages_are_passed_over() {
    let body = [frame(b"abc"), frame(&[7; 100]), frame(b""), frame(b"de")].concat();
    for cut in 1..body.len() {
        let expect = vec![b"abc".to_vec(), Vec::new(), b"de".to_vec()];
        assert_eq!(all(&body, cut, 99), (expect, 100, true), "cut {cut}");
    }
    assert!(!all(&frame(b"abc")[..7], 3, 99).2, "something is missing");
}

proptest! {
    #[test]
    fn cuts_do_not_matter(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..10), cut in 1usize..100,
    ) {
        let body: Vec<u8> = parts.iter().flat_map(|part| frame(part)).collect();
        prop_assert_eq!(all(&body, cut, 1000), (parts, 0, true));
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), cut in 1usize..20) {
        all(&body, cut, 16);
    }
}
