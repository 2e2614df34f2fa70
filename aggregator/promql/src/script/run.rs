//! Runs scripts.
//!
//! Every instant evaluation is repeated, as Prometheus does: with its time fixed by `@` and
//! evaluated at other times, and as the middle of a range query.

use std::time::Duration;

use model::time::Timestamp;
use regex::Regex;

use super::{
    ScriptError,
    compare::{self, Times},
    expect::Text,
    parse::{self, Command, Eval},
    store::MemoryStore,
};
use crate::{
    ast::{At, Expr, Modifiers},
    engine::{Context, Engine, EngineOptions},
    parser::{self, ParseOptions},
    value::{Answer, MatrixSeries, Sample, Value, VectorElement},
};

/// Milliseconds before and after an instant that are evaluated as a range.
const MINUTE: i64 = 60_000;

/// What a script came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Evaluations that gave what was expected, in all their repetitions.
    pub passed: usize,
    pub failures: Vec<Failure>,
}

/// A command that did not do what the script says.
#[derive(Debug)]
pub struct Failure {
    /// Counted from 1.
    pub line: usize,
    pub query: String,
    pub reason: String,
}

/// The options that scripts are written for.
pub fn engine_options() -> EngineOptions {
    EngineOptions { delayed_name_removal: true, start_timestamps: true, ..EngineOptions::default() }
}

/// Runs a script.
pub fn run(script: &str, engine: &Engine) -> Result<Outcome, ScriptError> {
    let mut store = MemoryStore::default();
    let mut outcome = Outcome::default();
    for command in parse::parse(script)? {
        match command {
            Command::Clear => store = MemoryStore::default(),
            Command::Load(load) => {
                if let Err(reason) = store.load(&load) {
                    let query = "load".to_owned();
                    outcome.failures.push(Failure { line: load.line, query, reason });
                }
            }
            Command::Eval(eval) => match (Runner { engine, store: &store, eval: &eval }).run() {
                Ok(()) => outcome.passed += 1,
                Err(reason) => {
                    let query = eval.query.clone();
                    outcome.failures.push(Failure { line: eval.line, query, reason });
                }
            },
        }
    }
    Ok(outcome)
}

struct Runner<'a> {
    engine: &'a Engine,
    store: &'a MemoryStore,
    eval: &'a Eval,
}

impl Runner<'_> {
    fn run(&self) -> Result<(), String> {
        let query = &self.eval.query;
        let expr = parse_query(query)?;
        if let Some(range) = self.eval.range {
            let times = Times { start: self.eval.start, end: range.end, step: range.step };
            return match self.checked(self.range_query(&expr, times))? {
                Some(value) => compare::value(&self.eval.expected, times, &value),
                None => Ok(()),
            };
        }
        let time = self.eval.expected.range_times.map_or(self.eval.start, |(_, end, _)| end);
        self.instant(query, time)?;
        let Some(fixed) = fixed_in_time(expr, time) else { return Ok(()) };
        let fixed = fixed.to_string();
        let others: &[i64] =
            if time == 0 { &[-1000, 0, 1000] } else { &[-10 * time, 0, time / 5, time, 10 * time] };
        for other in others {
            self.instant(&fixed, *other)
                .map_err(|reason| format!("as {fixed} at {other} ms: {reason}"))?;
        }
        Ok(())
    }

    /// Evaluates at one time, and as the middle of a range.
    fn instant(&self, query: &str, time: i64) -> Result<(), String> {
        let expr = parse_query(query)?;
        let context = Context::unlimited();
        let answer = self.engine.instant(&expr, Timestamp(time), self.store, &context);
        let answer = answer.map_err(|error| error.to_string());
        let Some(value) = self.checked(answer)? else { return Ok(()) };
        let expected = &self.eval.expected;
        let (start, end, step) = expected.range_times.unwrap_or((time, time, 0));
        compare::value(expected, Times { start, end, step }, &value)?;
        let excluded = matches!(value, Value::String(..) | Value::Matrix(_));
        if excluded || depends_on_times(query) {
            return Ok(());
        }
        let times = Times { start: time - MINUTE, end: time + MINUTE, step: MINUTE };
        let answer = self
            .range_query(&expr, times)
            .map_err(|error| format!("in range mode at {time} ms: {error}"))?;
        let Value::Matrix(matrix) = answer.value else {
            return Err("in range mode: expected a matrix".to_owned());
        };
        if expected.ordered {
            return Ok(());
        }
        compare::sorted(&matrix)?;
        let middle = middle(matrix, time, matches!(value, Value::Scalar(..)));
        compare::value(expected, Times { start, end, step }, &middle)
            .map_err(|reason| format!("in range mode at {time} ms: {reason}"))
    }

    fn range_query(&self, expr: &Expr, times: Times) -> Result<Answer, String> {
        let step = Duration::from_millis(u64::try_from(times.step).unwrap_or(0));
        let (start, end) = (Timestamp(times.start), Timestamp(times.end));
        let context = Context::unlimited();
        let answer = self.engine.range(expr, start, end, step, self.store, &context);
        answer.map_err(|error| error.to_string())
    }

    /// The value, or nothing where a failure was expected and came.
    fn checked(&self, answer: Result<Answer, String>) -> Result<Option<Value>, String> {
        let expected = &self.eval.expected;
        match answer {
            Err(error) if !expected.fail => Err(format!("failed: {error}")),
            Err(error) => match &expected.failure {
                Some(text) if !text.matches(&error) => {
                    Err(format!("expected failure {text:?}, got: {error}"))
                }
                _ => Ok(None),
            },
            Ok(_) if expected.fail => Err("expected a failure".to_owned()),
            Ok(answer) => {
                annotations("warning", &expected.warnings, &answer.warnings)?;
                annotations("info", &expected.infos, &answer.infos)?;
                for (wanted, unwanted, found) in [
                    (expected.warn, expected.no_warnings, &answer.warnings),
                    (expected.info, expected.no_infos, &answer.infos),
                ] {
                    if wanted && found.is_empty() {
                        return Err("expected annotations".to_owned());
                    }
                    if unwanted && !found.is_empty() {
                        return Err(format!("unexpected annotations: {found:?}"));
                    }
                }
                Ok(Some(answer.value))
            }
        }
    }
}

