//! Relabelling: rules that rewrite, keep or drop a label set, in order.
//!
//! Regular expressions match the whole text, `.` a line feed too. Replacements expand `$1`, `${1}`,
//! `$name`, `${name}` and `$$` as Go's `regexp.Expand` does: `$1x` is the group named `1x`, which is
//! empty when there is none.
//! Source: Prometheus' configuration documentation, `relabel_config`.

use md5::{Digest, Md5};
use model::relabel::{Action, REGEX, REPLACEMENT, RelabelRule, SEPARATOR};
use regex::{Captures, Regex, RegexBuilder};

use crate::labels::LabelSet;

/// A rule that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    #[error("action {0:?} needs a target_label")]
    NoTarget(Action),
    #[error("action HashMod needs a modulus above zero")]
    NoModulus,
    #[error("action {action:?} takes no {key}")]
    Superfluous { action: Action, key: &'static str },
    #[error("regex: {0}")]
    Regex(String),
}

/// Compiled regular expressions may take this much memory each.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// A rule that can be applied.
#[derive(Clone, Debug)]
pub struct Rule {
    source_labels: Vec<String>,
    separator: String,
    regex: Regex,
    modulus: u64,
    target_label: Template,
    replacement: Template,
    action: Action,
}

impl Rule {
    pub fn new(settings: &RelabelRule) -> Result<Self, InvalidRule> {
        check(settings)?;
        let text = settings.regex.as_deref().unwrap_or(REGEX);
        let regex = RegexBuilder::new(&format!("^(?s:{text})$"))
            .size_limit(REGEX_BYTES_MAX)
            .build()
            .map_err(|error| InvalidRule::Regex(error.to_string()))?;
        Ok(Self {
            source_labels: settings.source_labels.clone(),
            separator: settings.separator.clone().unwrap_or_else(|| SEPARATOR.to_owned()),
            regex,
            modulus: settings.modulus,
            target_label: Template::new(&settings.target_label),
            replacement: Template::new(settings.replacement.as_deref().unwrap_or(REPLACEMENT)),
            action: settings.action,
        })
    }

    /// Returns whether the set is kept.
    fn apply(&self, labels: &mut LabelSet) -> bool {
        let values: Vec<&str> = self.source_labels.iter().map(|name| labels.get(name)).collect();
        let value = values.join(&self.separator);
        let target = &self.target_label.text;
        match self.action {
            Action::Keep => return self.regex.is_match(&value),
            Action::Drop => return !self.regex.is_match(&value),
            Action::KeepEqual => return labels.get(target) == value,
            Action::DropEqual => return labels.get(target) != value,
            Action::Replace => self.replace(&value, labels),
            Action::Lowercase => labels.set(target, value.chars().map(lower).collect::<String>()),
            Action::Uppercase => labels.set(target, value.chars().map(upper).collect::<String>()),
            Action::HashMod => {
                labels.set(target, (hash(&value) % self.modulus.max(1)).to_string());
            }
            Action::LabelMap => self.map_names(labels),
            Action::LabelDrop => labels.retain(|name| !self.regex.is_match(name)),
            Action::LabelKeep => labels.retain(|name| self.regex.is_match(name)),
        }
        true
    }

    fn replace(&self, value: &str, labels: &mut LabelSet) {
        let Some(groups) = self.regex.captures(value) else { return };
        let target = self.target_label.expand(&groups);
        if !target.is_empty() {
            let replacement = self.replacement.expand(&groups);
            labels.set(target.into_owned(), replacement);
        }
    }

    fn map_names(&self, labels: &mut LabelSet) {
        let mapped: Vec<(String, String)> = labels
            .iter()
            .filter_map(|(name, value)| {
                let groups = self.regex.captures(name)?;
                Some((self.replacement.expand(&groups).into_owned(), value.to_owned()))
            })
            .collect();
        for (name, value) in mapped {
            if !name.is_empty() {
                labels.set(name, value);
            }
        }
    }
}

fn check(rule: &RelabelRule) -> Result<(), InvalidRule> {
    use Action as A;
    let action = rule.action;
    let superfluous = |key| Err(InvalidRule::Superfluous { action, key });
    let needs_target =
        !matches!(action, A::Keep | A::Drop | A::LabelMap | A::LabelDrop | A::LabelKeep);
    if needs_target && rule.target_label.is_empty() {
        return Err(InvalidRule::NoTarget(action));
    }
    if action == A::HashMod && rule.modulus == 0 {
        return Err(InvalidRule::NoModulus);
    }
    let is_equal = matches!(action, A::KeepEqual | A::DropEqual);
    let by_name = matches!(action, A::LabelDrop | A::LabelKeep);
    if rule.replacement.is_some()
        && (is_equal || by_name || matches!(action, A::Lowercase | A::Uppercase))
    {
        return superfluous("replacement");
    }
    if is_equal && rule.regex.is_some() {
        return superfluous("regex");
    }
    if (is_equal || by_name) && rule.separator.is_some() {
        return superfluous("separator");
    }
    if (is_equal || by_name) && rule.modulus != 0 {
        return superfluous("modulus");
    }
    if by_name && !rule.source_labels.is_empty() {
        return superfluous("source_labels");
    }
    if by_name && !rule.target_label.is_empty() {
        return superfluous("target_label");
    }
    Ok(())
}
/// Applies rules in order. Returns whether the set is kept.
pub fn apply(rules: &[Rule], labels: &mut LabelSet) -> bool {
    rules.iter().all(|rule| rule.apply(labels))
}

/// The last eight bytes of MD5, so that work is shared among scrapers as Prometheus shares it.
fn hash(value: &str) -> u64 {
    let digest: [u8; 16] = Md5::digest(value.as_bytes()).into();
    digest.iter().skip(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// One letter for one, as Go has it: `ß` stays, and a sigma does not ask what follows it.
fn upper(letter: char) -> char {
    let mut upper = letter.to_uppercase();
    if upper.len() == 1 { upper.next().unwrap_or(letter) } else { letter }
}

/// See [`upper`]. Only `İ` becomes more than one letter, the first of which is meant.
fn lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

/// A text with references to groups.
#[derive(Clone, Debug)]
struct Template {
    text: String,
    /// Nothing in it refers to a group.
    plain: bool,
}

impl Template {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), plain: !text.contains('$') }
    }

    fn expand(&self, groups: &Captures<'_>) -> std::borrow::Cow<'_, str> {
        if self.plain {
            return self.text.as_str().into();
        }
        // The syntax of references is that of Go, which this crate took over.
        let mut expanded = String::new();
        groups.expand(&self.text, &mut expanded);
        expanded.into()
    }
}

#[cfg(test)]
mod tests;
