//! Prometheus' template functions.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use model::time::Timestamp;
use regex::{Regex, RegexBuilder};
use template::{Functions, Value, escape_query};

use super::{Environment, humanize, moment, replace, sample, strings};
use crate::evaluate::Answers;

/// Bytes that a compiled pattern of a template may take.
const PATTERN_BYTES_MAX: usize = 256 << 10;

/// Bytes of a compiled pattern times bytes of the text that it is matched with: what a match may cost
/// at most grows with both. Source: documentation of the crate `regex`, "Untrusted input".
const MATCH_WORK_MAX: usize = 1 << 28;

/// Longest text in which all matches are replaced: finding all may cost the square of its length.
const REPLACED_BYTES_MAX: usize = 8 << 10;

/// Most different patterns of the templates of one alert: compiling one is much work.
const PATTERNS_MAX: usize = 100;

/// Most elements that `query` may give.
const QUERY_ELEMENTS_MAX: usize = 10_000;

/// Most queries of the templates of one alert.
const QUERIES_MAX: u32 = 100;

/// The functions, with what they may look at.
pub(super) struct Prometheus<'a> {
    data: Option<Data<'a>>,
}

struct Data<'a> {
    environment: &'a Environment,
    source: &'a dyn Answers,
    at: Timestamp,
    queries: Cell<u32>,
    /// With the bytes that each may have.
    patterns: RefCell<BTreeMap<String, (usize, Regex)>>,
}

/// Names, in order.
const NAMES: [&str; 29] = [
    "args",
    "externalURL",
    "first",
    "graphLink",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "label",
    "match",
    "now",
    "parseDuration",
    "pathPrefix",
    "query",
    "reReplaceAll",
    "safeHtml",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "toDuration",
    "toLower",
    "toTime",
    "toUpper",
    "urlQueryEscape",
    "value",
];

impl<'a> Prometheus<'a> {
    pub(super) fn new(
        environment: &'a Environment,
        source: &'a dyn Answers,
        at: Timestamp,
    ) -> Self {
        Self {
            data: Some(Data {
                environment,
                source,
                at,
                queries: Cell::new(0),
                patterns: RefCell::default(),
            }),
        }
    }

    /// For parsing alone.
    pub(super) fn without_data() -> Self {
        Self { data: None }
    }

    fn data(&self) -> Result<&Data<'a>, String> {
        self.data.as_ref().ok_or_else(|| "there is no data".to_owned())
    }

    /// A compiled pattern, which is kept, for a text.
    fn pattern(&self, pattern: &str, text: &str) -> Result<Regex, String> {
        let mut known = self.data()?.patterns.borrow_mut();
        let most = bytes_max(text.len());
        if let Some((_, compiled)) = known.get(pattern).filter(|(limit, _)| *limit <= most) {
            return Ok(compiled.clone());
        }
        if known.len() >= PATTERNS_MAX && !known.contains_key(pattern) {
            return Err(format!("templates of one alert may use {PATTERNS_MAX} patterns"));
        }
        let built = RegexBuilder::new(pattern).size_limit(most).build();
        let compiled = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                format!("pattern {pattern:?} is too large for a text of {} bytes", text.len())
            }
            error => format!("invalid pattern {pattern:?}: {error}"),
        })?;
        known.insert(pattern.to_owned(), (most, compiled.clone()));
        Ok(compiled)
    }

    fn query(&self, text: &str) -> Result<Value, String> {
        let Data { source, at, queries, .. } = self.data()?;
        queries.set(queries.get() + 1);
        if queries.get() > QUERIES_MAX {
            return Err(format!("templates of one alert may ask {QUERIES_MAX} queries"));
        }
        let expr = promql::parse(text, &promql::ParseOptions::default())
            .map_err(|error| error.to_string())?;
        let found = source.query(&expr, *at)?;
        if found.len() > QUERY_ELEMENTS_MAX {
            return Err(format!("query gives more than {QUERY_ELEMENTS_MAX} elements"));
        }
        Ok(Value::list(found.iter().map(sample::element).collect()))
    }
}

