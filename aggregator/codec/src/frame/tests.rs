//! Tests of frames: every row comes back, and nothing else is taken for a frame.

use proptest::prelude::*;

use super::{FrameError, apply, apply_some, check, encode, encode_key, is_key, leads_to};

fn framed(previous: &[u64], current: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    encode(previous, current, &mut out);
    out
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Each form and its bytes, so that nobody changes them unawares.
#[test]
fn forms_have_their_bytes() {
    let row = bits(&[1.0, 2.0, 0.5, 7.0]);
    let mut key = Vec::new();
    encode_key(&row, &mut key);
    assert_eq!(key, [5, 4, 0x00, 0x00, 0x3f, 0xf0, 0x40, 0x00, 0x3f, 0xe0, 0x40, 0x1c]);
    let check = &framed(&row, &row)[2..];
    assert_eq!(framed(&row, &row), [&[0, 4][..], check].concat());
    let next = bits(&[1.0, 3.0, 0.5, 7.5]);
    let changed = [0b1010, 0x44, 0x08, 0x02];
    assert_eq!(framed(&row, &next), [&[2, 4][..], check, &changed].concat());
    let (long, mut other) = (vec![0; 100], vec![0; 100]);
    (other[3], other[99]) = (1, 1 << 63);
    let list = [2, 3, 95, 0x0f, 0, 0, 0, 0, 0, 1, 0x80, 0];
    assert_eq!(framed(&long, &other)[6..], list);
}

#[test]
fn counts_what_changed() {
    let (row, next) = (bits(&[1.0, 2.0, 3.0]), bits(&[1.0, 2.5, 4.0]));
    let mut back = row.clone();
    assert_eq!(apply(&framed(&row, &next), &mut back), Ok(2));
    assert_eq!(apply(&framed(&next, &next), &mut back), Ok(0));
    assert_eq!(back, next);
}

/// A frame that is missing or comes twice is told by the next one, or by itself.
#[test]
fn another_row_is_refused() {
    let rows = [bits(&[1.0, 1.0]), bits(&[2.0, 2.0]), bits(&[2.0, 3.0])];
    let (first, second) = (framed(&rows[0], &rows[1]), framed(&rows[1], &rows[2]));
    let mut row = rows[0].clone();
    assert_eq!(apply(&second, &mut row), Err(FrameError::Base));
    assert_eq!(row, rows[0]);
    assert_eq!(apply(&first, &mut row), Ok(2));
    assert_eq!(apply(&first, &mut row), Err(FrameError::Base));
    assert_eq!(apply(&second, &mut row), Ok(1));
    assert_eq!(row, rows[2]);
    let mut short = vec![0];
    assert_eq!(apply(&second, &mut short), Err(FrameError::Length { frame: 2, row: 1 }));
}

/// A key frame follows any row, and an empty row has frames too.
#[test]
fn key_frames_need_no_row() {
    let current = bits(&[1.0, 0.0, -1.0]);
    let mut payload = Vec::new();
    encode_key(&current, &mut payload);
    assert!(is_key(&payload) && !is_key(&framed(&current, &current)) && !is_key(&[]));
    for mut row in [vec![0; 3], vec![u64::MAX; 3]] {
        assert_eq!(apply(&payload, &mut row), Ok(2));
        assert_eq!(row, current);
    }
    assert_eq!(framed(&[], &current), payload);
    assert_eq!(apply(&framed(&[], &[]), &mut []), Ok(0));
}

#[test]
fn what_no_encoder_writes_is_refused() {
    let row = vec![0; 9];
    let mut payload = framed(&row, &[0, 1, 2, 0, 0, 0, 0, 0, 3]);
    let refused = |payload: &[u8]| apply(payload, &mut row.clone());
    assert_eq!(refused(&[8, 9]), Err(FrameError::Invalid("header")));
    let bitmap = 6;
    payload[bitmap + 1] |= 2;
    assert_eq!(refused(&payload), Err(FrameError::Invalid("bitmap")));
    payload[bitmap + 1] &= !2;
    payload[bitmap + 3] |= 0x10;
    assert_eq!(refused(&payload), Err(FrameError::Invalid("padding")));
    payload[bitmap + 3] &= 15;
    payload.push(0);
    assert_eq!(refused(&payload), Err(FrameError::Invalid("length")));
    assert_eq!(refused(&[7, 9, 1, 9, 4, 0]), Err(FrameError::Invalid("position")));
    let endless = [&[7, 9][..], &[0xff; 9], &[1, 0]].concat();
    assert_eq!(refused(&endless), Err(FrameError::Truncated));
}

/// Values as they are measured, and any bits.
fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        (0..100_000u32).prop_map(|whole| f64::from(whole).to_bits()),
        (0..100_000u32).prop_map(|thousandths| (f64::from(thousandths) / 1000.0).to_bits()),
        any::<u64>(),
        any::<u64>().prop_map(|bits| 0xff << (bits % 57)),
    ]
}

