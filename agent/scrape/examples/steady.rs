//! How many samples a scraper takes in per second of CPU, from body to batch: the first scrape of a
//! target (all work on labels), steady ones (none), and steady ones by the plain parser of the same
//! text, which works every label out each time. Compression and network are left out.
//!
//! `cargo run --release -p scrape --example steady [-- ROUNDS]`

use std::{
    fmt::Write as _,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use model::{
    relabel::{Action, RelabelRule},
    time::Timestamp,
    write::WriteBatch,
};
use rustix::time::{ClockId, clock_gettime};
use scrape::{
    config::Settings,
    group::{ADDRESS, Group},
    labels::LabelSet,
    scraped::{Body, Scraped},
    target::{Populated, populate},
};
use wire::exposition::{Format, ParseOptions, parse};

/// Per body.
const SERIES: usize = 10_000;
/// Bodies that differ in their values only.
const BODIES: usize = 4;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let rounds: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(200);
    let bodies: Vec<String> = (0..BODIES).map(exposition).collect::<Result<_, _>>()?;
    let mut out = io::stdout();
    writeln!(out, "{SERIES} series, {} bytes a body, two rules for each series", bodies[0].len())?;
    let mut show = |what: &str, scrapes: usize, cpu: Duration| {
        let samples = (scrapes * SERIES) as f64;
        let (rate, each) = (samples / cpu.as_secs_f64() / 1e6, cpu.as_secs_f64() * 1e9 / samples);
        writeln!(out, "{what:<14} {rate:>6.2} M samples per CPU-second, {each:>6.0} ns each")
    };

    let firsts = (rounds / 20).max(1);
    let cpu = timed(|| {
        for _round in 0..firsts {
            take(&mut scraper()?, &bodies[0], 1)?;
        }
        Ok(())
    })?;
    show("first scrape", firsts, cpu)?;

    let mut scraped = scraper()?;
    for (time, body) in (1..).zip(&bodies) {
        take(&mut scraped, body, time)?;
    }
    let cpu = timed(|| {
        for (time, body) in (10..).zip(bodies.iter().cycle().take(rounds)) {
            take(&mut scraped, body, time)?;
        }
        Ok(())
    })?;
    show("steady", rounds, cpu)?;

    let cpu = timed(|| {
        for body in bodies.iter().cycle().take(rounds) {
            let mut batch = WriteBatch::default();
            let labels = [("instance", "h:1"), ("job", "j"), ("tenant", "acme")];
            let options = ParseOptions { labels: &labels, ..ParseOptions::default() };
            parse(Format::Text, body.as_bytes(), &options, &mut batch)?;
        }
        Ok(())
    })?;
    show("parser alone", rounds, cpu)?;
    Ok(())
}

/// Counters and histograms of many routes, as an app exposes them.
fn exposition(round: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for number in 0..SERIES {
        if number.is_multiple_of(100) {
            writeln!(text, "# HELP app_{}_total Things that were done.", number / 100)?;
            writeln!(text, "# TYPE app_{}_total counter", number / 100)?;
        }
        let value = (number * 7919 + round * 131) as f64 / 8.0;
        writeln!(
            text,
            "app_{}_total{{code=\"{}\",method=\"GET\",route=\"/api/v1/things/{number}\",zone=\"fra1\"}} {value}",
            number / 100,
            200 + number % 5,
        )?;
    }
    Ok(text)
}

fn scraper() -> Result<Scraped, Failure> {
    let settings = Settings {
        tenant: "acme".to_owned(),
        scrape_configs: vec![scrape::config::JobSettings {
            job_name: "j".to_owned(),
            metric_relabel_configs: vec![
                rule("__name__", "unwanted_.*", Action::Drop),
                rule("zone", "(.*)", Action::Replace),
            ],
            ..scrape::config::JobSettings::default()
        }],
        ..Settings::default()
    };
    let job = Arc::new(settings.jobs()?.remove(0));
    let own = LabelSet::from_iter([(ADDRESS, "h:1")]);
    match populate(&job, &Group::default(), &own)? {
        Populated::Target(target) => Ok(Scraped::new(job, &target, &[])),
        Populated::Dropped(_) => Err("the target was dropped".into()),
    }
}

fn rule(from: &str, regex: &str, action: Action) -> RelabelRule {
    RelabelRule {
        source_labels: vec![from.to_owned()],
        regex: Some(regex.to_owned()),
        target_label: "region".to_owned(),
        action,
        ..RelabelRule::default()
    }
}

fn take(scraped: &mut Scraped, body: &str, time: i64) -> Result<(), Failure> {
    let body = Body { content_type: Some("text/plain"), bytes: body.as_bytes() };
    let (batch, outcome) = scraped.handle_scrape(Ok(body), Timestamp(time), Duration::ZERO);
    if outcome.kept != SERIES as u64 || batch.is_empty() {
        return Err(format!("not taken whole: {outcome:?}").into());
    }
    Ok(())
}

fn timed(work: impl FnOnce() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let before = cpu();
    work()?;
    Ok(cpu().saturating_sub(before))
}

/// CPU that this process has used.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
