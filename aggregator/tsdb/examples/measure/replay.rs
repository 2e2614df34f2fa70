//! Opening a store whose log is full.

use std::{path::Path, sync::Arc, time::Instant};

use disk::{Disk, os::OsDisk};
use tsdb::{options::Options, store::Store};

use super::{cpu_seconds, resident_bytes, write};

type Failure = Box<dyn std::error::Error>;

pub(crate) fn measure(
    dir: &Path,
    series: usize,
    ticks: usize,
    threads: usize,
) -> Result<(), Failure> {
    write(&super::open(dir)?, series, ticks, threads)?;
    open(dir, 1)
}

/// Leaves a log behind. Any store may be in the directory already.
pub(crate) fn log(dir: &Path, series: usize, ticks: usize) -> Result<(), Failure> {
    write(&super::open(dir)?, series, ticks, 8)?;
    Ok(())
}

/// Opens a directory some times over, each time closing it as a crash does: without a flush.
pub(crate) fn open(dir: &Path, times: usize) -> Result<(), Failure> {
    for _ in 0..times {
        let disk: Arc<dyn Disk> = Arc::new(OsDisk);
        let (begun, cpu, resident) = (Instant::now(), cpu_seconds(), resident_bytes());
        let (store, stats) = Store::open(disk, dir, Options::default(), &|_| {})?;
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{{\"name\":\"replay\",\"series\":{},\"samples\":{},\"orphaned\":{},\"seconds\":{seconds:.3},\"cpu_seconds\":{:.2},\
             \"samples_per_s\":{:.0},\"resident_bytes_per_series\":{:.0}}}",
            stats.series,
            stats.samples,
            stats.orphaned_samples,
            cpu_seconds() - cpu,
            stats.samples as f64 / seconds,
            resident_bytes().saturating_sub(resident) as f64 / stats.series.max(1) as f64,
        );
        drop(store);
    }
    Ok(())
}
