//! The file's format, and the order of what is sent.

use codec::inflate::{Compression, decompress};
use model::write::WriteBatch;
use wire::remote_write::{DecodeOptions, Version, decode};

use super::{Series, bodies, labels, parse, samples, thin};

fn series(name: &str, times: std::ops::Range<i64>) -> Series {
    let labels = vec![("__name__".to_owned(), name.to_owned())];
    Series { labels, samples: times.map(|time| (time * 1000, time as f64)).collect() }
}

fn file(all: &[Series]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for series in all {
        let pairs: Vec<_> = series.labels.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
        let text = format!("{{{}}}", pairs.join(", "));
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.extend((series.samples.len() as u64).to_le_bytes());
        bytes.extend(series.samples.iter().flat_map(|(time, _)| time.to_le_bytes()));
        bytes.extend(series.samples.iter().flat_map(|(_, value)| value.to_le_bytes()));
    }
    bytes
}

#[test]
fn a_file_is_read_whole_or_not_at_all() {
    let all = [series("a", 0..3), series("b", 5..6)];
    let bytes = file(&all);
    assert_eq!(parse(&bytes).as_deref(), Some(&all[..]));
    let whole = [0, file(&all[..1]).len()];
    for end in (0..bytes.len()).filter(|end| !whole.contains(end)) {
        assert_eq!(parse(&bytes[..end]), None, "{end}");
    }
    assert_eq!(parse(&[0xff; 40]), None);
}

#[test]
fn labels_are_told_apart() {
    let read = labels(r#"{__name__="a", path="/x, y=1"}"#);
    let expected = [("__name__", "a"), ("path", "/x, y=1")];
    assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(labels("{}").is_empty());
}

#[test]
fn thinning_takes_every_so_many() {
    let all = [series("a", 0..31)];
    assert_eq!(samples(&thin(&all, 15, usize::MAX)), 3);
    assert_eq!(thin(&all, 15, 1)[0].samples, [(0, 0.0)]);
}

#[test]
fn bodies_hold_everything_and_no_slice_is_older_than_the_one_before() {
    let all: Vec<Series> = (0..450).map(|n| series(&format!("m{n}"), n % 7..1000 - n)).collect();
    let (mut count, mut newest) = (0, i64::MIN);
    for body in bodies(&all, Version::V2).expect("are made") {
        let (mut plain, mut batch) = (Vec::new(), WriteBatch::default());
        decompress(Compression::Snappy, &body, 64 << 20, &mut plain).expect("is snappy");
        decode(Version::V2, &plain, &DecodeOptions::default(), &mut batch).expect("is a write");
        count += batch.sample_count();
        let times = || batch.series().flat_map(|series| series.samples).map(|sample| sample.time);
        assert!(times().min() > Some(newest.saturating_sub(300_000)));
        newest = newest.max(times().max().unwrap_or(newest));
    }
    assert_eq!(count, samples(&all));
}
