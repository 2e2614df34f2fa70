//! Turns what is written into rules, and collects what is wrong with it.

use std::{collections::BTreeSet, time::Duration};

use model::labels::METRIC_NAME;
use promql::ParseOptions;
use serde_saphyr::{Location, Spanned, UserMessageFormatter};

use super::{GroupSpec, Kind, RuleSpec, Text, raw, template_name};
use crate::{expand, fault::Fault};

pub(super) struct Checker<'a> {
    file: &'a str,
    /// `group "x", rule 1, "y": `
    context: String,
    pub(super) faults: Vec<Fault>,
}

/// What is wrong with the YAML itself.
pub(crate) fn yaml_fault(file: &str, error: &serde_saphyr::Error) -> Fault {
    let place = error.location().map(|at| (at.line(), at.column()));
    let text = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    let place_in_text = place.map(|(line, column)| format!(" at line {line}, column {column}"));
    let message = text.strip_suffix(&place_in_text.unwrap_or_default()).unwrap_or(&text).to_owned();
    Fault { file: file.to_owned(), place, message }
}

/// A duration such as `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let millis = promql::parse_duration(text).map_err(|message| {
        format!("{message}; write a number with a unit, such as 30s or 1h30m")
    })?;
    Ok(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}

impl<'a> Checker<'a> {
    pub(super) fn new(file: &'a str) -> Self {
        Self { file, context: String::new(), faults: Vec::new() }
    }

    fn fault(&mut self, at: Location, message: impl AsRef<str>) {
        let place = (at != Location::UNKNOWN).then(|| (at.line(), at.column()));
        let message = format!("{}{}", self.context, message.as_ref());
        self.faults.push(Fault { file: self.file.to_owned(), place, message });
    }

    pub(super) fn groups(&mut self, groups: Vec<Spanned<raw::Group>>) -> Vec<GroupSpec> {
        let mut names = BTreeSet::new();
        let mut specs = Vec::with_capacity(groups.len());
        for Spanned { value: group, referenced: at, .. } in groups {
            self.context.clear();
            let name = group.name.unwrap_or_default();
            if name.is_empty() {
                self.fault(at, "groupname must not be empty: give the group a name");
            }
            if !names.insert(name.clone()) {
                self.fault(at, format!("groupname: {name:?} is repeated in the same file"));
            }
            self.context = format!("group {name:?}: ");
            let interval = self.duration("interval", group.interval);
            let query_offset = self.duration("query_offset", group.query_offset);
            let limit = self.limit(group.limit);
            let labels = self.strings("label", group.labels.unwrap_or_default(), None);
            let mut rules = Vec::new();
            for (index, rule) in group.rules.unwrap_or_default().into_iter().enumerate() {
                let at = rule.referenced;
                rules.extend(self.rule(at, &name, index + 1, rule.value, &labels));
            }
            specs.push(GroupSpec {
                file: self.file.to_owned(),
                name,
                interval: interval.filter(|interval| !interval.is_zero()),
                query_offset,
                limit,
                rules,
            });
        }
        specs
    }

    fn duration(&mut self, field: &str, text: Option<Spanned<String>>) -> Option<Duration> {
        let Spanned { value, referenced, .. } = text?;
        match duration(&value) {
            Ok(duration) => Some(duration),
            Err(message) => {
                self.fault(referenced, format!("{field}: {message}"));
                None
            }
        }
    }

    fn limit(&mut self, limit: Option<Spanned<i64>>) -> Option<usize> {
        let Spanned { value, referenced, .. } = limit?;
        match usize::try_from(value) {
            Ok(limit) => Some(limit).filter(|limit| *limit > 0),
            Err(_) => {
                self.fault(referenced, format!("limit: {value} is negative; 0 is no limit"));
                None
            }
        }
    }

