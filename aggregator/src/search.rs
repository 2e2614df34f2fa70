//! How well a name fits what somebody typed: filtering and ranking for completion.
//!
//! A term is looked for as a subsequence, scored by its runs and gaps, or as a substring with
//! Jaro-Winkler similarity as the second chance. Scores are from 0 (does not fit) to 1 (begins with
//! the term, or is it). The formulas are those of Prometheus' search API, so that clients can
//! compare scores from both.

/// Scores of what is no exact match stay below that of one.
const INEXACT: f64 = 0.999;
/// What each character of a common prefix adds, and how many count (Winkler, 1990).
const PREFIX_WEIGHT: f64 = 0.1;
const PREFIX_MAX: usize = 4;

/// How terms are compared with names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Algorithm {
    #[default]
    Subsequence,
    JaroWinkler,
}

impl Algorithm {
    pub(crate) const ALL: [(&'static str, Self); 2] =
        [("subsequence", Self::Subsequence), ("jarowinkler", Self::JaroWinkler)];
}

/// What is searched for: a name fits that fits any of the terms.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// In lower case unless case matters.
    terms: Vec<String>,
    algorithm: Algorithm,
    /// The least score, from 0 to 1.
    threshold: f64,
    case_sensitive: bool,
}

impl Search {
    pub(crate) fn new<'a>(
        terms: impl Iterator<Item = &'a str>,
        algorithm: Algorithm,
        threshold: f64,
        case_sensitive: bool,
    ) -> Self {
        let fold = |term: &str| if case_sensitive { term.to_owned() } else { term.to_lowercase() };
        let terms = terms.filter(|term| !term.is_empty()).map(fold).collect();
        Self { terms, algorithm, threshold, case_sensitive }
    }

    /// The best score over the terms; `None` when no term fits. Without terms everything fits.
    pub(crate) fn score(&self, name: &str) -> Option<f64> {
        if self.terms.is_empty() {
            return Some(1.0);
        }
        let folded = (!self.case_sensitive).then(|| name.to_lowercase());
        let name = folded.as_deref().unwrap_or(name);
        self.terms.iter().filter_map(|term| self.score_one(term, name)).max_by(f64::total_cmp)
    }

    fn score_one(&self, term: &str, name: &str) -> Option<f64> {
        match self.algorithm {
            Algorithm::Subsequence if name.starts_with(term) => Some(1.0),
            Algorithm::Subsequence => Some(subsequence(term, name))
                .filter(|score| *score > 0.0 && *score >= self.threshold),
            Algorithm::JaroWinkler => substring(term, name).or_else(|| {
                let fuzzy = self.threshold > 0.0;
                fuzzy.then(|| jaro_winkler(term, name)).filter(|score| *score >= self.threshold)
            }),
        }
    }
}

/// 1 at the beginning, falling to 0.1 at the end.
fn substring(term: &str, name: &str) -> Option<f64> {
    let (before, after) = name.split_once(term)?;
    let (before, after) = (before.chars().count(), after.chars().count());
    if before == 0 {
        return Some(1.0);
    }
    Some(1.0 - 0.9 * before as f64 / (before + after) as f64)
}

fn jaro_winkler(term: &str, name: &str) -> f64 {
    let jaro = strsim::jaro(term, name);
    let common = term.chars().zip(name.chars()).take(PREFIX_MAX).take_while(|(a, b)| a == b);
    jaro + common.count() as f64 * PREFIX_WEIGHT * (1.0 - jaro)
}

/// The best over all places where the term's first character is: the squares of the lengths of its
/// runs, less what is skipped as a part of the name (half as much behind the last run), as a part
/// of the square of the term's length.
fn subsequence(term: &str, name: &str) -> f64 {
    if term.len() > name.len() {
        return 0.0;
    }
    let term: Vec<char> = term.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let Some(last_start) = name.len().checked_sub(term.len()) else { return 0.0 };
    let starts = (0..=last_start).filter(|start| name.get(*start) == term.first());
    // Where the rest of the term is not found behind one start, it is behind no later one either.
    let scores = starts.map_while(|start| score_from(&term, &name, start));
    let best = scores.fold(-1.0, f64::max);
    if best < 0.0 { 0.0 } else { best / (term.len() * term.len()) as f64 * INEXACT }
}

/// The score of the term taken greedily from `start`, where its first character is.
fn score_from(term: &[char], name: &[char], start: usize) -> Option<f64> {
    let part = |skipped: usize| skipped as f64 / name.len() as f64;
    let (mut at, mut rest, mut score) = (0, term, 0.0);
    let mut next = start;
    while let Some(first) = rest.first() {
        next += name.get(next..)?.iter().position(|character| character == first)?;
        let run = rest.iter().zip(name.get(next..)?).take_while(|(a, b)| a == b).count();
        score += (run * run) as f64 - part(next - at);
        next += run;
        at = next;
        rest = rest.get(run..)?;
    }
    Some(score - part(name.len() - at) / 2.0)
}

#[cfg(test)]
mod tests;
