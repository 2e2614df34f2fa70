//! The notation of series: `metric{label="value"} 1 2+3x4 _ stale {{count:1 sum:2}}`.

use std::sync::Arc;

use model::{
    columns::stale_nan,
    histogram::Histogram,
    labels::{Labels, METRIC_NAME},
};

use super::histogram;
use crate::{
    histogram::arithmetic,
    text::{number, quote},
};

/// Most values that one series may have.
const VALUES_MAX: usize = 1_000_000;

/// One value of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub enum Notated {
    /// `_`: no sample.
    Omitted,
    Float(f64),
    Histogram {
        histogram: Arc<Histogram>,
        /// Whether the reset hint was written, so that it is to be compared.
        hint_given: bool,
    },
}

/// Parses a series with its values.
pub fn parse_series(line: &str) -> Result<(Labels, Vec<Notated>), String> {
    let mut reader = Reader { rest: line.trim() };
    let labels = reader.metric()?;
    if !reader.rest.is_empty() && !reader.rest.starts_with(char::is_whitespace) {
        return Err(format!("unexpected {:?} after the labels", reader.rest));
    }
    let mut values = Vec::new();
    while reader.skip_spaces() {
        reader.item(&mut values)?;
        if values.len() > VALUES_MAX {
            return Err(format!("more than {VALUES_MAX} values"));
        }
        if !reader.rest.is_empty() && !reader.rest.starts_with(char::is_whitespace) {
            return Err(format!("unexpected {:?} in series values", reader.rest));
        }
    }
    Ok((labels, values))
}