    /// Names and texts. Those of an alert, whose name is given, are templates.
    fn strings(
        &mut self,
        what: &str,
        strings: raw::Strings,
        alert: Option<&str>,
    ) -> Vec<(String, Text)> {
        let mut texts = Vec::with_capacity(strings.len());
        for (name, Spanned { value, referenced, .. }) in strings {
            let is_metric = what == "label" && name == METRIC_NAME;
            if name.is_empty() || is_metric {
                let hint = if is_metric { ": the metric has the name of the rule" } else { "" };
                self.fault(referenced, format!("invalid {what} name: {name:?}{hint}"));
            }
            let source = value.unwrap_or_default();
            let mut templates = None;
            if let Some(alert) = alert {
                match expand::parse(&template_name(alert), &source) {
                    Ok(parsed) => templates = Some(parsed),
                    Err(error) => self.fault(referenced, format!("{what} {name:?}: {error}")),
                }
            }
            texts.push((name, Text { source, templates }));
        }
        texts
    }

    fn rule(
        &mut self,
        at: Location,
        group: &str,
        number: usize,
        rule: raw::Rule,
        group_labels: &[(String, Text)],
    ) -> Option<RuleSpec> {
        let filled = |name: &Option<Spanned<String>>| {
            name.as_ref().map(|name| name.value.clone()).filter(|name| !name.is_empty())
        };
        let (record, alert) = (filled(&rule.record), filled(&rule.alert));
        let name = alert.clone().or_else(|| record.clone()).unwrap_or_default();
        self.context = format!("group {group:?}, rule {number}, {name:?}: ");
        match (&record, &alert) {
            (Some(_), Some(_)) => self.fault(at, "only one of 'record' and 'alert' must be set"),
            (None, None) => self.fault(at, "one of 'record' or 'alert' must be set"),
            _ => {}
        }
        let expr = self.expr(at, rule.expr.as_ref());
        let place = |field: &Option<Spanned<String>>| field.as_ref().map_or(at, |it| it.referenced);
        if let Some(record) = &record {
            let at = place(&rule.record);
            for (field, given) in [
                ("annotations", rule.annotations.as_ref().is_some_and(|map| !map.is_empty())),
                ("for", rule.hold.is_some()),
                ("keep_firing_for", rule.keep_firing_for.is_some()),
            ] {
                if given {
                    self.fault(at, format!("invalid field '{field}' in recording rule"));
                }
            }
            if record.contains(['{', '}']) {
                let message = "braces present in the recording rule name; should it be in expr?";
                self.fault(at, format!("{message}: {record}"));
            }
        }
        let hold = self.duration("for", rule.hold).unwrap_or_default();
        let keep = self.duration("keep_firing_for", rule.keep_firing_for).unwrap_or_default();
        let mut labels = self.strings("label", rule.labels.unwrap_or_default(), alert.as_deref());
        let annotations =
            self.strings("annotation", rule.annotations.unwrap_or_default(), alert.as_deref());
        for (name, text) in group_labels {
            if !labels.iter().any(|(own, _)| own == name) {
                let templates = alert.as_deref().and_then(|alert| {
                    let parsed = expand::parse(&template_name(alert), &text.source);
                    parsed.map_err(|error| self.fault(at, format!("label {name:?}: {error}"))).ok()
                });
                labels.push((name.clone(), Text { source: text.source.clone(), templates }));
            }
        }
        labels.sort_by(|(a, _), (b, _)| a.cmp(b));
        let kind = match alert {
            Some(_) => Kind::Alert { hold, keep_firing_for: keep, annotations },
            None => Kind::Record,
        };
        let (query, expr) = expr?;
        Some(RuleSpec { name, query, expr, labels, kind, line: at.line() })
    }

    fn expr(
        &mut self,
        at: Location,
        expr: Option<&Spanned<String>>,
    ) -> Option<(String, promql::Expr)> {
        let Some(expr) = expr.filter(|expr| !expr.value.is_empty()) else {
            self.fault(at, "field 'expr' must be set in rule");
            return None;
        };
        match promql::parse(&expr.value, &ParseOptions::default()) {
            Ok(parsed) => Some((expr.value.clone(), parsed)),
            Err(error) => {
                self.fault(expr.referenced, format!("could not parse expression: {error}"));
                None
            }
        }
    }
}
