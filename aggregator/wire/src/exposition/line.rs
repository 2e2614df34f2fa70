//! One line of either format.

use std::borrow::Cow;

use super::Format;

/// What is wrong with a line.
pub(crate) type Fault = Cow<'static, str>;
type Result<T> = std::result::Result<T, Fault>;

/// Labels whose text may have been unescaped.
pub(crate) type CowLabels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// A sample line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row<'a> {
    pub(crate) metric: Cow<'a, str>,
    /// Without the metric name.
    pub(crate) labels: CowLabels<'a>,
    pub(crate) value: f64,
    /// Milliseconds.
    pub(crate) time: Option<i64>,
    pub(crate) exemplar: Option<RowExemplar<'a>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowExemplar<'a> {
    pub(crate) labels: CowLabels<'a>,
    pub(crate) value: f64,
    pub(crate) time: Option<i64>,
}

/// A line that starts with `#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Comment<'a> {
    Help(Cow<'a, str>, Cow<'a, str>),
    Type(Cow<'a, str>, &'a str),
    Unit(Cow<'a, str>, &'a str),
    Eof,
    Other,
}

/// Reads a sample line. At most `labels_max + 1` labels are kept, which is enough to see that
/// there are too many.
pub(crate) fn row(line: &str, format: Format, labels_max: usize) -> Result<Row<'_>> {
    let mut cursor = Cursor { rest: line };
    let (metric, labels) = cursor.series(labels_max)?;
    let Tail { value, time, exemplar } = cursor.tail(format, labels_max)?;
    Ok(Row { metric, labels, value, time, exemplar })
}

/// What follows the series in a sample line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tail<'a> {
    pub(crate) value: f64,
    /// Milliseconds.
    pub(crate) time: Option<i64>,
    pub(crate) exemplar: Option<RowExemplar<'a>>,
}

/// Splits a sample line behind the name and labels of the series, which it does not look at:
/// whoever has seen the same text before need not read it again.
pub(crate) fn split_series(line: &str) -> Option<(&str, &str)> {
    let bytes = line.as_bytes();
    let name = bytes.iter().position(|byte| matches!(byte, b'{' | b' ' | b'\t'))?;
    let behind = bytes.get(name..)?.iter().position(|byte| !matches!(byte, b' ' | b'\t'))?;
    if bytes.get(name + behind) != Some(&b'{') {
        return line.split_at_checked(name);
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in bytes.iter().enumerate().skip(name + behind) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return line.split_at_checked(at + 1),
            _ => {}
        }
    }
    None
}

/// Reads what [`split_series`] split off in front.
pub(crate) fn series(text: &str, labels_max: usize) -> Result<(Cow<'_, str>, CowLabels<'_>)> {
    let mut cursor = Cursor { rest: text };
    let series = cursor.series(labels_max)?;
    cursor.end()?;
    Ok(series)
}

/// Reads what [`split_series`] left.
pub(crate) fn tail(rest: &str, format: Format, labels_max: usize) -> Result<Tail<'_>> {
    Cursor { rest }.tail(format, labels_max)
}

/// Reads a line that starts with `#`. Text allows comments of any kind, OpenMetrics does not.
pub(crate) fn comment(line: &str, format: Format) -> Result<Comment<'_>> {
    let mut cursor = Cursor { rest: line.strip_prefix('#').unwrap_or(line) };
    cursor.skip_blanks();
    let open = format == Format::OpenMetrics;
    match cursor.word() {
        "HELP" => {
            let (metric, text) = (cursor.family()?, cursor.text());
            Ok(Comment::Help(metric, unescape(text, open)))
        }
        "TYPE" => Ok(Comment::Type(cursor.family()?, cursor.text().trim_end())),
        "UNIT" if open => Ok(Comment::Unit(cursor.family()?, cursor.text().trim_end())),
        "EOF" if open => cursor.end().map(|()| Comment::Eof),
        _ if open => Err("expected HELP, TYPE, UNIT or EOF after '#'".into()),
        _ => Ok(Comment::Other),
    }
}

