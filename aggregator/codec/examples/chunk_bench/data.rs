//! Reading the data sets.

use std::{error::Error, path::Path, process::Command};

/// One series; as many times as values.
pub(crate) struct Series {
    pub(crate) times: Vec<i64>,
    pub(crate) values: Vec<f64>,
}

/// Series after series: length of the labels and the labels, number of samples, times, values; all
/// numbers little endian and 8 bytes long.
pub(crate) fn read_node(path: &Path) -> Result<Vec<Series>, Box<dyn Error>> {
    let output = Command::new("xz").arg("-dc").arg(path).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let mut input = output.stdout.as_slice();
    let mut series = Vec::new();
    while !input.is_empty() {
        let labels_len = take_word(&mut input)? as usize;
        take(&mut input, labels_len)?;
        let count = take_word(&mut input)? as usize;
        let times = take_words(&mut input, count)?.map(|word| word as i64).collect();
        let values = take_words(&mut input, count)?.map(f64::from_bits).collect();
        series.push(Series { times, values });
    }
    Ok(series)
}

fn take<'a>(input: &mut &'a [u8], len: usize) -> Result<&'a [u8], &'static str> {
    let (taken, rest) = input.split_at_checked(len).ok_or("the data is cut short")?;
    *input = rest;
    Ok(taken)
}

fn take_word(input: &mut &[u8]) -> Result<u64, &'static str> {
    take_words(input, 1)?.next().ok_or("the data is cut short")
}

fn take_words<'a>(
    input: &mut &'a [u8],
    count: usize,
) -> Result<impl Iterator<Item = u64> + use<'a>, &'static str> {
    let (words, _) = take(input, count * 8)?.as_chunks();
    Ok(words.iter().map(|word| u64::from_le_bytes(*word)))
}

/// The same series as if scraped every 15 seconds.
pub(crate) fn every_15th(series: &[Series]) -> Vec<Series> {
    series
        .iter()
        .map(|series| Series {
            times: series.times.iter().step_by(15).copied().collect(),
            values: series.values.iter().step_by(15).copied().collect(),
        })
        .collect()
}

/// The last column of every file in every folder. The times are replaced by regular ones, for
/// theirs are not the point.
pub(crate) fn read_nab(folder: &Path) -> Result<Vec<Series>, Box<dyn Error>> {
    let mut files = Vec::new();
    for category in folder.read_dir()? {
        let category = category?.path();
        if category.is_dir() {
            for file in category.read_dir()? {
                files.push(file?.path());
            }
        }
    }
    files.sort();
    files.iter().map(|file| read_csv(file)).collect()
}

fn read_csv(path: &Path) -> Result<Series, Box<dyn Error>> {
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads real files")]
    let text = std::fs::read_to_string(path)?;
    let values = text
        .lines()
        .skip(1)
        .filter_map(|line| line.rsplit(',').next())
        .map(|value| value.trim().parse())
        .collect::<Result<Vec<f64>, _>>()?;
    let times =
        (0..values.len() as i64).map(|number| 1_400_000_000_000 + number * 300_000).collect();
    Ok(Series { times, values })
}
