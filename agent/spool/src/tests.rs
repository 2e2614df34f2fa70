//! The spool on a disk that fails, beside a model of it.

mod faults;
mod format;
mod order;

use std::{path::Path, sync::Arc};

use disk::sim::SimDisk;
use model::write::{Sample, WriteBatch};

use crate::{Options, Reader, Spool};

const DIR: &str = "spool";
/// Small enough that a few ticks fill a segment.
const SIZES: Options = Options { bytes_max: 4096, segment_bytes: 512 };

fn open(disk: &SimDisk) -> Spool {
    let (spool, _) = Spool::open(Arc::new(disk.clone()), Path::new(DIR), SIZES).expect("opens");
    spool
}

/// A tick whose samples tell its number: three series of tenant `a`, one of `b`.
fn tick(number: u64) -> WriteBatch {
    let mut batch = WriteBatch::default();
    for (index, tenant) in ["a", "a", "a", "b"].into_iter().enumerate() {
        let metric = format!("m{index}");
        let mut labels = [("__name__", metric.as_str()), ("tenant", tenant)];
        batch.begin_series(&mut labels).expect("is valid");
        batch.push_sample(Sample { time: number as i64 * 1000, value: number as f64, start: 0 });
    }
    batch
}

fn append(spool: &mut Spool, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        spool.append(number, &tick(number)).expect("is taken");
        spool.sync().expect("is written");
    }
}

/// All ticks from `from` on, checked to be what was appended.
fn read(reader: &mut Reader, mut from: u64) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some(read) = reader.read(from).expect("is read") {
        assert!(read.number >= from, "goes forward");
        let series: Vec<_> = read.batch.series().collect();
        assert_eq!(series.len(), 4);
        for series in series {
            let values: Vec<f64> = series.samples.iter().map(|sample| sample.value).collect();
            assert_eq!(values, [read.number as f64]);
        }
        from = read.number + 1;
        numbers.push(read.number);
    }
    numbers
}