#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn eat(&mut self, expected: char) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn split(&mut self, at: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(at).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`, with `:` for metrics.
    fn identifier(&mut self, colon: bool) -> Option<&'a str> {
        let allowed =
            |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || colon && byte == b':';
        let bytes = self.rest.as_bytes();
        if !bytes.first().is_some_and(|first| allowed(*first)) {
            return None;
        }
        let end = bytes.iter().position(|byte| !allowed(*byte) && !byte.is_ascii_digit());
        Some(self.split(end.unwrap_or(bytes.len())))
    }

    /// A string in quotes, `None` when there is no quote here.
    fn quoted(&mut self) -> Result<Option<Cow<'a, str>>> {
        if !self.eat('"') {
            return Ok(None);
        }
        let mut escaped = false;
        for (at, byte) in self.rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    let inside = self.split(at);
                    self.eat('"');
                    return Ok(Some(unescape(inside, true)));
                }
                _ => {}
            }
        }
        Err("a quote is not closed".into())
    }

    /// The name and the labels of a series.
    fn series(&mut self, labels_max: usize) -> Result<(Cow<'a, str>, CowLabels<'a>)> {
        self.skip_blanks();
        let mut metric = self.identifier(true).map(Cow::Borrowed);
        self.skip_blanks();
        let mut labels = Vec::new();
        if self.eat('{') {
            let name_in_braces = self.labels(&mut labels, labels_max)?;
            metric = match (metric, name_in_braces) {
                (Some(_), Some(_)) => return Err("the metric name is given twice".into()),
                (before, inside) => before.or(inside),
            };
        }
        Ok((metric.ok_or("expected a metric name")?, labels))
    }

    /// Value, time and exemplar, up to the end of the line.
    fn tail(&mut self, format: Format, labels_max: usize) -> Result<Tail<'a>> {
        let value = float(self.word())?;
        let time = match self.optional_word() {
            None => None,
            Some(word) => Some(time(word, format)?),
        };
        self.skip_blanks();
        let exemplar = match format {
            Format::OpenMetrics if self.eat('#') => Some(self.exemplar(labels_max)?),
            _ => None,
        };
        self.end()?;
        Ok(Tail { value, time, exemplar })
    }

    /// The rest of a label list after its `{`. Returns the metric name if it stands among them.
    fn labels(&mut self, labels: &mut CowLabels<'a>, max: usize) -> Result<Option<Cow<'a, str>>> {
        let mut metric = None;
        loop {
            self.skip_blanks();
            if self.eat('}') {
                return Ok(metric);
            }
            let quoted = self.quoted()?;
            let is_quoted = quoted.is_some();
            let name = quoted
                .or_else(|| self.identifier(false).map(Cow::Borrowed))
                .ok_or("expected a label name")?;
            self.skip_blanks();
            if self.eat('=') {
                self.skip_blanks();
                let value = self.quoted()?.ok_or("expected a label value in quotes")?;
                if labels.len() <= max {
                    labels.push((name, value));
                }
            } else if !is_quoted {
                return Err(format!("expected '=' after label name {name:?}").into());
            } else if metric.replace(name).is_some() {
                return Err("the metric name is given twice".into());
            }
            self.skip_blanks();
            if !self.eat(',') && !self.rest.starts_with('}') {
                return Err("expected ',' or '}' after a label".into());
            }
        }
    }

    fn exemplar(&mut self, labels_max: usize) -> Result<RowExemplar<'a>> {
        self.skip_blanks();
        let mut labels = Vec::new();
        if !self.eat('{') || self.labels(&mut labels, labels_max)?.is_some() {
            return Err("expected the labels of an exemplar".into());
        }
        let value = float(self.word())?;
        let time = match self.optional_word() {
            None => None,
            Some(word) => Some(time(word, Format::OpenMetrics)?),
        };
        Ok(RowExemplar { labels, value, time })
    }

    /// The name in a `#` line.
    fn family(&mut self) -> Result<Cow<'a, str>> {
        self.skip_blanks();
        let name = self.quoted()?.or_else(|| self.identifier(true).map(Cow::Borrowed));
        name.ok_or_else(|| "expected a metric name".into())
    }

    /// What follows one blank.
    fn text(&mut self) -> &'a str {
        self.rest.strip_prefix([' ', '\t']).unwrap_or(self.rest)
    }

    /// What is left up to a blank; empty at the end.
    fn word(&mut self) -> &'a str {
        self.skip_blanks();
        let end = self.rest.find([' ', '\t']).unwrap_or(self.rest.len());
        self.split(end)
    }

    fn optional_word(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        (!self.rest.is_empty() && !self.rest.starts_with('#')).then(|| self.word())
    }

    fn end(&mut self) -> Result<()> {
        self.skip_blanks();
        if self.rest.is_empty() { Ok(()) } else { Err("expected the end of the line".into()) }
    }
}

/// Replaces `\\`, `\n` and, within quotes, `\"`; any other backslash stays.
fn unescape(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            Some('\\') => plain.push('\\'),
            Some('n') => plain.push('\n'),
            Some('"') if quotes => plain.push('"'),
            Some(other) => plain.extend(['\\', other]),
            None => plain.push('\\'),
        }
    }
    Cow::Owned(plain)
}

/// A value, as Go reads one: also `Inf` and `NaN` in any case, with a sign.
pub(crate) fn float(word: &str) -> Result<f64> {
    if word.is_empty() {
        return Err("expected a value".into());
    }
    word.parse().map_err(|_| format!("{:?} is not a number", shorten(word)).into())
}

/// A timestamp in milliseconds: whole milliseconds in text, seconds in OpenMetrics.
fn time(word: &str, format: Format) -> Result<i64> {
    let invalid = || format!("{:?} is not a timestamp", shorten(word)).into();
    match format {
        Format::Text => word.parse().map_err(|_| invalid()),
        Format::OpenMetrics => {
            let seconds: f64 = word.parse().map_err(|_| invalid())?;
            seconds_to_millis(seconds).ok_or_else(invalid)
        }
    }
}

pub(crate) fn seconds_to_millis(seconds: f64) -> Option<i64> {
    let millis = (seconds * 1000.0).round();
    (millis.abs() < i64::MAX as f64).then_some(millis as i64)
}

/// Keeps a hostile line from filling an error message.
fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