fn parse_query(query: &str) -> Result<Expr, String> {
    parser::parse(query, &ParseOptions::default()).map_err(|error| error.to_string())
}

/// Each expected text must be found and each text found be expected, unless none is expected.
fn annotations(kind: &str, expected: &[Text], found: &[String]) -> Result<(), String> {
    if expected.is_empty() {
        return Ok(());
    }
    if let Some(text) = expected.iter().find(|text| !found.iter().any(|f| text.matches(f))) {
        return Err(format!("expected {kind} {text:?}, found {found:?}"));
    }
    match found.iter().find(|found| !expected.iter().any(|text| text.matches(found))) {
        Some(found) => Err(format!("unexpected {kind} {found:?}")),
        None => Ok(()),
    }
}

/// Whether a query means something else in a range.
fn depends_on_times(query: &str) -> bool {
    Regex::new(r"(start|end|range|step)\(\)").is_ok_and(|pattern| pattern.is_match(query))
}

/// The values of a range at one time.
fn middle(matrix: Vec<MatrixSeries>, time: i64, scalar: bool) -> Value {
    let mut elements = Vec::new();
    for series in matrix {
        let float = series.floats.iter().find(|(at, _)| *at == time);
        let histogram = series.histograms.iter().find(|(at, _)| *at == time);
        let value = match (float, histogram) {
            (Some((_, value)), _) => Sample::Float(*value),
            (_, Some((_, histogram))) => Sample::Histogram(histogram.clone()),
            _ => continue,
        };
        elements.push(VectorElement { labels: series.labels, time, value });
    }
    match elements.first() {
        Some(VectorElement { value: Sample::Float(value), .. }) if scalar => {
            Value::Scalar(time, *value)
        }
        _ => Value::Vector(elements),
    }
}

/// The expression with the time of all outermost selectors and subqueries fixed. `None` when it
/// contains a function that depends on the time of evaluation.
fn fixed_in_time(mut expr: Expr, time: i64) -> Option<Expr> {
    fix(&mut expr, time).then_some(expr)
}

fn fix(expr: &mut Expr, time: i64) -> bool {
    let pin = |modifiers: &mut Modifiers| {
        if !matches!(modifiers.at, Some(At::Time(_))) {
            modifiers.at = Some(At::Time(time));
        }
    };
    match expr {
        Expr::Number(_) | Expr::String(_) => true,
        Expr::Selector(selector) => {
            pin(&mut selector.modifiers);
            true
        }
        Expr::Matrix(matrix) => {
            pin(&mut matrix.selector.modifiers);
            true
        }
        // What is within is evaluated at the times of the subquery.
        Expr::Subquery(subquery) => {
            pin(&mut subquery.modifiers);
            true
        }
        Expr::Paren(paren) => fix(&mut paren.expr, time),
        Expr::Unary(unary) => fix(&mut unary.expr, time),
        Expr::Binary(binary) => fix(&mut binary.lhs, time) & fix(&mut binary.rhs, time),
        Expr::Aggregate(aggregate) => {
            let param = aggregate.param.as_mut().is_none_or(|param| fix(param, time));
            fix(&mut aggregate.expr, time) & param
        }
        Expr::Call(call) => {
            let args = call.args.iter_mut().fold(true, |all, arg| fix(arg, time) & all);
            args && !call.function.id.depends_on_step()
        }
    }
}
