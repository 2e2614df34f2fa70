//! A day of pods that live for an hour, on a real disk with the time of a simulation.
//!
//! `cargo run --release -p tsdb --example churn -- [PODS] [SERIES] [HOURS]` (usually 1,000 pods of 30
//! series each for 24 hours) prints one JSON object for each hour: the most that the store had of
//! series and bytes by its own statistics, and the resident memory of the process at its end. The last
//! object says by how much the last hour differs from the seventh.
#![expect(clippy::print_stdout, reason = "this is a command")]
#![expect(clippy::disallowed_methods, reason = "this measures time")]

#[path = "../tests/it/churn.rs"]
mod churn;

use std::{sync::Arc, time::Instant};

use churn::{Load, Peak};
use disk::{Disk, os::OsDisk};
use tsdb::{options::Options, store::Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: usize| {
        arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let load = Load { pods: number(0, 1000), series: number(1, 30), hours: number(2, 24) as i64 };
    let dir = tempfile::tempdir_in(std::env::temp_dir())?;
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    let (store, _) = Store::open(disk, dir.path(), Options::default(), &|_| {})?;
    let begun = Instant::now();
    let mut resident = Vec::new();
    let peaks = load.run(&store, &mut |peak: &Peak| {
        resident.push(resident_bytes());
        println!(
            "{{\"hour\":{},\"series\":{},\"head_bytes\":{},\"wal_bytes\":{},\"blocks\":{},\"resident_bytes\":{}}}",
            resident.len() - 1,
            peak.series,
            peak.bytes,
            peak.wal_bytes,
            peak.blocks,
            resident.last().unwrap_or(&0),
        );
    })?;
    let ratio = |of: &dyn Fn(usize) -> f64| of(peaks.len() - 1) / of(6.min(peaks.len() - 1));
    println!(
        "{{\"name\":\"churn\",\"samples\":{},\"seconds\":{:.0},\"series_ratio\":{:.3},\"bytes_ratio\":{:.3},\
         \"resident_ratio\":{:.3}}}",
        load.samples(),
        begun.elapsed().as_secs_f64(),
        ratio(&|hour| peaks[hour].series as f64),
        ratio(&|hour| peaks[hour].bytes as f64),
        ratio(&|hour| resident[hour] as f64),
    );
    Ok(())
}

fn resident_bytes() -> usize {
    let mut bytes = vec![0; 4096];
    let read = OsDisk
        .open(std::path::Path::new("/proc/self/statm"))
        .and_then(|file| file.read_at(&mut bytes, 0));
    bytes.truncate(read.unwrap_or(0));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}
