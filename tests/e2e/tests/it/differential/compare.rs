//! Two servers with the same data, and the comparison of what they answer.

use std::collections::BTreeMap;

use disk::sim::Random;
use e2e::{
    peers,
    process::{Process, free_port, wait_until},
    server::{ACME, Server, client},
    write::send_by,
};
use model::write::{Sample, WriteBatch};
use reqwest::blocking::Client;
use serde_json::Value;
use tempfile::TempDir;
use wire::remote_write::Version;

use super::{
    intended,
    random::{Case, Dialect, Series, data, shrink},
};

/// Where the first set of data begins, in milliseconds. A fixed time, so that a seed always means
/// the same.
const ORIGIN: i64 = 1_600_000_000_000;
/// From one set of data to the next: farther than any query looks.
const SET_MILLIS: i64 = 3 * 3_600_000;
/// Relative difference of values that were computed in another order.
const TOLERANCE: f64 = 1e-12;

/// What a comparison found.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Both gave the same values.
    Equal,
    /// Both gave none, or both refused.
    Empty,
    /// They differ as they should, for this reason.
    Intended(&'static str),
    /// They differ: the query, made as small as possible, and both answers.
    Different(String),
}

pub(crate) struct Both {
    server: Server,
    _prometheus: Process,
    theirs: String,
    client: Client,
    _dir: TempDir,
}

impl Both {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("is created");
        let port = free_port();
        let flags = [
            "--web.enable-remote-write-receiver",
            "--enable-feature=promql-at-modifier,promql-negative-offset,native-histograms",
            "--storage.tsdb.retention.time=90y",
        ];
        let prometheus = peers::prometheus_with(dir.path(), port, "", &flags);
        let theirs = format!("http://127.0.0.1:{port}");
        let client = client();
        let ready = wait_until("Prometheus to be ready", || {
            let answer = client.get(format!("{theirs}/-/ready")).send().ok()?;
            answer.status().is_success().then_some(())
        });
        assert!(ready.is_some(), "Prometheus is not ready");
        Self {
            server: Server::start_with("retention = \"32850d\""),
            _prometheus: prometheus,
            theirs,
            client,
            _dir: dir,
        }
    }

    /// Writes the data of a set to both.
    pub(crate) fn load(&self, set: u64, random: &mut Random) -> Dialect {
        let origin = ORIGIN + SET_MILLIS * i64::try_from(set).expect("is small");
        let dialect = Dialect { origin, modern: false, histograms: false, mistakes: 0 };
        let mut batch = WriteBatch::default();
        for Series { labels, samples } in data(dialect, random) {
            batch.begin_set(&labels);
            for (time, sample) in samples {
                match sample {
                    promql::Sample::Float(value) => {
                        batch.push_sample(Sample { time, value, start: 0 });
                    }
                    promql::Sample::Histogram(_) => panic!("there are floats only"),
                }
            }
        }
        for request in [
            self.server.post(ACME, "/api/v1/write"),
            self.client.post(format!("{}/api/v1/write", self.theirs)),
        ] {
            let answer = send_by(request, Version::V1, &batch);
            assert!(answer.status().is_success(), "{:?}", answer.text());
        }
        dialect
    }

    /// Compares the answers to a random query about a set of data.
    pub(crate) fn check(&self, dialect: Dialect, random: &mut Random) -> Outcome {
        let mistakes = if random.one_in(8) { 40 } else { 0 };
        let case = Case::without_data(Dialect { mistakes, ..dialect }, random);
        match self.compare(&case) {
            Outcome::Different(_) => {
                let fails = &mut |case: &Case| matches!(self.compare(case), Outcome::Different(_));
                self.compare(&shrink(case, fails))
            }
            outcome => outcome,
        }
    }

    fn compare(&self, case: &Case) -> Outcome {
        let seconds = |millis: i64| format!("{}.{:03}", millis / 1000, millis % 1000);
        let query = ("query", case.query.clone());
        let instant = vec![query.clone(), ("time", seconds(case.start))];
        let times = [("start", case.start), ("end", case.end()), ("step", case.step)];
        let mut range = vec![query];
        range.extend(times.map(|(name, time)| (name, seconds(time))));
        let mut outcome = Outcome::Empty;
        for (path, parameters) in [("query", instant), ("query_range", range)] {
            let path = format!("/api/v1/{path}");
            let borrowed: Vec<(&str, &str)> =
                parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let ours: Value = self.server.get(ACME, &path, &borrowed).json().expect("is JSON");
            let url = format!("{}{path}", self.theirs);
            let url = reqwest::Url::parse_with_params(&url, &parameters).expect("is an address");
            let theirs = self.client.get(url).send().expect("answers");
            let theirs: Value = theirs.json().expect("is JSON");
            let Some(difference) = difference(&ours, &theirs) else {
                if theirs["data"]["result"].get(0).is_some() {
                    outcome = Outcome::Equal;
                }
                continue;
            };
            if let Some(reason) = intended::reason(&case.query, &ours, &theirs) {
                return Outcome::Intended(reason);
            }
            return Outcome::Different(format!(
                "{path} {parameters:?}: {difference}\n  ours {ours}\n  Prometheus {theirs}"
            ));
        }
        outcome
    }
}

