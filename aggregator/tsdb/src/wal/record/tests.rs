//! Tests of log records.

use std::sync::Arc;

use model::{
    exemplar::Exemplar,
    histogram::{Histogram, Span},
    labels::Labels,
    metadata::{Metadata, MetricType},
    time::Timestamp,
};
use proptest::prelude::*;

use super::{
    FrameRecord, Owner, Shared, Writer, read_exemplars, read_frame, read_group, read_histograms,
    read_metadata, read_numbers, read_samples, read_series,
};

const OWNER: Owner = Owner { run: 300, tenant: 7 };

/// The payload of a record after its owner.
fn written(fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.begin(Owner { run: 1, tenant: 1 });
    writer.series(9, &[1, b'x', 1, b'y']);
    writer.begin(OWNER);
    assert!(writer.is_empty());
    fill(&mut writer);
    let mut payload = writer.bytes();
    assert_eq!(Owner::take(&mut payload), Some(OWNER));
    payload.to_vec()
}

#[test]
fn descriptions_come_back() {
    let labels = Labels::new([("trace_id", "abc")]).unwrap();
    let exemplar = Exemplar { labels, value: -0.5, time: Timestamp(-3) };
    let payload = written(|writer| {
        writer.exemplar(u32::MAX, &exemplar);
        writer.exemplar(0, &exemplar);
    });
    let mut found = Vec::new();
    read_exemplars(&payload, |series, exemplar| found.push((series, exemplar))).unwrap();
    assert_eq!(found, [(u32::MAX, exemplar.clone()), (0, exemplar)]);

    let kinds = [MetricType::Unknown, MetricType::Counter, MetricType::StateSet];
    let metadata = |kind| Metadata { kind, help: "what é".to_owned(), unit: String::new() };
    let payload = written(|writer| {
        kinds.iter().for_each(|kind| writer.metadata("up", &metadata(*kind)));
    });
    let mut found = Vec::new();
    read_metadata(&payload, |metric, metadata| found.push((metric, metadata))).unwrap();
    assert_eq!(found, kinds.map(|kind| ("up".to_owned(), metadata(kind))));
}

#[test]
fn groups_and_frames_come_back() {
    let members = [7, 8, u32::MAX, 9, 3, u32::MAX - 1, 0];
    let payload = written(|writer| writer.group(5, &members));
    assert_eq!(read_group(&payload), Some((5, members.to_vec())));
    assert_eq!(payload.len(), 17, "numbers in a row take a byte each");
    for cut in 0..payload.len() {
        assert_eq!(read_group(&payload[..cut]), None, "{cut} bytes");
    }
    assert_eq!(read_group(&[0, 0xff, 0xff, 0xff, 0x7f, 0]), None, "more members than bytes");
    assert_eq!(read_group(&[0, 1, 2]), None, "a number below zero");
    let frame = FrameRecord { group: 300, sequence: 1 << 40, time: -2, payload: &[1, 2, 3] };
    let payload = written(|writer| writer.frame(frame));
    assert_eq!(read_frame(&payload), Some(frame));
    assert_eq!(read_frame(&payload[..7]), None);
}

#[test]
fn histograms_come_back() {
    let histogram = Arc::new(Histogram {
        count: 3.0,
        positive_spans: vec![Span { offset: -1, length: 1 }],
        positive_buckets: vec![3.0],
        ..Histogram::default()
    });
    let payload = written(|writer| {
        assert!(writer.histogram(5, 1000, &histogram, 10));
        assert!(writer.histogram(3, -1000, &histogram, 0));
    });
    let mut found = Vec::new();
    read_histograms(&payload, |series, time, value, start| {
        found.push((series, time, value, start));
    })
    .unwrap();
    assert_eq!(found, [(5, 1000, Arc::clone(&histogram), 10), (3, -1000, histogram, 0)]);
}

#[test]
fn neighbours_with_the_same_time_take_little() {
    let payload = written(|writer| {
        (0..100).for_each(|series| writer.sample(series, 1_700_000_000_000, 100.0, 0));
    });
    // Control byte and two bytes of value each; the first has its time and its step of 0.
    assert_eq!(payload.len(), 100 * 3 + 1 + 6);
}

proptest! {
    #[test]
    fn samples_come_back(
        drawn in proptest::collection::vec((any::<u32>(), any::<i64>(), any::<f64>(), any::<i64>(), 0u8..8), 0..80),
    ) {
        let mut samples: Vec<(u32, i64, u64, i64)> = Vec::new();
        for (series, time, value, start, like) in drawn {
            let last = samples.last().copied().unwrap_or((0, 0, 0, 0));
            samples.push((
                if like & 1 != 0 { last.0.wrapping_add(1) } else { series },
                if like & 2 != 0 { last.1 } else { time },
                value.to_bits(),
                if like & 4 != 0 { 0 } else { start },
            ));
        }
        let payload = written(|writer| {
            for (series, time, value, start) in &samples {
                writer.sample(*series, *time, f64::from_bits(*value), *start);
            }
        });
        let mut found = Vec::new();
        read_samples(&payload, |series, time, value, start| {
            found.push((series, time, value.to_bits(), start));
        }).unwrap();
        prop_assert_eq!(found, samples);
    }

    #[test]
    fn series_come_back(
        drawn in proptest::collection::vec((any::<u32>(), proptest::collection::vec(0u8..3, 0..20)), 0..30),
    ) {
        let payload = written(|writer| {
            drawn.iter().for_each(|(series, labels)| writer.series(*series, labels));
        });
        let mut found = Vec::new();
        let mut before = Vec::new();
        read_series(&payload, |entry| {
            let Shared { prefix, suffix } = entry.shared;
            assert!(prefix + suffix <= before.len().min(entry.labels.len()));
            assert!(entry.labels.starts_with(&before[..prefix]));
            assert!(entry.labels.ends_with(&before[before.len() - suffix..]));
            before = entry.labels.to_vec();
            found.push((entry.number, before.clone()));
        }).unwrap();
        let mut numbers = Vec::new();
        read_numbers(&payload, |number| numbers.push(number)).unwrap();
        prop_assert!(numbers.into_iter().eq(drawn.iter().map(|(number, _)| *number)));
        prop_assert_eq!(found, drawn);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut rest = bytes.as_slice();
        Owner::take(&mut rest);
        read_samples(&bytes, |_, _, _, _| {});
        let (mut numbers, mut entries) = (0, 0);
        let understood = read_numbers(&bytes, |_| numbers += 1);
        prop_assert_eq!(read_series(&bytes, |_| entries += 1), understood);
        prop_assert_eq!(entries, numbers);
        read_histograms(&bytes, |_, _, _, _| {});
        read_exemplars(&bytes, |_, _| {});
        read_metadata(&bytes, |_, _| {});
    }
}
