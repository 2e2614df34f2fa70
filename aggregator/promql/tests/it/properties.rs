//! What holds for every query and all data. Each function says what is wrong, if anything.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use model::{histogram::Histogram, time::Timestamp};
use promql::{
    Answer, Context, Engine, EngineOptions, EvalError, Expr, ParseOptions, Sample, Value,
    ast::{At, DurationExpr, Modifiers},
    format_query,
    functions::FunctionId,
    parse, script,
};

use crate::{
    grammars,
    random::{Case, store},
    watched::Watched,
};

/// Most samples that a query of a case may hold. Reaching it is no mistake.
const SAMPLES_MAX: u64 = 2_000_000;
/// Most steps of a subquery.
const STEPS_MAX: u64 = 5000;

/// All that must hold for a case.
pub(crate) fn check(case: &Case) -> Result<(), String> {
    grammars::agree(&case.query)?;
    let Ok(expr) = parse(&case.query, &ParseOptions::default()) else { return Ok(()) };
    survives_printing(&expr)?;
    ranges_are_made_of_instants(case, &expr)?;
    threads_and_stores_do_not_matter(case, &expr)?;
    limits_hold(case, &expr)
}

pub(crate) fn survives_printing(expr: &Expr) -> Result<(), String> {
    for printed in [expr.to_string(), format_query(expr)] {
        match parse(&printed, &ParseOptions::default()) {
            Ok(again) if again == *expr => {}
            Ok(again) => return Err(format!("{expr} is printed as {printed} and read as {again}")),
            Err(error) => return Err(format!("{expr} is printed as {printed}: {error}")),
        }
    }
    Ok(())
}

fn options(case: &Case) -> EngineOptions {
    EngineOptions {
        max_samples: SAMPLES_MAX,
        max_steps: STEPS_MAX,
        // Any bit of what is random does.
        delayed_name_removal: case.query.len().is_multiple_of(2),
        ..script::engine_options()
    }
}

fn range(options: EngineOptions, expr: &Expr, case: &Case, store: &Watched) -> Outcome {
    let (start, end) = (Timestamp(case.start), Timestamp(case.end()));
    let step = Duration::from_millis(case.step.unsigned_abs());
    Engine::new(options).range(expr, start, end, step, store, &Context::unlimited())
}

fn instant(options: EngineOptions, expr: &Expr, time: i64, store: &Watched) -> Outcome {
    Engine::new(options).instant(expr, Timestamp(time), store, &Context::unlimited())
}

type Outcome = Result<Answer, EvalError>;

/// A value of any kind, so that it can be compared: NaN equals NaN.
fn key(sample: &Sample) -> String {
    match sample {
        Sample::Float(value) => format!("{value:?}"),
        // What is known of resets depends on what lies before, which an instant query does not see.
        Sample::Histogram(histogram) => {
            format!("{:?}", Histogram { reset_hint: Default::default(), ..(**histogram).clone() })
        }
    }
}

type Values = BTreeMap<(String, i64), String>;

/// Values by labels and time.
fn values(answer: &Answer) -> Result<Values, String> {
    let mut values = Values::new();
    let mut add = |labels: String, time, sample: &Sample| match values
        .insert((labels.clone(), time), key(sample))
    {
        None => Ok(()),
        Some(_) => Err(format!("{labels} comes twice at {time}")),
    };
    match &answer.value {
        Value::Vector(vector) => {
            for element in vector {
                add(element.labels.to_string(), element.time, &element.value)?;
            }
        }
        Value::Matrix(matrix) => {
            for series in matrix {
                let labels = series.labels.to_string();
                for (time, value) in &series.floats {
                    add(labels.clone(), *time, &Sample::Float(*value))?;
                }
                for (time, histogram) in &series.histograms {
                    add(labels.clone(), *time, &Sample::Histogram(Arc::clone(histogram)))?;
                }
            }
        }
        Value::Scalar(time, value) => add("{}".to_owned(), *time, &Sample::Float(*value))?,
        Value::String(..) => {}
    }
    Ok(values)
}

/// Whether a duration depends on the times of the query.
fn is_relative(duration: &DurationExpr) -> bool {
    match duration {
        DurationExpr::Number(_) => false,
        DurationExpr::Step(_) | DurationExpr::Range(_) => true,
        DurationExpr::Extremum { args: sides, .. } | DurationExpr::Binary { sides, .. } => {
            is_relative(&sides.0) || is_relative(&sides.1)
        }
        DurationExpr::Negate { expr, .. } | DurationExpr::Paren { expr, .. } => is_relative(expr),
    }
}

