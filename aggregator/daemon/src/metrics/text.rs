//! The same metrics in Prometheus' text format 0.0.4, for scrapers and tools that know no other.
//!
//! OpenMetrics describes a counter without its `_total` and an info without its `_info`, where the
//! text format describes samples by the name that they have. Units, exemplars and the end mark are
//! of OpenMetrics only, and so are some types. Source: the two formats' specifications.

/// The content type of what [`from_open_metrics`] returns.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a scraper that sends this `Accept` header wants OpenMetrics.
pub fn wants_open_metrics(accept: Option<&str>) -> bool {
    accept.unwrap_or("").split(',').any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let named = parts.next().unwrap_or("");
        let refused =
            parts.any(|part| matches!(part.strip_prefix("q=").map(str::parse), Some(Ok(0.0))));
        named.eq_ignore_ascii_case("application/openmetrics-text") && !refused
    })
}

/// Rewrites an exposition line by line.
pub fn from_open_metrics(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    // A family's help comes before its type, which says what name it is described under.
    let mut help = None;
    for line in open.lines() {
        let words = line.strip_prefix("# ").and_then(|rest| rest.split_once(' '));
        match words.map(|(word, rest)| (word, rest.split_once(' ').unwrap_or((rest, "")))) {
            Some(("HELP", about)) => help = Some(about),
            Some(("TYPE", (name, kind))) => {
                let (suffix, kind) = described(kind);
                if let Some((_, about)) = help.take().filter(|(named, _)| *named == name) {
                    // The text format escapes no quotes here.
                    let about = about.replace("\\\"", "\"");
                    text.extend(["# HELP ", name, suffix, " ", &about, "\n"]);
                }
                text.extend(["# TYPE ", name, suffix, " ", kind, "\n"]);
            }
            Some(("UNIT", _)) => {}
            _ if line.starts_with('#') => {}
            _ => text.extend([without_exemplar(line), "\n"]),
        }
    }
    text
}

/// What a type adds to the name that it describes, and what the text format calls it.
fn described(kind: &str) -> (&'static str, &str) {
    match kind {
        "counter" => ("_total", kind),
        "info" => ("_info", "gauge"),
        "stateset" => ("", "gauge"),
        "unknown" | "gaugehistogram" => ("", "untyped"),
        _ => ("", kind),
    }
}

/// A sample up to the ` # ` that is not in a label's value.
fn without_exemplar(line: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    for (at, char) in line.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            '#' if !quoted => return line.split_at(at).0.trim_end(),
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests;
