//! How long queries take and how much memory they need: the same data in all systems, the same
//! queries in turn, all over HTTP until the last byte of the answer. The medians count; CPU time is
//! the server's own.

use std::time::Instant;

use serde_json::Value;

use crate::{
    Options,
    history::{History, NOW_AGE},
    proc,
    report::{Measurement, Report, complain},
    rest,
    statistics::median,
    system::{Kind, System},
};

const SUITE: &str = "query";
const ROUNDS: usize = 5;
const MIB: f64 = 1_048_576.0;
/// At most so much of the faster peer's time, and of Prometheus' memory.
const SHARE: f64 = 0.5;

/// A query and when it is asked for.
struct Query {
    name: &'static str,
    text: &'static str,
    range: Option<Range>,
}

/// Of a range query, back from the newest sample.
#[derive(Clone, Copy)]
struct Range {
    hours: i64,
    step_seconds: i64,
}

const DAY: Option<Range> = Some(Range { hours: 24, step_seconds: 300 });

const QUERIES: [Query; 8] = [
    Query {
        name: "sum by (app) (rate), range of all",
        text: "sum by (app) (rate(requests_total[5m]))",
        range: DAY,
    },
    Query {
        name: "histogram_quantile by app, range of all",
        text: "histogram_quantile(0.99, sum by (app, le) (rate(latency_seconds_bucket[5m])))",
        range: DAY,
    },
    Query {
        name: "topk(5, rate), 6 h by 5 min",
        text: "topk(5, rate(requests_total[5m]))",
        range: Some(Range { hours: 6, step_seconds: 300 }),
    },
    Query {
        name: "subquery max_over_time(sum(rate)[6h:5m])",
        text: "max_over_time(sum by (app) (rate(requests_total[5m]))[6h:5m])",
        range: None,
    },
    Query {
        name: "sum(rate) of one app, 1 h by 15 s",
        text: "sum(rate(requests_total{app=\"app-7\"}[5m]))",
        range: Some(Range { hours: 1, step_seconds: 15 }),
    },
    Query {
        name: "regex over all of inventory, instant",
        text: "count by (region) (inventory{pod=~\".*-0[0-9a-f]*[05]\"})",
        range: None,
    },
    Query {
        name: "sum by (node) of a tenth of inventory, instant",
        text: "sum by (node) (inventory{slice=\"3\"})",
        range: None,
    },
    Query {
        name: "a tenth of inventory as it is, instant",
        text: "inventory{slice=\"3\"}",
        range: None,
    },
];

/// What one system did.
struct Asked {
    system: System,
    /// Seconds by query and round.
    latencies: Vec<Vec<f64>>,
    cpu: Vec<f64>,
}

pub(crate) fn run(report: &mut Report, options: Options) -> Result<(), String> {
    let history = if options.quick { History::QUICK } else { History::FULL };
    let mut systems = vec![System::ours()?];
    for kind in options.peers() {
        systems.extend(System::start(*kind)?);
    }
    // Whole seconds, as queries name them.
    let end = e2e::write::now() / 1000 * 1000 - NOW_AGE;
    history.load(&systems, end)?;
    rest::wait(&systems)?;
    let mut asked: Vec<Asked> = systems
        .into_iter()
        .map(|system| Asked {
            system,
            latencies: vec![Vec::new(); QUERIES.len()],
            cpu: vec![0.0; QUERIES.len()],
        })
        .collect();
    for one in &asked {
        proc::reset_peak(one.system.pid())?;
    }
    let ask = asker(history.hours, end);
    for (number, query) in QUERIES.iter().enumerate() {
        ask_all(&mut asked, number, query, &ask)?;
    }
    let quick = options.prefix();
    for (number, query) in QUERIES.iter().enumerate() {
        add_query(report, &format!("{quick}{}", query.name), number, &asked);
    }
    add_memory(report, quick, &asked)
}

