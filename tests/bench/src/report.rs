//! How a measurement is printed.

use std::io::Write;

use serde_json::json;

/// One measurement. Smaller is better unless `more_is_better`.
#[derive(Clone, Debug)]
pub(crate) struct Measurement {
    pub(crate) suite: &'static str,
    pub(crate) name: String,
    pub(crate) ours: f64,
    pub(crate) unit: &'static str,
    pub(crate) target: Option<f64>,
    pub(crate) more_is_better: bool,
}

/// A peer's name and its value in the same run.
pub(crate) type Peer = (&'static str, f64);

/// What lines look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For a person.
    Text,
    /// One object a line and peer.
    Json,
    /// Rows of a table.
    Markdown,
}

/// Prints measurements as they come.
#[derive(Debug)]
pub(crate) struct Report {
    format: Format,
    /// Of the table at hand.
    suite: &'static str,
}

impl Report {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, suite: "" }
    }

    pub(crate) fn add(&mut self, measurement: &Measurement) {
        self.beside(measurement, &[]);
    }

    /// Ours beside those of peers.
    pub(crate) fn beside(&mut self, ours: &Measurement, peers: &[Peer]) {
        match self.format {
            Format::Text => say(&text(ours, peers)),
            Format::Json => say(&objects(ours, peers)),
            Format::Markdown => {
                if self.suite != ours.suite {
                    self.suite = ours.suite;
                    say(&format!("\n## {}\n\n{HEAD}", ours.suite));
                }
                say(&row(ours, peers));
            }
        }
    }
}

const HEAD: &str = "| what | ours | peers, and how many times better ours is | target | met |\n\
                    |---|---|---|---|---|\n";

impl Measurement {
    fn times_better(&self, peer: f64) -> f64 {
        if self.more_is_better { self.ours / peer } else { peer / self.ours }
    }

    fn met(&self) -> Option<bool> {
        let met = |target| {
            if self.more_is_better { self.ours >= target } else { self.ours <= target }
        };
        self.target.map(met)
    }
}

fn text(ours: &Measurement, peers: &[Peer]) -> String {
    let mut line =
        format!("{:<8} {:<56} {:>10} {}", ours.suite, ours.name, digits(ours.ours), ours.unit);
    for (peer, value) in peers {
        let times = digits(ours.times_better(*value));
        line.push_str(&format!("   {peer} {}, {times} times better", digits(*value)));
    }
    if let (Some(target), Some(met)) = (ours.target, ours.met()) {
        let met = if met { "met" } else { "MISSED" };
        line.push_str(&format!("   target {}: {met}", digits(target)));
    }
    line.push('\n');
    line
}

/// One object per peer, the target with the first; without peers one object.
fn objects(ours: &Measurement, peers: &[Peer]) -> String {
    let object = |peer: Option<&Peer>, is_first: bool| {
        let object = json!({
            "suite": ours.suite, "name": ours.name, "ours": ours.ours, "unit": ours.unit,
            "peer": peer.map(|(name, _)| name), "peer_value": peer.map(|(_, value)| value),
            "ratio": peer.map(|(_, value)| ours.times_better(*value)),
            "target": ours.target.filter(|_| is_first), "met": ours.met().filter(|_| is_first),
        });
        format!("{object}\n")
    };
    if peers.is_empty() {
        return object(None, true);
    }
    peers.iter().enumerate().map(|(number, peer)| object(Some(peer), number == 0)).collect()
}

fn row(ours: &Measurement, peers: &[Peer]) -> String {
    let beside: Vec<String> = peers
        .iter()
        .map(|(peer, value)| {
            format!("{peer} {}: {} ×", digits(*value), digits(ours.times_better(*value)))
        })
        .collect();
    let target = ours.target.map_or(String::new(), |target| {
        format!("{} {}", if ours.more_is_better { "≥" } else { "≤" }, digits(target))
    });
    let met = match ours.met() {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    format!(
        "| {} | {} {} | {} | {target} | {met} |\n",
        ours.name,
        digits(ours.ours),
        ours.unit,
        beside.join("; ")
    )
}

/// With as many decimals as a reader has use for.
fn digits(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Writes to standard error, for a person.
pub(crate) fn complain(text: &str) {
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}

/// Writes to standard output; whoever closed it does not want the rest.
pub(crate) fn say(text: &str) {
    drop(std::io::stdout().lock().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests;