/// Whether the answer at one time depends on the other times of the query.
fn is_of_its_range(expr: &Expr) -> bool {
    let modified = |modifiers: &Modifiers| {
        matches!(modifiers.at, Some(At::Start | At::End))
            || modifiers.offset.as_ref().is_some_and(is_relative)
    };
    let mut found = false;
    expr.visit(&mut |expr| {
        found |= match expr {
            Expr::Selector(selector) => modified(&selector.modifiers),
            Expr::Matrix(matrix) => {
                modified(&matrix.selector.modifiers) || is_relative(&matrix.range)
            }
            Expr::Subquery(subquery) => {
                modified(&subquery.modifiers)
                    || is_relative(&subquery.range)
                    || subquery.step.as_ref().is_some_and(is_relative)
            }
            Expr::Call(call) => matches!(
                call.function.id,
                FunctionId::Start
                    | FunctionId::End
                    | FunctionId::Step
                    | FunctionId::Range
                    // What is sorted at one time only comes in another order to what follows.
                    | FunctionId::Sort
                    | FunctionId::SortDesc
                    | FunctionId::SortByLabel
                    | FunctionId::SortByLabelDesc
            ),
            _ => false,
        };
    });
    found
}

/// A range query answers at each step what an instant query answers at that time. Where names
/// are removed at the end, whole series keep or lose them, so here they go at once.
fn ranges_are_made_of_instants(case: &Case, expr: &Expr) -> Result<(), String> {
    if is_of_its_range(expr) {
        return Ok(());
    }
    let store = Watched { inner: case.store(), ..Watched::default() };
    let options = EngineOptions { delayed_name_removal: false, ..options(case) };
    let mut instants = Values::new();
    let mut failed = None;
    for step in 0..=case.steps {
        match instant(options.clone(), expr, case.start + step * case.step, &store) {
            // Ranges and strings have no place in a range query.
            Ok(Answer { value: Value::Matrix(_) | Value::String(..), .. }) => return Ok(()),
            Ok(answer) => instants.append(&mut values(&answer)?),
            Err(error) => failed = Some(error),
        }
    }
    match range(options, expr, case, &store) {
        Ok(answer) => {
            let values = values(&answer)?;
            if let Some(error) = failed {
                return Err(format!("fails at one time alone: {error}"));
            }
            let other = |(place, value)| (instants.get(place) != Some(value)).then_some(place);
            let more = |(place, value)| (values.get(place) != Some(value)).then_some(place);
            match values.iter().find_map(other).or_else(|| instants.iter().find_map(more)) {
                None => Ok(()),
                Some(place) => Err(format!(
                    "{place:?} is {:?} of a range, {:?} of an instant",
                    values.get(place),
                    instants.get(place)
                )),
            }
        }
        Err(EvalError::TooManySamples | EvalError::Limit { .. }) => Ok(()),
        // Series that are alike but never at the same time are an error of the range alone.
        Err(error) => {
            let alike = "vector cannot contain metrics with the same labelset";
            let expected = failed.is_some() || error.to_string().contains(alike);
            if expected { Ok(()) } else { Err(format!("fails over a range only: {error}")) }
        }
    }
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Ok(answer) => format!("{:?} {:?} {:?}", answer.value, answer.warnings, answer.infos),
        Err(error) => error.to_string(),
    }
}

/// Neither the number of threads nor how the series are stored has an influence.
fn threads_and_stores_do_not_matter(case: &Case, expr: &Expr) -> Result<(), String> {
    let serial = options(case);
    let parallel = EngineOptions { parallelism: 4, ..serial.clone() };
    let whole = Watched { inner: case.store(), ..Watched::default() };
    let generous = Watched { inner: case.store(), generous: true, ..Watched::default() };
    let part = |number| {
        let data = case.data.iter().enumerate();
        store(data.filter(|(at, _)| at % 3 == number).map(|(_, series)| series))
    };
    let divided = Watched { inner: part(0), more: vec![part(1), part(2)], ..Watched::default() };
    for (name, options, store) in [
        ("four threads", &parallel, &whole),
        ("samples that nobody asked for", &serial, &generous),
        ("three stores", &serial, &divided),
    ] {
        let pairs = [
            (range(serial.clone(), expr, case, &whole), range(options.clone(), expr, case, store)),
            (
                instant(serial.clone(), expr, case.start, &whole),
                instant(options.clone(), expr, case.start, store),
            ),
        ];
        for (expected, found) in pairs {
            let (expected, found) = (shown(&expected), shown(&found));
            if expected != found {
                return Err(format!("with {name}: {found}\ninstead of {expected}"));
            }
        }
    }
    Ok(())
}

/// The greatest number of samples that a query says to have held is what it needs: with this limit
/// it succeeds, with one less it does not.
fn limits_hold(case: &Case, expr: &Expr) -> Result<(), String> {
    let store = Watched { inner: case.store(), ..Watched::default() };
    let Ok(answer) = range(options(case), expr, case, &store) else { return Ok(()) };
    let peak = answer.stats.samples_peak;
    if peak > SAMPLES_MAX {
        return Err(format!("held {peak} samples"));
    }
    let limited =
        |max_samples| range(EngineOptions { max_samples, ..options(case) }, expr, case, &store);
    if let Err(error) = limited(peak) {
        return Err(format!("needs more than its {peak} samples: {error}"));
    }
    match limited(peak.saturating_sub(1)) {
        Ok(_) if peak > 0 => Err(format!("needs fewer than its {peak} samples")),
        _ => Ok(()),
    }
}