pub(super) struct Reader<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn accept(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Skips spaces. Whether something follows.
    fn skip_spaces(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        !self.rest.is_empty()
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !wanted(character)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// A metric name, labels, or both.
    pub(super) fn metric(&mut self) -> Result<Labels, String> {
        let plain = |character: char| character.is_ascii_alphanumeric() || "_:".contains(character);
        let name = self.take_while(plain).to_owned();
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(format!("{name:?} is not a metric name"));
        }
        let mut pairs = Vec::new();
        if self.accept("{") {
            self.labels(&mut pairs)?;
        } else if name.is_empty() {
            return Err(format!("expected a metric name or labels, got {:?}", self.rest));
        }
        if !name.is_empty() {
            pairs.retain(|(label, _): &(String, String)| label != METRIC_NAME);
            pairs.push((METRIC_NAME.to_owned(), name));
        }
        Labels::new(pairs).map_err(|error| error.to_string())
    }

    fn labels(&mut self, pairs: &mut Vec<(String, String)>) -> Result<(), String> {
        loop {
            self.skip_spaces();
            if self.accept("}") {
                return Ok(());
            }
            let label = if self.rest.starts_with(['"', '\'', '`']) {
                let label = self.string()?;
                self.skip_spaces();
                if !self.rest.starts_with('=') {
                    pairs.push((METRIC_NAME.to_owned(), label));
                    self.separator()?;
                    continue;
                }
                label
            } else {
                let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
                self.take_while(plain).to_owned()
            };
            self.skip_spaces();
            if label.is_empty() || !self.accept("=") {
                return Err(format!("unexpected {:?} in label set", self.rest));
            }
            self.skip_spaces();
            pairs.push((label, self.string()?));
            self.separator()?;
        }
    }

    /// A comma, unless the labels end.
    fn separator(&mut self) -> Result<(), String> {
        self.skip_spaces();
        if self.accept(",") || self.rest.starts_with('}') {
            return Ok(());
        }
        Err(format!("unexpected {:?} in label set, expected \",\" or \"}}\"", self.rest))
    }

    fn string(&mut self) -> Result<String, String> {
        let invalid = || format!("invalid string in label set: {:?}", self.rest);
        let quote = self.rest.chars().next().filter(|c| "\"'`".contains(*c)).ok_or_else(invalid)?;
        let mut escaped = true;
        let end = self.rest.char_indices().find_map(|(at, character)| {
            let closes = !escaped && character == quote;
            escaped = (at == 0) || (!escaped && character == '\\' && quote != '`');
            if at == 0 {
                escaped = false;
            }
            closes.then_some(at + 1)
        });
        let (literal, rest) =
            end.and_then(|end| self.rest.split_at_checked(end)).ok_or_else(invalid)?;
        let value = quote::unquote(literal).ok_or_else(invalid)?;
        self.rest = rest;
        Ok(value)
    }

    /// One item, which may stand for many values.
    fn item(&mut self, values: &mut Vec<Notated>) -> Result<(), String> {
        if self.rest.starts_with("{{") {
            return self.histograms(values);
        }
        if self.accept("_") {
            let count = if self.accept("x") { self.count()? } else { 1 };
            values.extend(std::iter::repeat_n(Notated::Omitted, count));
            return Ok(());
        }
        if self.accept("stale") {
            values.push(Notated::Float(stale_nan()));
            return Ok(());
        }
        let mut value = self.number()?;
        let mut step = 0.0;
        let mut repeats = 0;
        if self.rest.starts_with(['+', '-']) {
            step = self.number()?;
            if !self.accept("x") {
                return Err(format!("unexpected {:?} in series values", self.rest));
            }
            repeats = self.count()?;
        } else if self.accept("x") {
            repeats = self.count()?;
        }
        for at in 0..=repeats {
            if at > 0 && step != 0.0 {
                value += step;
            }
            values.push(Notated::Float(value));
        }
        Ok(())
    }

    pub(super) fn count(&mut self) -> Result<usize, String> {
        let digits = self.take_while(|character| character.is_ascii_digit());
        match digits.parse() {
            Ok(count) if count <= VALUES_MAX => Ok(count),
            _ => Err(format!("invalid repetition in series values: {digits:?}")),
        }
    }

    /// A number with an optional sign.
    pub(super) fn number(&mut self) -> Result<f64, String> {
        let negative = self.accept("-");
        if !negative {
            self.accept("+");
        }
        let text = self.rest;
        let mut previous = ' ';
        let end = text
            .find(|character: char| {
                let exponent_sign = "+-".contains(character) && "eE".contains(previous);
                let continues = character.is_ascii_digit()
                    || "._eE".contains(character)
                    || "iInNfFaA".contains(character)
                    || exponent_sign;
                previous = character;
                !continues
            })
            .unwrap_or(text.len());
        let (digits, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let value = number::parse(digits)?;
        self.rest = rest;
        Ok(if negative { -value } else { value })
    }

    /// `{{…}}`, `{{…}}xN`, `{{…}}+{{…}}xN` or `{{…}}-{{…}}xN`.
    fn histograms(&mut self, values: &mut Vec<Notated>) -> Result<(), String> {
        let (first, mut hint_given) = histogram::parse(self)?;
        let mut step = None;
        let subtract = self.rest.starts_with("-{{");
        if subtract || self.rest.starts_with("+{{") {
            self.rest = self.rest.get(1..).unwrap_or_default();
            let (by, given) = histogram::parse(self)?;
            hint_given = given;
            step = Some(by);
        }
        let mut repeats = 0;
        if self.accept("x") {
            repeats = self.count()?;
        } else if step.is_some() {
            return Err(format!("unexpected {:?} in series values", self.rest));
        }
        let mut current = first;
        for at in 0..=repeats {
            if let Some(step) = step.as_ref().filter(|_| at > 0) {
                if current.schema > step.schema {
                    return Err(format!(
                        "error combining histograms: cannot merge from schema {} to {}",
                        step.schema, current.schema
                    ));
                }
                let combine = if subtract { arithmetic::subtract } else { arithmetic::add };
                combine(&mut current, step)
                    .map_err(|_| "error combining histograms: incompatible schemas".to_owned())?;
            }
            let histogram = Arc::new(current.clone());
            values.push(Notated::Histogram { histogram, hint_given });
        }
        Ok(())
    }
}