/// The first difference between two answers, if there is one.
fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    for field in ["status", "errorType"] {
        if ours[field] != theirs[field] {
            return Some(format!("{field} is {} instead of {}", ours[field], theirs[field]));
        }
    }
    // What a parser finds first is not promised, what an evaluation finds is.
    if theirs["errorType"] == "execution" && gist(ours) != gist(theirs) {
        return Some("another error".to_owned());
    }
    let (ours, theirs) = (&ours["data"], &theirs["data"]);
    if ours["resultType"] != theirs["resultType"] {
        return Some("another type of result".to_owned());
    }
    let (ours, theirs) = (samples(ours), samples(theirs));
    for (place, value) in &theirs {
        match ours.get(place) {
            Some(own) if alike(own, value) => {}
            own => return Some(format!("{place:?} is {own:?} instead of {value:?}")),
        }
    }
    ours.keys()
        .find(|place| !theirs.contains_key(*place))
        .map(|place| format!("{place:?} is too much"))
}

/// An error without the series that it names, of which there may be several to choose from, as there
/// may be several elements without a match.
fn gist(answer: &Value) -> String {
    let mut depth = 0;
    let text = answer["error"].as_str().unwrap_or_default();
    if text.contains("multiple matches") || text.contains("duplicate series for the match group") {
        return "matching".to_owned();
    }
    let outside = text.chars().filter(|character| {
        depth += i32::from("[{".contains(*character));
        let outside = depth == 0;
        depth -= i32::from("]}".contains(*character));
        outside
    });
    outside.collect()
}

/// Values by labels and time.
pub(super) fn samples(data: &Value) -> BTreeMap<(String, String), String> {
    let mut samples = BTreeMap::new();
    let mut add = |labels: String, pair: &Value| {
        let text = pair[1].as_str().map_or_else(|| pair[1].to_string(), str::to_owned);
        samples.insert((labels, pair[0].to_string()), text);
    };
    match data["resultType"].as_str() {
        Some("vector" | "matrix") => {
            for series in data["result"].as_array().into_iter().flatten() {
                let labels = series["metric"].to_string();
                for field in ["value", "histogram"] {
                    if series[field].is_array() {
                        add(labels.clone(), &series[field]);
                    }
                }
                for field in ["values", "histograms"] {
                    for pair in series[field].as_array().into_iter().flatten() {
                        add(labels.clone(), pair);
                    }
                }
            }
        }
        Some(_) => add(String::new(), &data["result"]),
        None => {}
    }
    samples
}

fn alike(ours: &str, theirs: &str) -> bool {
    if ours == theirs {
        return true;
    }
    match (ours.parse::<f64>(), theirs.parse::<f64>()) {
        (Ok(ours), Ok(theirs)) => (ours - theirs).abs() <= TOLERANCE * ours.abs().max(theirs.abs()),
        _ => false,
    }
}
