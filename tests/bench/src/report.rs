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
    /// A peer's name and its value in the same run.
    pub(crate) peer: Option<(&'static str, f64)>,
    pub(crate) target: Option<f64>,
    pub(crate) more_is_better: bool,
}

/// Prints measurements as they come.
#[derive(Debug)]
pub(crate) struct Report {
    json: bool,
}

impl Report {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// One line per peer, the first with the target; without peers one line of ours.
    pub(crate) fn beside(&mut self, ours: &Measurement, peers: &[(&'static str, f64)]) {
        if peers.is_empty() {
            self.add(ours);
        }
        for (number, peer) in peers.iter().enumerate() {
            let target = ours.target.filter(|_| number == 0);
            self.add(&Measurement { peer: Some(*peer), target, ..ours.clone() });
        }
    }

    pub(crate) fn add(&mut self, measurement: &Measurement) {
        let Measurement { suite, name, ours, unit, peer, target, more_is_better } = measurement;
        let ratio =
            peer.map(|(_, value)| if *more_is_better { ours / value } else { value / ours });
        let met =
            target.map(|target| if *more_is_better { *ours >= target } else { *ours <= target });
        if self.json {
            let object = json!({
                "suite": suite, "name": name, "ours": ours, "unit": unit,
                "peer": peer.map(|(peer, _)| peer), "peer_value": peer.map(|(_, value)| value),
                "ratio": ratio, "target": target, "met": met,
            });
            say(&format!("{object}\n"));
            return;
        }
        let mut line = format!("{suite:<8} {name:<56} {ours:>10.3} {unit}");
        if let (Some((peer, value)), Some(ratio)) = (peer, ratio) {
            line.push_str(&format!("   {peer} {value:.3}, {ratio:.1} times better"));
        }
        if let (Some(target), Some(met)) = (target, met) {
            let met = if met { "met" } else { "MISSED" };
            line.push_str(&format!("   target {target:.3}: {met}"));
        }
        say(&format!("{line}\n"));
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
