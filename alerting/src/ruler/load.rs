//! Rule files from disk.

use std::path::Path;

use daemon::glob;
use model::tenant::TenantId;
use rules::{Fault, GroupSpec, RuleFile};

use crate::config::{InvalidSettings, RuleFiles};

/// Most files of all sets together.
const FILES_MAX: usize = 10_000;

/// Why rule files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error("{}", lines(.0))]
    Faults(Vec<Fault>),
    #[error("more than {FILES_MAX} rule files")]
    Files,
    #[error(transparent)]
    Groups(#[from] rules::LoadError),
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}

/// Groups with whose they are.
pub(crate) type Specs = Vec<(Option<TenantId>, GroupSpec)>;

/// Reads the files of all sets. All faults of all files are told. A file that two patterns of a set
/// find is read once.
pub(crate) fn read(folder: &Path, sets: &[RuleFiles]) -> Result<Specs, LoadError> {
    let (mut specs, mut faults, mut files) = (Vec::new(), Vec::new(), 0);
    for set in sets {
        let tenant = set.tenant()?;
        let mut paths = Vec::new();
        for pattern in &set.files {
            let found = glob::glob(folder, &pattern.to_string_lossy());
            if found.is_empty() {
                tracing::warn!(pattern = %pattern.display(), "no rule file is named so");
            }
            paths.extend(found);
        }
        paths.sort();
        paths.dedup();
        files += paths.len();
        if files > FILES_MAX {
            return Err(LoadError::Files);
        }
        for path in paths {
            let name = path.display().to_string();
            let text = glob::read(&path, rules::FILE_BYTES_MAX)
                .map_err(|message| vec![Fault { file: name.clone(), place: None, message }]);
            match text.and_then(|text| RuleFile::parse(&name, &text)) {
                Ok(file) => {
                    specs.extend(file.groups.into_iter().map(|group| (tenant.clone(), group)));
                }
                Err(found) => faults.extend(found),
            }
        }
    }
    if faults.is_empty() { Ok(specs) } else { Err(LoadError::Faults(faults)) }
}

#[cfg(test)]
mod tests;
