//! Tests of zones and their bytes.

use model::columns::stale_nan;
use proptest::prelude::*;

use super::{super::ChunkError, Zone};

fn put(values: &[f64]) -> (Zone, Vec<u8>) {
    let zone = Zone::of(values).unwrap();
    let mut bytes = Vec::new();
    zone.put(&mut bytes);
    (zone, bytes)
}

fn bits(zone: &Zone) -> (u32, u32, [u64; 4], bool) {
    let numbers = [zone.min, zone.max, zone.first, zone.last];
    // Extremes that are not a number have no payload to keep.
    let bits = numbers.map(|number| if number.is_nan() { u64::MAX } else { number.to_bits() });
    (zone.count, zone.stale, bits, zone.uniform)
}

#[test]
fn zones_know_their_values() {
    let nan = f64::NAN;
    for (values, (stale, min, max, uniform)) in [
        (&[3.0][..], (0, 3.0, 3.0, true)),
        (&[3.0, 1.0, 2.0], (0, 1.0, 3.0, false)),
        (&[nan, 1.0, stale_nan()], (1, 1.0, 1.0, false)),
        (&[stale_nan(), stale_nan()], (2, nan, nan, true)),
        (&[nan, stale_nan()], (1, nan, nan, false)),
        (&[f64::INFINITY, nan], (0, f64::INFINITY, f64::INFINITY, false)),
        (&[f64::NEG_INFINITY, 5.0], (0, f64::NEG_INFINITY, 5.0, false)),
        (&[-0.0, 0.0], (0, -0.0, -0.0, false)),
    ] {
        let zone = Zone::of(values).unwrap();
        let expected = Zone {
            count: values.len() as u32,
            stale,
            min,
            max,
            first: values[0],
            last: values[values.len() - 1],
            uniform,
        };
        assert_eq!(bits(&zone), bits(&expected), "{values:?}");
    }
    assert!(Zone::of(&[]).is_none());
}

#[test]
fn usual_zones_take_few_bytes() {
    for (values, len) in [
        (&[0.0, 0.0][..], 2),
        (&[4096.0], 3),
        (&[16.5, 16.7, 17.1], 5),
        (&[100.0, 90.0, 110.0, 95.0], 7),
        (&[1.0 / 3.0, 1.0 / 7.0], 18),
    ] {
        assert_eq!(put(values).1.len(), len, "{values:?}");
    }
}

#[test]
fn invalid_bytes_are_refused() {
    let take = |bytes: &[u8]| Zone::take(&mut &bytes[..], 5).map(drop);
    assert_eq!(take(&[]), Err(ChunkError::Truncated));
    assert_eq!(take(&[0x10]), Err(ChunkError::Truncated));
    assert_eq!(take(&[0x1f, 0, 0]), Err(ChunkError::Truncated));
    assert_eq!(take(&[0x20, 6, 0, 0]), Err(ChunkError::Invalid("stale count")));
    assert_eq!(take(&[0x80, 0, 0]), Err(ChunkError::Invalid("zone header")));
    assert_eq!(take(&[0, 0, 1]), Err(ChunkError::Truncated));
}

proptest! {
    #[test]
    fn zones_come_back(values in super::super::values::tests::columns()) {
        let (zone, bytes) = put(&values);
        let mut input = bytes.as_slice();
        let taken = Zone::take(&mut input, zone.count).unwrap();
        prop_assert!(input.is_empty());
        prop_assert_eq!(bits(&taken), bits(&zone));
        prop_assert_eq!(taken.first.to_bits(), zone.first.to_bits());
        prop_assert_eq!(taken.last.to_bits(), zone.last.to_bits());
        for value in values.iter().filter(|value| !value.is_nan()) {
            prop_assert!(zone.min <= *value && *value <= zone.max);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..50)) {
        let mut input = bytes.as_slice();
        if Zone::take(&mut input, 7).is_ok() {
            prop_assert!(input.len() < bytes.len());
        }
    }
}