impl Functions for Prometheus<'_> {
    fn has(&self, name: &str) -> bool {
        NAMES.contains(&name)
    }

    fn go_on(&self) -> Result<(), String> {
        self.data.as_ref().map_or(Ok(()), |data| data.source.go_on())
    }

    fn call(&self, name: &str, args: &[Value], most: usize) -> Result<Value, String> {
        match (name, args) {
            ("args", args) => Ok(Value::map(
                args.iter().enumerate().map(|(index, arg)| (format!("arg{index}"), arg.clone())),
            )),
            ("externalURL", []) => Ok(Value::string(&self.data()?.environment.external_url)),
            ("pathPrefix", []) => {
                Ok(Value::string(strings::url_path(&self.data()?.environment.external_url)))
            }
            ("now", []) => Ok(Value::Float(self.data()?.at.seconds())),
            ("query", [text]) => self.query(string(text)?),
            ("first", [Value::List(list)]) => match list.items().first() {
                Some(first) => Ok(first.clone()),
                None => Err("first() called on vector with no elements".to_owned()),
            },
            ("label", [name, element]) => sample::label(element, string(name)?),
            ("strvalue", [element]) => sample::label(element, "__value__"),
            ("value", [element @ Value::Object(object)]) => {
                object.field("Value").ok_or_else(|| sample::not_a_sample(element))
            }
            ("sortByLabel", [name, Value::List(list)]) => {
                sort_by_label(string(name)?, list.items())
            }
            ("reReplaceAll", [pattern, replacement, text]) => {
                let text = string(text)?;
                if text.len() > REPLACED_BYTES_MAX {
                    let message = "reReplaceAll takes a text of at most";
                    return Err(format!(
                        "{message} {REPLACED_BYTES_MAX} bytes, not {}",
                        text.len()
                    ));
                }
                let pattern = self.pattern(string(pattern)?, text)?;
                Ok(replace::all(&pattern, text, string(replacement)?, most).into())
            }
            ("match", [pattern, text]) => {
                let text = string(text)?;
                Ok(Value::Bool(self.pattern(string(pattern)?, text)?.is_match(text)))
            }
            ("safeHtml", [text]) => Ok(Value::Html(string(text)?.into())),
            ("title", [text]) => Ok(strings::title(string(text)?, most).into()),
            ("toUpper", [text]) => Ok(strings::upper(string(text)?, most).into()),
            ("toLower", [text]) => Ok(string(text)?.to_lowercase().into()),
            ("graphLink", [expr]) => Ok(link(string(expr)?, 0, most)),
            ("tableLink", [expr]) => Ok(link(string(expr)?, 1, most)),
            ("stripPort", [host]) => Ok(strings::strip_port(string(host)?).into()),
            ("stripDomain", [host]) => Ok(strings::strip_domain(string(host)?).into()),
            ("urlQueryEscape", [text]) => Ok(escape_query(string(text)?, most).into()),
            ("humanize", [value]) => humanize::number(value).map(Value::from),
            ("humanize1024", [value]) => humanize::binary(value).map(Value::from),
            ("humanizeDuration", [value]) => humanize::duration(value).map(Value::from),
            ("humanizePercentage", [value]) => humanize::percentage(value).map(Value::from),
            ("humanizeTimestamp", [value]) => humanize::timestamp(value).map(Value::from),
            ("toTime", [value]) => moment::time(humanize::float(value)?),
            ("toDuration", [value]) => Ok(moment::duration(humanize::float(value)?)),
            ("parseDuration", [text]) => strings::duration_seconds(string(text)?).map(Value::Float),
            _ => Err(wrong_arguments(args)),
        }
    }
}

/// How large a pattern may be for a text. A power of two, so that a pattern is compiled again for
/// longer texts a few times only.
fn bytes_max(text: usize) -> usize {
    let most = (MATCH_WORK_MAX / text.max(1)).clamp(1, PATTERN_BYTES_MAX);
    1 << most.ilog2()
}

fn wrong_arguments(args: &[Value]) -> String {
    let types: Vec<&str> = args.iter().map(Value::type_name).collect();
    format!("it does not take these arguments: ({})", types.join(", "))
}

fn string(value: &Value) -> Result<&str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("wrong type for value; expected string; got {}", value.type_name()))
}

fn link(expr: &str, tab: u8, most: usize) -> Value {
    format!("/graph?g0.expr={}&g0.tab={tab}", escape_query(expr, most)).into()
}

fn sort_by_label(name: &str, elements: &[Value]) -> Result<Value, String> {
    let mut keyed = Vec::with_capacity(elements.len());
    for element in elements {
        let label = sample::label(element, name)?;
        keyed.push((label.as_str().unwrap_or_default().to_owned(), element.clone()));
    }
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Value::list(keyed.into_iter().map(|(_, element)| element).collect()))
}
