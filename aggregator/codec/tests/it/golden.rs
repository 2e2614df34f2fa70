//! Chunks and frames written once must decode for ever.
//!
//! `tests/golden` has one text file for each form of chunk: what it shows, the kind of chunk, its
//! bytes, and the samples that must come out. Files are never changed, only added:
//! `cargo test -p codec --test it -- --ignored write_missing` writes those that `cases` has and the
//! folder has not.

#![expect(clippy::disallowed_methods, reason = "golden files are real files")]

use std::{fmt::Write, fs, path::PathBuf, sync::Arc};

use codec::{
    chunk::{self, ChunkError, Scratch, Zone},
    frame,
};
use model::histogram::Histogram;

mod cases;
mod text;

/// What a golden file holds.
pub(crate) enum Samples {
    Values(Vec<f64>),
    Times(Vec<i64>),
    /// Start timestamps and the times of the same samples.
    Starts(Vec<i64>, Vec<i64>),
    Histograms(Vec<Arc<Histogram>>),
    /// A zone, written as that of these values.
    Zone(Vec<f64>),
    /// The row before a frame, and the row behind it.
    Frame(Vec<f64>, Vec<f64>),
}

impl Samples {
    fn count(&self) -> usize {
        match self {
            Self::Values(values) | Self::Zone(values) | Self::Frame(_, values) => values.len(),
            Self::Times(times) | Self::Starts(times, _) => times.len(),
            Self::Histograms(histograms) => histograms.len(),
        }
    }

    fn encode(&self) -> Result<Vec<u8>, ChunkError> {
        let (mut out, mut scratch) = (Vec::new(), Scratch::default());
        match self {
            Self::Values(values) => {
                chunk::encode_values(values, &mut out, &mut scratch)?;
            }
            Self::Times(times) => chunk::encode_times(times, &mut out, &mut scratch)?,
            Self::Starts(starts, times) => {
                chunk::encode_starts(starts, times, &mut out, &mut scratch)?;
            }
            Self::Histograms(histograms) => {
                chunk::encode_histograms(histograms, &mut out, &mut scratch)?;
            }
            Self::Zone(values) => Zone::of(values).ok_or(ChunkError::Count(0))?.put(&mut out),
            Self::Frame(previous, current) => {
                frame::encode(&text::bits(previous), &text::bits(current), &mut out);
            }
        }
        Ok(out)
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

#[test]
fn golden_files_decode() {
    let mut files = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        let file = text::read(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|| panic!("{name} is not a golden file"));
        let samples = text::decode(&file.kind, &file.bytes, file.count, &file.times);
        assert_eq!(
            samples.unwrap_or_else(|error| panic!("{name}: {error}")),
            file.samples,
            "{name}"
        );
        files += 1;
    }
    assert!(files >= 37, "only {files} golden files");
}

/// What is encoded today decodes too, so that every case is a test even before it has a file.
#[test]
fn cases_decode() {
    for (name, _, samples) in cases::cases() {
        let (kind, expected, times) = text::samples(&samples);
        let back = text::decode(kind, &samples.encode().unwrap(), samples.count(), &times);
        assert_eq!(back, Ok(expected), "{name}");
    }
}

#[test]
#[ignore = "writes files; only for a new form of chunk"]
fn write_missing() {
    for (name, shows, samples) in cases::cases() {
        let path = folder().join(format!("{name}.txt"));
        if path.exists() {
            continue;
        }
        let (kind, lines, times) = text::samples(&samples);
        let mut out = format!("# {shows}\nkind {kind}\ncount {}\nchunk", samples.count());
        for byte in samples.encode().unwrap() {
            write!(out, " {byte:02x}").unwrap();
        }
        if !times.is_empty() {
            write!(out, "\ntimes {}", text::integers(&times)).unwrap();
        }
        out.push_str("\nsamples\n");
        for line in lines {
            writeln!(out, "{line}").unwrap();
        }
        fs::write(path, out).unwrap();
    }
}
