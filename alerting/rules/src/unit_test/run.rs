//! Runs tests.

use std::{collections::BTreeMap, time::Duration};

use model::{
    labels::METRIC_NAME,
    time::{Timestamp, millis_of},
};
use promql::{
    Context, Engine, EngineOptions, ParseOptions, VectorElement, format_duration,
    script::MemoryStore,
};

use super::{
    EVALUATIONS_MAX, LoadedFile, Report, RunOptions, TestFile, TestReport, compare,
    format::{AlertTest, ExprTest, Test},
    input::Input,
    report::{self, AlertText},
};
use crate::{
    alert::{ALERT_NAME, AlertState},
    evaluate::{Answers as _, Source},
    expand::Environment,
    file::RuleFile,
    group::Group,
};

/// Between evaluations of tests that do not say.
const INTERVAL: Duration = Duration::from_secs(60);

pub(super) fn run(file: &TestFile, rules: &[LoadedFile], options: &RunOptions) -> Report {
    let mut report = Report::default();
    let mut order = BTreeMap::new();
    for (place, name) in file.format.group_eval_order.iter().enumerate() {
        if order.insert(name.as_str(), place).is_some() {
            report.failures.push(format!("group name repeated in evaluation order: {name}"));
            return report;
        }
    }
    let given = file.format.evaluation_interval;
    let interval = if given.is_zero() { INTERVAL } else { given };
    for (index, test) in file.format.tests.iter().enumerate() {
        if options.filter.as_ref().is_some_and(|filter| !filter.is_match(&test.name)) {
            continue;
        }
        let name =
            if test.name.is_empty() { format!("unnamed#{index}") } else { test.name.clone() };
        let (failures, store) = (Vec::new(), MemoryStore::default());
        let mut run = Run { file, test, name, interval, diff: options.diff, failures, store };
        run.test(rules, &order);
        if options.debug {
            report.notes.push(run.dump());
        }
        report.failures.extend_from_slice(&run.failures);
        report.tests.push(TestReport { name: run.name, failures: run.failures });
    }
    report
}

/// One test.
struct Run<'a> {
    file: &'a TestFile,
    test: &'a Test,
    name: String,
    /// Between evaluations.
    interval: Duration,
    /// Whether to tell differences line by line.
    diff: bool,
    failures: Vec<String>,
    store: MemoryStore,
}

