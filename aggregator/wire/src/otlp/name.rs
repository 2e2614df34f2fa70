//! Names of metrics, labels and units, as Prometheus' translation of OTLP makes them.
//!
//! Source: the OpenTelemetry specification, "Prometheus and OpenMetrics Compatibility", and the
//! unit table there, which follows UCUM.

use super::{Strategy, Translation};

/// What a metric's kind adds to its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suffix {
    /// `_total` for monotonic sums.
    Total,
    /// `_ratio` for gauges of unit `1`.
    Gauge,
    None,
}

const UNITS: [(&str, &str); 26] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// Units behind a `/`.
const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The name of a metric; `None` when nothing of it is left.
pub(super) fn metric(strategy: Strategy, name: &str, unit: &str, suffix: Suffix) -> Option<String> {
    let built = match (strategy.escapes(), strategy.adds_suffixes()) {
        (true, true) => escaped_with_suffixes(name, unit, suffix),
        (true, false) => prefix_digit(tokens(name, |c| is_name(c) || c == '_').join("_")),
        (false, true) => with_suffixes(name, unit, suffix),
        (false, false) => name.to_owned(),
    };
    let says_something = !built.is_empty()
        && (!strategy.escapes() || built == name || built.chars().any(|c| c != '_'));
    says_something.then_some(built)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

fn tokens(text: &str, keep: impl Fn(char) -> bool) -> Vec<&str> {
    text.split(|c| !keep(c)).filter(|token| !token.is_empty()).collect()
}

fn prefix_digit(name: String) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

fn escaped_with_suffixes(name: &str, unit: &str, suffix: Suffix) -> String {
    let (main, per) = unit_suffixes(unit);
    let (main, per) = (clean_unit(&main), clean_unit(&per));
    let mut tokens = tokens(name, is_name);
    let main = Some(main.as_str()).filter(|main| !main.is_empty() && !tokens.contains(main));
    let per = Some(per.trim_end_matches('_'))
        .filter(|per| !per.is_empty() && *per != "per" && !tokens.contains(per));
    // With another suffix behind it the unit must not end in an underscore.
    let main = main.map(|main| per.map_or(main, |_| main.strip_suffix('_').unwrap_or(main)));
    tokens.extend(main.filter(|main| !main.is_empty()));
    tokens.extend(per);
    if let Some(last) = kind_suffix(unit, suffix) {
        tokens.retain(|token| *token != last);
        tokens.push(last);
    }
    prefix_digit(tokens.join("_"))
}

fn kind_suffix(unit: &str, suffix: Suffix) -> Option<&'static str> {
    match suffix {
        Suffix::Total => Some("total"),
        Suffix::Gauge if unit == "1" => Some("ratio"),
        Suffix::Gauge | Suffix::None => None,
    }
}

/// Suffixes on a name that is otherwise left alone. One that is there already is not repeated.
fn with_suffixes(name: &str, unit: &str, suffix: Suffix) -> String {
    let (main, per) = unit_suffixes(unit);
    let last = kind_suffix(unit, suffix);
    let mut name = last.map_or(name, |last| without_suffix(name, last));
    if !per.is_empty() {
        name = without_suffix(name, &per);
    }
    let mut built = name.to_owned();
    if !main.is_empty() && !built.ends_with(main.as_str()) {
        built.extend(["_", &main]);
    }
    if !per.is_empty() {
        built.extend(["_", &per]);
    }
    if let Some(last) = last {
        built.extend(["_", last]);
    }
    built
}

/// Without the suffix and the character before it, if something is left then.
fn without_suffix<'a>(name: &'a str, suffix: &str) -> &'a str {
    let Some(rest) = name.strip_suffix(suffix) else { return name };
    let mut characters = rest.chars();
    characters.next_back();
    let rest = characters.as_str();
    if rest.is_empty() { name } else { rest }
}

/// `By/s` is `bytes` and `per_second`. Annotations in braces are no units.
fn unit_suffixes(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let look_up = |table: &[(&str, &str)], unit: &str| -> String {
        let unit = unit.trim();
        if unit.contains(['{', '}']) {
            return String::new();
        }
        let found = table.iter().find(|(short, _)| *short == unit);
        found.map_or(unit, |(_, long)| long).to_owned()
    };
    let main = look_up(&UNITS, main);
    let per = look_up(&PER_UNITS, per);
    (main, if per.is_empty() { per } else { format!("per_{per}") })
}

/// Characters that no name may have become one underscore, which does not lead.
fn clean_unit(unit: &str) -> String {
    let mut cleaned = String::with_capacity(unit.len());
    for c in unit.chars() {
        if is_name(c) {
            cleaned.push(c);
        } else if !cleaned.is_empty() && !cleaned.ends_with('_') {
            cleaned.push('_');
        }
    }
    cleaned
}

/// The unit as metadata says it.
pub(super) fn unit(unit: &str) -> String {
    let (main, per) = unit_suffixes(unit);
    let (main, per) = (clean_unit(&main), clean_unit(&per));
    let both = match (main.is_empty(), per.is_empty()) {
        (false, false) => format!("{main}_{per}"),
        (false, true) => main,
        _ => per,
    };
    let trimmed = both.strip_prefix('_').unwrap_or(&both);
    trimmed.strip_suffix('_').unwrap_or(trimmed).to_owned()
}

/// The name of a label; `None` when nothing of it is left.
pub(super) fn label(translation: &Translation, name: &str) -> Option<String> {
    if !translation.strategy.escapes() {
        return says_something(name.to_owned());
    }
    let mut built = sanitize(translation, name);
    if built.starts_with(|c: char| c.is_ascii_digit()) {
        built.insert_str(0, "key_");
    } else if translation.label_name_underscore_sanitization
        && built.starts_with('_')
        && !built.starts_with("__")
    {
        built.insert_str(0, "key");
    }
    says_something(built)
}

fn says_something(name: String) -> Option<String> {
    name.chars().any(|c| c != '_').then_some(name)
}

fn sanitize(translation: &Translation, name: &str) -> String {
    let keep = translation.label_name_preserve_multiple_underscores;
    let reserved = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    let (edge, inner) = match reserved {
        Some(inner) if !keep => ("__", inner),
        _ => ("", name),
    };
    let mut built = String::with_capacity(name.len());
    built.push_str(edge);
    let mut underscore = false;
    for c in inner.chars() {
        if c.is_ascii_alphanumeric() {
            built.push(c);
            underscore = false;
        } else if keep || !underscore {
            built.push('_');
            underscore = true;
        }
    }
    built.push_str(edge);
    built
}

#[cfg(test)]
mod tests;
