//! Bodies written once must be read for ever.
//!
//! `tests/golden` holds the bodies of one epoch as text: bytes in hexadecimal, then what must come
//! out. Files are never changed, only added: `cargo test -p wire -- --ignored write_missing` writes
//! the first when it is not there.

#![expect(clippy::disallowed_methods, reason = "golden files are real files")]

use std::{fmt::Write as _, fs, path::PathBuf};

use model::write::{Sample, WriteBatch};

use super::{Link, Receiver, TIME, tick};
use crate::remote_write::tests::dump;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// What a receiver makes of a body.
fn received(receiver: &mut Receiver, body: &[u8]) -> String {
    let (samples, rest) = receiver.receive(body).expect("is read");
    let mut text = String::new();
    for line in &receiver.log {
        writeln!(text, "{line}").expect("writes");
    }
    for (labels, time, bits) in samples {
        writeln!(text, "{labels} {time} {bits:016x}").expect("writes");
    }
    text + &dump(&rest)
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().map(|digit| digit.to_digit(16).expect("is hex")).collect();
    let (pairs, []) = digits.as_chunks::<2>() else { panic!("half a byte") };
    pairs.iter().map(|[high, low]| u8::try_from(high << 4 | low).expect("is a byte")).collect()
}

#[test]
fn golden_bodies_are_read() {
    let mut files = 0;
    for entry in fs::read_dir(folder()).expect("is there") {
        let path = entry.expect("is listed").path();
        let text = fs::read_to_string(&path).expect("is readable");
        let mut receiver = Receiver::default();
        for section in text.split("body ").skip(1) {
            let (hex, expected) = section.split_once('\n').expect("has lines");
            assert_eq!(received(&mut receiver, &bytes(hex)), expected, "{}", path.display());
        }
        files += 1;
    }
    assert!(files >= 1, "no golden file");
}

#[test]
#[ignore = "writes a file; only for a new version of the format"]
fn write_missing() {
    let path = folder().join("frames-1.txt");
    if path.exists() {
        return;
    }
    let names = ["acme/web/up", "acme/web/cpu", "acme/db/up", "globex/web/up"];
    let mut last = tick(3, &names[..2]);
    last.begin_series(&mut [("__name__", "old"), ("tenant", "acme")]).expect("is valid");
    last.push_sample(Sample { time: TIME, value: 0.5, start: TIME - 1 });
    let batches: [WriteBatch; 4] = [tick(0, &names), tick(1, &names), tick(2, &names[1..]), last];
    let mut text =
        "# Registered, unchanged, a series less, one that is no plain float.\n".to_owned();
    let (mut link, mut receiver) = (Link::default(), Receiver::default());
    for batch in &batches {
        link.send(batch);
        text.push_str("body ");
        link.body.iter().for_each(|byte| write!(text, "{byte:02x}").expect("writes"));
        text.push('\n');
        text.push_str(&received(&mut receiver, &link.body));
    }
    fs::write(path, text).expect("is written");
}