/// One round to warm up, in which answers are compared, then those that count.
fn ask_all(
    asked: &mut [Asked],
    number: usize,
    query: &Query,
    ask: &impl Fn(&System, &Query) -> Result<String, String>,
) -> Result<(), String> {
    let mut sizes = Vec::new();
    for round in 0..=ROUNDS {
        for one in &mut *asked {
            let (cpu, begun) = (one.system.cpu()?, Instant::now());
            let answer = ask(&one.system, query)?;
            let took = begun.elapsed().as_secs_f64();
            let cpu = one.system.cpu()? - cpu;
            if round == 0 {
                sizes.push((one.system.kind.name(), elements(&answer)?));
                continue;
            }
            if let (Some(latencies), Some(sum)) =
                (one.latencies.get_mut(number), one.cpu.get_mut(number))
            {
                latencies.push(took);
                *sum += cpu;
            }
        }
    }
    // Rates are not computed alike, so that a few series may be others at the top.
    let (least, most) = (sizes.iter().map(|(_, n)| *n).min(), sizes.iter().map(|(_, n)| *n).max());
    if least.unwrap_or(0) * 10 < most.unwrap_or(0) * 9 {
        complain(&format!("{}: the answers have different sizes: {sizes:?}\n", query.name));
    }
    if sizes.first().is_some_and(|(_, size)| *size == 0) {
        return Err(format!("{}: the answer is empty", query.name));
    }
    Ok(())
}

/// Asks queries over kept connections, of which there is one to each system after the first time.
fn asker(hours: i64, end: i64) -> impl Fn(&System, &Query) -> Result<String, String> {
    let client = e2e::server::client();
    move |system, query| {
        let (path, form) = form(query, hours, end);
        let mut request = client
            .post(system.url(path))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        if system.kind == Kind::Tidewatch {
            request = request.bearer_auth(e2e::server::ACME);
        }
        let answer = request.send().map_err(|error| format!("{}: {error}", query.name))?;
        let status = answer.status();
        let text = answer.text().map_err(|error| format!("{}: {error}", query.name))?;
        if !status.is_success() {
            return Err(format!("{}: {}: {status} {text}", query.name, system.kind.name()));
        }
        Ok(text)
    }
}

/// Path and body of a query.
fn form(query: &Query, hours: i64, end: i64) -> (&'static str, String) {
    let seconds = |millis: i64| (millis / 1000).to_string();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("query", query.text);
    let Some(range) = query.range else {
        form.append_pair("time", &seconds(end));
        return ("/api/v1/query", form.finish());
    };
    form.append_pair("start", &seconds(end - range.hours.min(hours) * 3_600_000));
    form.append_pair("end", &seconds(end));
    form.append_pair("step", &range.step_seconds.to_string());
    ("/api/v1/query_range", form.finish())
}

/// Series in an answer.
fn elements(answer: &str) -> Result<usize, String> {
    let answer: Value = serde_json::from_str(answer).map_err(|error| error.to_string())?;
    answer["data"]["result"].as_array().map(Vec::len).ok_or_else(|| "no result".to_owned())
}

fn add_query(report: &mut Report, name: &str, number: usize, asked: &[Asked]) {
    let latency = |one: &Asked| one.latencies.get(number).map_or(0.0, |all| median(all) * 1e3);
    let cpu = |one: &Asked| one.cpu.get(number).map_or(0.0, |sum| sum / ROUNDS as f64 * 1e3);
    let mut add = |name: String, of: &dyn Fn(&Asked) -> f64, has_target: bool| {
        let Some((ours, others)) = asked.split_first() else { return };
        let mut peers: Vec<_> =
            others.iter().map(|one| (one.system.kind.name(), of(one))).collect();
        peers.sort_by(|a, b| a.1.total_cmp(&b.1));
        let measurement = Measurement {
            suite: SUITE,
            name,
            ours: of(ours),
            unit: "ms",
            target: peers.first().filter(|_| has_target).map(|(_, value)| value * SHARE),
            more_is_better: false,
        };
        report.beside(&measurement, &peers);
    };
    add(name.to_owned(), &latency, true);
    add(format!("{name}: CPU"), &cpu, false);
}

fn add_memory(report: &mut Report, quick: &str, asked: &[Asked]) -> Result<(), String> {
    let mut peaks = Vec::new();
    for one in asked {
        let peak = proc::peak_bytes(one.system.pid())? / MIB;
        peaks.push((one.system.kind, one.system.kind.name(), peak));
    }
    let Some(((_, _, ours), peers)) = peaks.split_first() else { return Ok(()) };
    let mut peers: Vec<_> = peers.to_vec();
    peers.sort_by_key(|(kind, ..)| *kind != Kind::Prometheus);
    let of_prometheus = peers.iter().find(|(kind, ..)| *kind == Kind::Prometheus);
    let measurement = Measurement {
        suite: SUITE,
        name: format!("{quick}peak memory of all the queries, data included"),
        ours: *ours,
        unit: "MiB",
        target: of_prometheus.map(|(_, _, peak)| peak * SHARE),
        more_is_better: false,
    };
    let peers: Vec<_> = peers.into_iter().map(|(_, name, peak)| (name, peak)).collect();
    report.beside(&measurement, &peers);
    Ok(())
}
