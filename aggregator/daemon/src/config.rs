//! Configuration: one typed TOML file, environment overrides, and errors that point at the spot.
//!
//! - Unknown keys are refused, with the nearest known key as a suggestion.
//! - `TIDEWATCH__SECTION__KEY=value` overrides `section.key`; the value is read as TOML where it
//!   parses as such (`true`, `5`, `["a"]`), and as a string otherwise.
//! - Durations are written `250ms`, `30s`, `5m`, `12h`, `7d`; sizes `64MiB`, `2GiB`.
//! - A secret is written as it is, or as `file:/path/to/it`.

pub mod values;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// What the names of overriding environment variables start with.
pub const ENV_PREFIX: &str = "TIDEWATCH__";

/// A configuration that cannot be used; [`std::fmt::Display`] is the whole message for a person.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read configuration {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}:{line}:{column}: {message}\n{excerpt}", path.display())]
    Invalid { path: PathBuf, line: usize, column: usize, message: String, excerpt: String },
    #[error("environment variable {variable}: {message}")]
    Environment { variable: String, message: String },
    #[error("configuration: {message}")]
    Value { message: String },
}

/// Reads `path` (or nothing, for the defaults) and applies overrides from `environment`.
pub fn load<T: DeserializeOwned>(
    path: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let text = match path {
        Some(path) => read(path)?,
        None => String::new(),
    };
    parse(path.unwrap_or(Path::new("(defaults)")), &text, environment)
}

#[expect(clippy::disallowed_methods, reason = "configuration enters the program here")]
fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

/// Parses the text of a configuration. `path` only names it in messages.
pub fn parse<T: DeserializeOwned>(
    path: &Path,
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    // Read as it stands first: only this reading knows lines and columns.
    let from_file: T = toml::from_str(text).map_err(|error| invalid(path, text, &error))?;
    let mut overrides: Vec<_> = environment
        .into_iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(ENV_PREFIX)?.to_owned(), value)))
        .collect();
    if overrides.is_empty() {
        return Ok(from_file);
    }
    overrides.sort();
    let mut table: Table = toml::from_str(text).map_err(|error| invalid(path, text, &error))?;
    let mut merged = from_file;
    for (key, value) in overrides {
        let fault = |message: String| ConfigError::Environment {
            variable: format!("{ENV_PREFIX}{key}"),
            message,
        };
        set(&mut table, &key, &value).map_err(fault)?;
        // One at a time, so that a fault is blamed on the variable that brought it.
        merged = table
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| fault(explain(error.message())))?;
    }
    Ok(merged)
}

/// Sets `a.b.c` from a variable named `A__B__C`.
fn set(table: &mut Table, variable: &str, value: &str) -> Result<(), String> {
    let lower = variable.to_ascii_lowercase();
    let mut keys: Vec<&str> = lower.split("__").collect();
    let Some(last) = keys.pop().filter(|key| !key.is_empty()) else {
        return Err("names no key".to_owned());
    };
    let mut section = table;
    for key in keys {
        section = section
            .entry(key)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .ok_or_else(|| format!("{key:?} is a value, not a section"))?;
    }
    let typed = toml::from_str::<Table>(&format!("value = {value}"))
        .ok()
        .filter(|parsed| parsed.len() == 1)
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| Value::String(value.to_owned()));
    section.insert(last.to_owned(), typed);
    Ok(())
}

fn invalid(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let offset = error.span().map_or(0, |span| span.start);
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
    let content = text.lines().nth(line - 1).unwrap_or_default();
    let excerpt = format!("  {content}\n  {}^", " ".repeat(column - 1));
    let message = explain(error.message());
    ConfigError::Invalid { path: path.to_owned(), line, column, message, excerpt }
}

/// Turns serde's "unknown field `x`, expected one of `y`, `z`" into advice.
fn explain(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field `") else {
        return message.trim_end().replace('\n', "; ");
    };
    let mut quoted = rest.split('`');
    let unknown = quoted.next().unwrap_or_default();
    let known: Vec<&str> = quoted.skip(1).step_by(2).collect();
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(unknown, name), name))
        .min()
        .filter(|(distance, _)| *distance <= unknown.len().max(3) / 2);
    match nearest {
        Some((_, name)) => format!("unknown key {unknown:?}; did you mean {name:?}?"),
        None if known.is_empty() => format!("unknown key {unknown:?}"),
        None => format!("unknown key {unknown:?}; known here: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests;
