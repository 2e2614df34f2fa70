//! Targets in files of JSON or YAML, read again every few seconds.
//!
//! A file that is not there has no targets; one that cannot be read or parsed keeps those it had.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use daemon::stop::Stop;
use scrape::{
    config::discovery::FileSettings,
    group::{Group, WrittenGroup},
};

use crate::{
    Outlet,
    poll::{self, Source},
};

/// Largest file of targets.
const BYTES_MAX: u64 = 16 << 20;
/// Files that one pattern can find.
const FILES_MAX: usize = 1000;

/// Why a file says nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("it is larger than {BYTES_MAX} bytes")]
    TooLarge,
    #[error("not UTF-8")]
    NotUtf8,
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("YAML: {0}")]
    Yaml(String),
}

/// The files of one configuration.
#[derive(Debug)]
pub(crate) struct Files {
    settings: FileSettings,
    outlet: Outlet,
    known: BTreeMap<PathBuf, Known>,
}

#[derive(Debug)]
struct Known {
    bytes: Vec<u8>,
    groups: Vec<Group>,
}

impl Files {
    pub(crate) fn new(settings: FileSettings, outlet: Outlet) -> Self {
        Self { settings, outlet, known: BTreeMap::new() }
    }

    pub(crate) async fn run(self, stop: Stop) {
        let (outlet, interval) = (self.outlet.clone(), self.settings.refresh_interval.0);
        poll::run(self, outlet, interval, stop).await;
    }

    /// Takes in one file. Returns whether what it says changed.
    async fn read(&mut self, path: &Path) -> Result<bool, FileError> {
        let bytes = match read(path).await {
            Err(FileError::Read(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(self.known.remove(path).is_some());
            }
            bytes => bytes?,
        };
        if self.known.get(path).is_some_and(|known| known.bytes == bytes) {
            return Ok(false);
        }
        let text = str::from_utf8(&bytes).map_err(|_| FileError::NotUtf8);
        let parsed = text.and_then(|text| parse(path, text));
        let (groups, fault) = match parsed {
            Ok(groups) => (groups, None),
            // What was there before stays, and the fault is told once.
            Err(fault) => {
                let before = self.known.remove(path).map(|known| known.groups);
                (before.unwrap_or_default(), Some(fault))
            }
        };
        self.known.insert(path.to_owned(), Known { bytes, groups });
        fault.map_or(Ok(true), Err)
    }
}

impl Source for Files {
    async fn ask(&mut self) -> Option<Vec<Group>> {
        let mut paths = Vec::new();
        for pattern in &self.settings.files {
            match find(pattern).await {
                Ok(found) => paths.extend(found),
                Err(error) => {
                    tracing::warn!(pattern, %error, "files of targets cannot be looked for");
                    return None;
                }
            }
        }
        let mut changed = false;
        let gone: Vec<PathBuf> =
            self.known.keys().filter(|path| !paths.contains(path)).cloned().collect();
        for path in gone {
            self.known.remove(&path);
            changed = true;
        }
        for path in paths {
            match self.read(&path).await {
                Ok(anew) => changed |= anew,
                Err(error) => {
                    let path = path.display();
                    tracing::warn!(%path, %error, "a file of targets says nothing");
                }
            }
        }
        changed.then(|| self.known.values().flat_map(|known| known.groups.clone()).collect())
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    if tokio::fs::metadata(path).await?.len() > BYTES_MAX {
        return Err(FileError::TooLarge);
    }
    Ok(tokio::fs::read(path).await?)
}

/// The paths that a pattern stands for, in order.
async fn find(pattern: &str) -> io::Result<Vec<PathBuf>> {
    let path = Path::new(pattern);
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Ok(Vec::new());
    };
    if !name.contains('*') {
        return Ok(vec![path.to_owned()]);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let mut entries = match tokio::fs::read_dir(folder).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    while let Some(entry) = entries.next_entry().await? {
        if entry.file_name().to_str().is_some_and(|file| matches(name, file)) {
            found.push(folder.join(entry.file_name()));
        }
        if found.len() > FILES_MAX {
            return Err(io::Error::other(format!("more than {FILES_MAX} files")));
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a name is as a pattern has it, where `*` is anything.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Group>, FileError> {
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let written: Vec<WrittenGroup> = if is_json {
        serde_json::from_str(text)?
    } else if text.trim().is_empty() {
        Vec::new()
    } else {
        serde_saphyr::from_str(text).map_err(|error| FileError::Yaml(error.to_string()))?
    };
    let from = path.display().to_string();
    let groups = written.into_iter().map(|written| {
        let mut group = Group::from(written);
        group.labels.set("__meta_filepath", from.as_str());
        group
    });
    Ok(groups.collect())
}

#[cfg(test)]
mod tests;