/// A row, and one where some share of it is different.
fn rows() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
    let share = prop_oneof![Just(0), Just(3), 0..100u32, Just(100)];
    (0..300usize, share).prop_flat_map(|(length, share)| {
        let step = (value(), value(), 0..100u32);
        prop::collection::vec(step, length).prop_map(move |steps| {
            let pair = |(before, now, dice)| (before, if dice < share { now } else { before });
            steps.into_iter().map(pair).unzip()
        })
    })
}

proptest! {
    #[test]
    fn rows_come_back((previous, current) in rows()) {
        let payload = framed(&previous, &current);
        let changed = previous.iter().zip(&current).filter(|(a, b)| a != b).count();
        let mut row = previous.clone();
        prop_assert_eq!(apply(&payload, &mut row), Ok(changed));
        prop_assert_eq!(&row, &current);
        prop_assert!(leads_to(&payload, &current));
        // A change cancels out another one that is the same but turned as far as its lane turns between
        // the two, as those of single bytes among these values sometimes are.
        prop_assert_eq!(leads_to(&payload, &previous), check(&previous) == check(&current));
        let mut key = Vec::new();
        encode_key(&current, &mut key);
        prop_assert!(leads_to(&key, &current));
        prop_assert_eq!(leads_to(&key, &previous), changed == 0);
        for cut in 0..payload.len() {
            let mut row = previous.clone();
            prop_assert!(apply(&payload[..cut], &mut row).is_err());
            prop_assert_eq!(&row, &previous);
        }
    }

    #[test]
    fn some_values_are_those_of_the_row(
        (previous, current) in rows(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut wanted: Vec<u32> = if current.is_empty() {
            vec![]
        } else {
            picks.iter().map(|pick| pick.index(current.len()) as u32).collect()
        };
        wanted.sort_unstable();
        wanted.dedup();
        let of = |row: &[u64]| -> Vec<u64> { wanted.iter().map(|at| row[*at as usize]).collect() };
        let mut key = Vec::new();
        encode_key(&current, &mut key);
        for payload in [framed(&previous, &current), key] {
            let mut values = of(&previous);
            prop_assert_eq!(apply_some(&payload, current.len(), &wanted, &mut values), Ok(()));
            prop_assert_eq!(values, of(&current));
        }
        let mut values = of(&previous);
        let cut = framed(&previous, &current);
        prop_assert!(apply_some(&cut[..cut.len() - 1], current.len(), &wanted, &mut values).is_err());
        prop_assert_eq!(values, of(&previous));
    }

    /// Bytes that were changed give some row or an error that leaves the row.
    #[test]
    fn never_panics(
        (previous, current) in rows(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut payload = framed(&previous, &current);
        for (at, byte) in noise {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        payload.truncate(payload.len().saturating_sub(cut.index(3)));
        let mut row = previous.clone();
        let mut values = [7; 4];
        if apply_some(&payload, previous.len(), &[0, 3, 70, u32::MAX], &mut values).is_err() {
            prop_assert_eq!(values, [7; 4]);
        }
        if apply(&payload, &mut row).is_err() {
            prop_assert_eq!(row, previous);
        }
    }

    #[test]
    fn never_panics_on_noise(bytes in prop::collection::vec(any::<u8>(), 0..40), length in 0..80usize) {
        let mut keyed = bytes.clone();
        if let Some(header) = keyed.first_mut() {
            *header = 4 | *header & 3;
        }
        for payload in [bytes, keyed] {
            let mut row = vec![7; length];
            if apply(&payload, &mut row).is_err() {
                prop_assert!(row.iter().all(|value| *value == 7));
            }
        }
    }
}