impl Run<'_> {
    fn fail(&mut self, message: &str) {
        let Self { file, name, .. } = self;
        self.failures.push(format!("    file: {}, name: {name},\n{message}", file.name));
    }

    fn engine(&self) -> Engine {
        Engine::new(EngineOptions { subquery_step: self.interval, ..EngineOptions::default() })
    }

    fn test(&mut self, rules: &[LoadedFile], order: &BTreeMap<&str, usize>) {
        let step = if self.test.interval.is_zero() { self.interval } else { self.test.interval };
        let nameless = self.test.alert_rule_test.iter().find(|test| test.alertname.is_empty());
        if let Some(AlertTest { eval_time, .. }) = nameless {
            let at = format_duration(*eval_time);
            self.fail(&format!(
                "    an item under alert_rule_test misses required attribute alertname at \
                 eval_time {at}"
            ));
            return;
        }
        let evaluations = millis_of(self.last()) / millis_of(self.interval).max(1);
        if evaluations > EVALUATIONS_MAX {
            let message = format!("    test takes {evaluations} evaluations, allowed are ");
            self.fail(&format!("{message}{EVALUATIONS_MAX}; evaluate less often"));
            return;
        }
        let (input, groups) = match (Input::parse(self.test, step), self.groups(rules, order, step))
        {
            (Ok(input), Ok(groups)) => (input, groups),
            (input, groups) => {
                let faults = groups.err().into_iter().flatten();
                for message in faults.chain(input.err()) {
                    self.fail(&message);
                }
                return;
            }
        };
        if self.evaluate(input, groups) {
            for test in &self.test.promql_expr_test {
                if let Err(message) = self.expression(test) {
                    self.fail(&message);
                }
            }
        }
    }

    /// When the last thing is looked at, after the start.
    fn last(&self) -> Duration {
        let alerts = self.test.alert_rule_test.iter().map(|test| test.eval_time);
        let exprs = self.test.promql_expr_test.iter().map(|test| test.eval_time);
        alerts.chain(exprs).max().unwrap_or_default()
    }

    /// The groups of all files, in the order of evaluation.
    fn groups(
        &self,
        files: &[LoadedFile],
        order: &BTreeMap<&str, usize>,
        interval: Duration,
    ) -> Result<Vec<Group>, Vec<String>> {
        let labels = self.test.external_labels.iter();
        let environment = Environment {
            external_labels: labels.map(|(name, value)| (name.clone(), value.clone())).collect(),
            external_url: self.test.external_url.clone(),
        };
        let mut groups = Vec::new();
        let mut faults = Vec::new();
        for file in files {
            match RuleFile::parse(&file.name, &file.text) {
                Ok(parsed) => groups.extend(
                    parsed
                        .groups
                        .into_iter()
                        .map(|spec| Group::new(spec, interval, environment.clone(), true)),
                ),
                Err(found) => faults.extend(found.iter().map(|fault| format!("    {fault}"))),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        groups.sort_by_key(|group| order.get(group.name()).copied().unwrap_or(0));
        Ok(groups)
    }

    /// Lets time go by. Whether it came to its end.
    fn evaluate(&mut self, mut input: Input, mut groups: Vec<Group>) -> bool {
        let engine = self.engine();
        let start = self.test.start_timestamp;
        let mut tests: Vec<&AlertTest> = self.test.alert_rule_test.iter().collect();
        tests.sort_by_key(|test| test.eval_time);
        let mut tests = tests.into_iter().peekable();
        let last = self.last();
        let mut after = Duration::ZERO;
        while after <= last {
            let at = start.saturating_add(after);
            if let Err(message) = input.load(at, &mut self.store) {
                self.fail(&format!("    {message}"));
                return false;
            }
            let before = self.failures.len();
            for group in &mut groups {
                group.evaluate(at, &engine, Context::unlimited(), &mut self.store);
                for rule in group.rules() {
                    if let Some(error) = rule.last_error() {
                        let (name, time) = (&rule.spec().name, format_duration(after));
                        self.fail(&format!("    rule: {name}, time: {time}, err: {error}"));
                    }
                }
            }
            if self.failures.len() > before {
                return false;
            }
            // Alerts are looked at as of the evaluation before their time.
            let next = after + self.interval;
            while let Some(test) = tests.next_if(|test| test.eval_time < next) {
                if let Err(message) = alerts(test, &groups, self.diff) {
                    self.fail(&message);
                }
            }
            after = next;
        }
        true
    }

    fn expression(&self, test: &ExprTest) -> Result<(), String> {
        let at = format_duration(test.eval_time);
        let failed = |error: String| format!("    expr: {:?}, time: {at}, err: {error}", test.expr);
        let expr = promql::parse(&test.expr, &ParseOptions::default())
            .map_err(|error| failed(error.to_string()))?;
        let engine = self.engine();
        let source = Source { engine: &engine, store: &self.store, context: Context::unlimited() };
        let time = self.test.start_timestamp.saturating_add(test.eval_time);
        let mut found: Vec<VectorElement> = source.query(&expr, time).map_err(failed)?;
        let wanted: Result<Vec<_>, String> = test.exp_samples.iter().map(compare::wanted).collect();
        let mut wanted = wanted.map_err(failed)?;
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        wanted.sort_by(|a, b| a.labels.cmp(&b.labels));
        if compare::same(&wanted, &found, self.file.format.fuzzy_compare) {
            return Ok(());
        }
        let differs = if self.diff {
            report::diff(&report::wanted(&wanted), &report::found(&found))
        } else {
            let (wanted, found) = (report::wanted(&wanted), report::found(&found));
            format!(
                "        exp: {}\n        got: {}",
                report::joined(&wanted),
                report::joined(&found)
            )
        };
        Err(format!("    expr: {:?}, time: {at},\n{differs}", test.expr))
    }

    /// All series, of input and of rules.
    fn dump(&self) -> String {
        let name = &self.name;
        let end = Timestamp(i64::MAX);
        let mut text = format!("DEBUG: all data (input_series and rules) of test {name}:");
        for line in report_series(&self.store, end) {
            text.push('\n');
            text.push_str(&line);
        }
        text
    }
}

/// Each series with its samples, in order of labels.
fn report_series(store: &MemoryStore, end: Timestamp) -> Vec<String> {
    use model::query::{Hints, Queryable, Selection};
    let start = Timestamp(i64::MIN);
    let selection = Selection { matchers: &[], start, end, hints: Hints::default() };
    let mut columns = model::columns::Columns::default();
    let mut lines = Vec::new();
    for series in store.select(&selection).unwrap_or_default() {
        columns.clear();
        if series.decode(&mut columns).is_err() {
            continue;
        }
        let mut line = format!("{} =>", series.labels());
        for (index, (time, value)) in columns.times.iter().zip(&columns.values).enumerate() {
            let value = match columns.histogram(index) {
                Some(histogram) => report::histogram(histogram),
                None if model::columns::is_stale(*value) => "stale".to_owned(),
                None => template::format::shortest(*value),
            };
            line.push_str(&format!(" {value} @[{time}]"));
        }
        lines.push(line);
    }
    lines
}

/// Compares the alerts of one name that are firing with those expected.
fn alerts(test: &AlertTest, groups: &[Group], diff: bool) -> Result<(), String> {
    let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let rules = groups.iter().flat_map(Group::rules);
    let firing = rules
        .filter(|rule| rule.spec().is_alert() && rule.spec().name == test.alertname)
        .flat_map(|rule| rule.active_alerts())
        .filter(|alert| alert.state == AlertState::Firing);
    let mut found: Vec<AlertText> = firing
        .map(|alert| AlertText {
            labels: alert.labels.iter().map(|(name, value)| owned(name, value)).collect(),
            annotations: alert.annotations.clone(),
        })
        .collect();
    let mut wanted: Vec<AlertText> = test
        .exp_alerts
        .iter()
        .map(|alert| {
            let mut labels = alert.exp_labels.clone();
            labels.insert(ALERT_NAME.to_owned(), test.alertname.clone());
            labels.retain(|name, value| name != METRIC_NAME && !value.is_empty());
            AlertText {
                labels: labels.into_iter().collect(),
                annotations: alert
                    .exp_annotations
                    .iter()
                    .map(|(name, value)| owned(name, value))
                    .collect(),
            }
        })
        .collect();
    found.sort();
    wanted.sort();
    if found == wanted {
        return Ok(());
    }
    let differs = if diff {
        let lines = |alerts: &[AlertText]| -> Vec<String> {
            alerts.iter().flat_map(report::alert).collect()
        };
        report::diff(&lines(&wanted), &lines(&found))
    } else {
        let (wanted, found) = (report::alerts(&wanted), report::alerts(&found));
        format!("        exp:{wanted},\n        got:{found}")
    };
    let (name, time) = (&test.alertname, format_duration(test.eval_time));
    Err(format!("    alertname: {name}, time: {time},\n{differs}"))
}
