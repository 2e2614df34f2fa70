//! Tests that every form of block comes back, has the planned length and survives any bytes.

use proptest::prelude::*;

use super::{
    super::{
        ChunkError,
        plan::{Form, Widths},
    },
    MAX_SIZE_LOG, UNIT, read, read_all, write_all, write_form,
};

fn written(block: &[u64], form: Form) -> Vec<u8> {
    let mut out = Vec::new();
    write_form(block, form, &mut out);
    out
}

fn read_back(bytes: &[u8], count: usize) -> Result<Vec<u64>, ChunkError> {
    let mut out = vec![-1i64; count];
    let mut input = bytes;
    read(&mut input, &mut out)?;
    assert!(input.is_empty(), "{} bytes left", input.len());
    Ok(out.into_iter().map(|word| word as u64).collect())
}

/// All forms that can hold the numbers with some low width.
fn forms(numbers: &[u64], low: usize) -> Vec<Form> {
    let full = numbers.iter().map(|number| 64 - number.leading_zeros() as usize).max().unwrap_or(0);
    let outliers = numbers.iter().filter(|number| **number >> low.min(63) != 0).count();
    let mut forms = vec![Form::Packed { width: full }];
    if low < full {
        forms.push(Form::Bitmap { low, full });
        if outliers <= 255 {
            forms.push(Form::List { low, full });
        }
        if low < 63 && numbers.iter().all(|number| number >> low < 1000) {
            forms.push(Form::Unary { low });
        }
    }
    forms
}

#[test]
fn the_bytes_are_as_documented() {
    let numbers = [1, 2, 3, 0, 9];
    assert_eq!(written(&numbers, Form::Packed { width: 4 }), [4, 0x21, 0x03, 0x09]);
    // One outlier at position 4: its low bits 01, its high part 10.
    assert_eq!(
        written(&numbers, Form::List { low: 2, full: 4 }),
        [0x42, 2, 1, 0b0011_1001, 0b01, 4, 2]
    );
    assert_eq!(
        written(&numbers, Form::Bitmap { low: 2, full: 4 }),
        [0x82, 2, 0b0011_1001, 0b01, 0b1_0000, 2]
    );
    // High parts 0 0 0 0 2: ones, then two zeros and a one.
    assert_eq!(written(&numbers, Form::Unary { low: 2 }), [0xc2, 0b0011_1001, 0b01, 0b100_1111]);
    assert_eq!(written(&[u64::MAX], Form::Packed { width: 64 }), [0xff; 9]);
}

#[test]
fn what_no_encoder_writes_is_refused() {
    for (bytes, error) in [
        (&[][..], ChunkError::Truncated),
        (&[8, 1, 2], ChunkError::Truncated),
        (&[0x40, 0, 0], ChunkError::Invalid("block width")),
        (&[0x7f, 2, 0], ChunkError::Invalid("block width")),
        (&[0x80, 65, 0], ChunkError::Invalid("block width")),
        (&[0x40, 1, 1, 7, 1], ChunkError::Invalid("outlier position")),
        (&[0x80, 1, 0xff], ChunkError::Truncated),
        (&[0xc0, 0, 0, 0x0f], ChunkError::Truncated),
    ] {
        assert_eq!(read_back(bytes, 5), Err(error), "{bytes:x?}");
    }
}

fn numbers() -> impl Strategy<Value = Vec<u64>> {
    let number = prop_oneof![
        8 => 0u64..4,
        4 => 0u64..1000,
        1 => (any::<u64>(), 0u32..64).prop_map(|(number, shift)| number >> shift),
    ];
    prop::collection::vec(number, 1..=1024)
}

proptest! {
    #[test]
    fn every_form_comes_back(numbers in numbers(), low in 0usize..63) {
        for form in forms(&numbers, low) {
            let bytes = written(&numbers, form);
            let back = read_back(&bytes, numbers.len());
            prop_assert_eq!(back.as_deref(), Ok(&*numbers), "{:?}", form);
        }
    }

    #[test]
    fn plans_tell_the_length(numbers in numbers()) {
        let plan = Widths::of(&numbers).plan(numbers.len());
        prop_assert_eq!(written(&numbers, plan.other).len(), plan.other_len);
    }

    #[test]
    fn streams_of_blocks_come_back(numbers in numbers(), size_log in 0..=MAX_SIZE_LOG) {
        let widths: Vec<Widths> = numbers.chunks(UNIT).map(Widths::of).collect();
        let mut bytes = Vec::new();
        write_all(&numbers, &widths, size_log, &mut bytes);
        let mut out = vec![0i64; numbers.len()];
        let mut input = bytes.as_slice();
        prop_assert_eq!(read_all(&mut input, size_log, &mut out), Ok(()));
        prop_assert!(input.is_empty());
        prop_assert!(out.iter().zip(&numbers).all(|(read, number)| *read as u64 == *number));
    }

    #[test]
    fn any_bytes_are_survived(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        count in 0usize..=1024,
        size_log in 0..=MAX_SIZE_LOG,
    ) {
        let mut out = vec![0.0f64; count];
        let result = read_all(&mut bytes.as_slice(), size_log, &mut out);
        prop_assert!(result.is_ok() || count > 0);
    }
}
