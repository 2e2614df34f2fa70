//! Splits a script into commands.

use model::labels::Labels;

use super::{
    ScriptError,
    expect::{Expected, Values},
    notation::{Notated, parse_series},
    starts,
};
use crate::text::{duration, number, quote};

/// One command of a script.
#[derive(Debug)]
pub enum Command {
    /// Forgets all series.
    Clear,
    Load(Load),
    Eval(Box<Eval>),
}

/// Series to store.
#[derive(Debug)]
pub struct Load {
    /// Where the command stands.
    pub line: usize,
    /// Milliseconds between values.
    pub step: i64,
    /// Also store classic histograms as native ones with custom buckets.
    pub with_nhcb: bool,
    /// Series with values, and start timestamps relative to the samples.
    pub series: Vec<(Labels, Vec<Notated>, Vec<Option<i64>>)>,
}

/// A query to evaluate.
#[derive(Debug)]
pub struct Eval {
    /// Where the command stands.
    pub line: usize,
    pub query: String,
    /// `None` for an instant query.
    pub range: Option<EvalRange>,
    /// Milliseconds; of an instant query the time of evaluation.
    pub start: i64,
    pub(super) expected: Expected,
}

/// The times of a range query, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct EvalRange {
    pub end: i64,
    pub step: i64,
}

/// Parses a script.
pub fn parse(script: &str) -> Result<Vec<Command>, ScriptError> {
    let mut lines = Lines::new(script);
    let mut commands = Vec::new();
    while let Some((line, text)) = lines.next() {
        if text.is_empty() {
            continue;
        }
        let word = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        commands.push(match word.as_str() {
            "clear" => Command::Clear,
            _ if word.starts_with("load") => Command::Load(parse_load(line, text, &mut lines)?),
            _ if word.starts_with("eval") => {
                Command::Eval(Box::new(parse_eval(line, text, &mut lines)?))
            }
            _ => return Err(ScriptError::new(line, format!("invalid command {text:?}"))),
        });
    }
    Ok(commands)
}

/// Trimmed lines with their numbers; comments are blank.
struct Lines<'a> {
    lines: std::iter::Peekable<std::iter::Enumerate<std::str::Split<'a, char>>>,
}

impl<'a> Lines<'a> {
    fn new(script: &'a str) -> Self {
        Self { lines: script.split('\n').enumerate().peekable() }
    }

    fn next(&mut self) -> Option<(usize, &'a str)> {
        self.lines.next().map(|(at, line)| (at + 1, trimmed(line)))
    }

    /// The next line of a block, which a blank line ends.
    fn next_of_block(&mut self) -> Option<(usize, &'a str)> {
        let (at, line) = self.lines.next_if(|(_, line)| !trimmed(line).is_empty())?;
        Some((at + 1, trimmed(line)))
    }
}

fn trimmed(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') { "" } else { line }
}

fn parse_load(line: usize, text: &str, lines: &mut Lines<'_>) -> Result<Load, ScriptError> {
    let error = |message: String| ScriptError::new(line, message);
    let (command, step) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let with_nhcb = match command {
        "load" => false,
        "load_with_nhcb" => true,
        _ => return Err(error(format!("invalid load command {command:?}"))),
    };
    let step = duration::parse(step.trim())
        .map_err(|message| error(format!("invalid step definition: {message}")))?;
    let mut load = Load { line, step, with_nhcb, series: Vec::new() };
    let mut starts: Option<(Labels, Vec<Option<i64>>)> = None;
    while let Some((line, text)) = lines.next_of_block() {
        let error = |message: String| ScriptError::new(line, message);
        if starts::is_starts(text) {
            if starts.is_some() {
                return Err(error("@st line has no following sample line".to_owned()));
            }
            starts = Some(starts::parse(text).map_err(error)?);
            continue;
        }
        let (labels, values) = parse_series(text).map_err(error)?;
        let mut offsets = Vec::new();
        if let Some((metric, given)) = starts.take() {
            if metric != labels || given.len() != values.len() {
                let message = "@st line does not fit the following sample line";
                return Err(ScriptError::new(line, message));
            }
            offsets = given;
        }
        load.series.retain(|(other, ..)| *other != labels);
        load.series.push((labels, values, offsets));
    }
    match starts {
        Some(_) => Err(error("@st line has no following sample line".to_owned())),
        None => Ok(load),
    }
}

