//! Files that users name by pattern: `*`, `?` and `[a-z]` within each part of a path.

use std::path::{Component, Path, PathBuf};

/// Most paths that one pattern may find.
const FOUND_MAX: usize = 10_000;

/// The paths that match, sorted; relative patterns start at `folder`.
pub fn glob(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found =
        vec![if folder.as_os_str().is_empty() { PathBuf::new() } else { folder.to_owned() }];
    for part in Path::new(pattern).components() {
        found = match part {
            Component::Normal(name) => {
                let name = name.to_string_lossy();
                found.iter().flat_map(|path| children(path, &name)).take(FOUND_MAX).collect()
            }
            other => found.iter().map(|path| path.join(other)).collect(),
        };
    }
    found.sort();
    found
}

/// The entries of a folder whose name matches.
fn children(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    if !pattern.contains(['*', '?', '[', '\\']) {
        let path = folder.join(pattern);
        return if path.exists() { vec![path] } else { Vec::new() };
    }
    let place = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let pattern: Vec<char> = pattern.chars().collect();
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter(|name| matches(&pattern, &name.to_string_lossy().chars().collect::<Vec<_>>()))
        .map(|name| folder.join(name))
        .collect()
}

/// Whether a name matches. Linear in the pattern for each place of the last star.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut place) = (0, 0);
    // Where to go on if what follows the last star does not match here.
    let mut star = None;
    while place < name.len() {
        match step(pattern, at, name.get(place).copied().unwrap_or_default()) {
            Step::Star => {
                star = Some((at + 1, place));
                at += 1;
            }
            Step::Matched(next) => {
                at = next;
                place += 1;
            }
            Step::Failed => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (at, place) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

enum Step {
    Star,
    /// Where the pattern goes on.
    Matched(usize),
    Failed,
}

/// Compares one character.
fn step(pattern: &[char], at: usize, character: char) -> Step {
    let found =
        |matched: bool, next: usize| if matched { Step::Matched(next) } else { Step::Failed };
    match pattern.get(at) {
        None => Step::Failed,
        Some('*') => Step::Star,
        Some('?') => Step::Matched(at + 1),
        Some('\\') => found(pattern.get(at + 1) == Some(&character), at + 2),
        Some('[') => class(pattern, at + 1, character),
        Some(plain) => found(*plain == character, at + 1),
    }
}

/// `a-z]` or `^a-z]`, behind its bracket.
fn class(pattern: &[char], start: usize, character: char) -> Step {
    let negated = pattern.get(start) == Some(&'^');
    let mut at = start + usize::from(negated);
    let mut within = false;
    while let Some(low) = pattern.get(at).copied().filter(|low| *low != ']') {
        let high = match (pattern.get(at + 1), pattern.get(at + 2)) {
            (Some('-'), Some(high)) if *high != ']' => {
                at += 2;
                *high
            }
            _ => low,
        };
        within |= (low..=high).contains(&character);
        at += 1;
    }
    let closed = pattern.get(at) == Some(&']');
    if closed && within != negated { Step::Matched(at + 1) } else { Step::Failed }
}

/// The text of a file that has no more than `bytes_max` bytes.
#[expect(clippy::disallowed_methods, reason = "a file that its user names, not stored data")]
pub fn read(path: &Path, bytes_max: usize) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > bytes_max as u64 {
        return Err(format!("file has {size} bytes, allowed are {bytes_max}"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
