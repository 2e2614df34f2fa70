//! What an evaluation is expected to give.

use std::collections::BTreeMap;

use model::labels::Labels;
use regex::Regex;

use super::notation::Notated;
use crate::text::duration;

/// The expectations of one evaluation.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// From the old commands `eval_fail` and so on.
    pub(super) fail: bool,
    pub(super) warn: bool,
    pub(super) info: bool,
    pub(super) ordered: bool,
    pub(super) failure: Option<Text>,
    pub(super) warnings: Vec<Text>,
    pub(super) infos: Vec<Text>,
    pub(super) no_warnings: bool,
    pub(super) no_infos: bool,
    /// First and last time and step of an expected range vector, in milliseconds.
    pub(super) range_times: Option<(i64, i64, i64)>,
    pub(super) values: Values,
}

/// The expected value.
#[derive(Debug)]
pub(super) enum Values {
    Scalar(f64),
    String(String),
    /// Values by labels, with the position of the line.
    Series(BTreeMap<Labels, (usize, Vec<Notated>)>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Series(BTreeMap::new())
    }
}

/// A message, or a pattern that it matches.
#[derive(Debug)]
pub(super) enum Text {
    Exact(String),
    Pattern(Regex),
}

impl Text {
    pub(super) fn matches(&self, message: &str) -> bool {
        match self {
            Self::Exact(text) => text == message,
            Self::Pattern(pattern) => pattern.is_match(message),
        }
    }
}

fn pattern(text: &str) -> Result<Text, String> {
    Regex::new(text).map(Text::Pattern).map_err(|_| format!("invalid regex {text}"))
}

impl Expected {
    pub(super) fn series(&mut self, position: usize, labels: Labels, values: Vec<Notated>) {
        if !matches!(self.values, Values::Series(_)) {
            self.values = Values::default();
        }
        if let Values::Series(series) = &mut self.values {
            series.insert(labels, (position, values));
        }
    }

    /// `expect TYPE [msg:… | regex:…]`
    pub(super) fn line(&mut self, line: &str) -> Result<(), String> {
        let rest = line.strip_prefix("expect").unwrap_or(line).trim_start();
        let (kind, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let rest = rest.trim_start();
        let text = if let Some(message) = rest.strip_prefix("msg:") {
            Text::Exact(message.trim().to_owned())
        } else if let Some(text) = rest.strip_prefix("regex:") {
            pattern(text.trim())?
        } else if rest.is_empty() {
            pattern("^.*$")?
        } else {
            return Err(format!("invalid expect statement {line:?}"));
        };
        match kind {
            "ordered" => self.ordered = true,
            "fail" if self.failure.is_some() => {
                return Err("multiple expect fail lines are not allowed".to_owned());
            }
            "fail" => {
                self.fail = true;
                self.failure = Some(text);
            }
            "warn" => self.warnings.push(text),
            "no_warn" => self.no_warnings = true,
            "info" => self.infos.push(text),
            "no_info" => self.no_infos = true,
            _ => return Err(format!("invalid expected error/annotation type {kind}")),
        }
        let contradiction = (self.no_warnings && !self.warnings.is_empty())
            || (self.no_infos && !self.infos.is_empty());
        if contradiction {
            return Err("contradicting expect lines".to_owned());
        }
        Ok(())
    }

    /// `expected_fail_message …` or `expected_fail_regexp …`
    pub(super) fn old_failure(&mut self, line: &str) -> Result<(), String> {
        if let Some(message) = line.strip_prefix("expected_fail_message") {
            self.failure = Some(Text::Exact(message.trim().to_owned()));
        } else if let Some(text) = line.strip_prefix("expected_fail_regexp") {
            self.failure = Some(pattern(text.trim())?);
        }
        Ok(())
    }

    /// `from A to B step S`
    pub(super) fn range_vector(&mut self, rest: &str) -> Result<(), String> {
        let words: Vec<&str> = rest.split_whitespace().collect();
        let ["from", from, "to", to, "step", step] = words.as_slice() else {
            return Err(format!("invalid range vector definition {rest:?}"));
        };
        let times = (duration::parse(from)?, duration::parse(to)?, duration::parse(step)?);
        if times.1 < times.0 {
            return Err("end timestamp is before start timestamp".to_owned());
        }
        self.range_times = Some(times);
        Ok(())
    }
}