/// The command of an evaluation without what is expected.
fn parse_eval_head(line: usize, text: &str) -> Result<Eval, ScriptError> {
    let invalid = || ScriptError::new(line, format!("invalid evaluation command {text:?}"));
    let (command, rest) = text.split_once(char::is_whitespace).ok_or_else(invalid)?;
    let mut expected = Expected::default();
    match command.strip_prefix("eval").ok_or_else(invalid)? {
        "" => {}
        "_fail" => expected.fail = true,
        "_warn" => expected.warn = true,
        "_info" => expected.info = true,
        "_ordered" => expected.ordered = true,
        _ => return Err(invalid()),
    }
    let time = |text: &str| {
        duration::parse(text)
            .map_err(|message| ScriptError::new(line, format!("invalid time {text:?}: {message}")))
    };
    let (kind, rest) = rest.trim_start().split_once(char::is_whitespace).ok_or_else(invalid)?;
    let mut words = rest.trim_start();
    let mut word = |keyword: Option<&str>| {
        let (first, rest) = words.split_once(char::is_whitespace)?;
        if keyword.is_some_and(|keyword| keyword != first) {
            return None;
        }
        words = rest.trim_start();
        Some(first)
    };
    match kind {
        "instant" => {
            word(Some("at")).ok_or_else(invalid)?;
            let start = time(word(None).ok_or_else(invalid)?)?;
            let query = words.to_owned();
            Ok(Eval { line, query, range: None, start, expected })
        }
        "range" => {
            word(Some("from")).ok_or_else(invalid)?;
            let start = time(word(None).ok_or_else(invalid)?)?;
            word(Some("to")).ok_or_else(invalid)?;
            let end = time(word(None).ok_or_else(invalid)?)?;
            word(Some("step")).ok_or_else(invalid)?;
            let step = time(word(None).ok_or_else(invalid)?)?;
            if end < start {
                return Err(ScriptError::new(line, "end timestamp is before start timestamp"));
            }
            let query = words.to_owned();
            Ok(Eval { line, query, range: Some(EvalRange { end, step }), start, expected })
        }
        _ => Err(invalid()),
    }
}

fn parse_eval(line: usize, text: &str, lines: &mut Lines<'_>) -> Result<Eval, ScriptError> {
    let mut eval = parse_eval_head(line, text)?;
    let mut position = 0;
    while let Some((line, text)) = lines.next_of_block() {
        let error = |message: String| ScriptError::new(line, message);
        let expected = &mut eval.expected;
        if expected.fail && text.starts_with("expected_fail_") {
            expected.old_failure(text).map_err(error)?;
            break;
        }
        if let Some(rest) = text.strip_prefix("expect range vector") {
            expected.range_vector(rest).map_err(error)?;
        } else if let Some(rest) = text.strip_prefix("expect string") {
            let value = quote::unquote(rest.trim_start());
            let value = value.ok_or_else(|| error("expected string literal not valid".into()))?;
            expected.values = Values::String(value);
        } else if text.split(' ').next() == Some("expect") {
            expected.line(text).map_err(error)?;
        } else if let Ok(value) = number::parse(text) {
            expected.values = Values::Scalar(value);
            break;
        } else {
            let (labels, values) = parse_series(text).map_err(error)?;
            position += 1;
            let many = values.len() > 1;
            if many && eval.range.is_none() && eval.expected.range_times.is_none() {
                let message = "several values are expected of an instant query";
                return Err(ScriptError::new(line, message));
            }
            eval.expected.series(position, labels, values);
        }
    }
    Ok(eval)
}
