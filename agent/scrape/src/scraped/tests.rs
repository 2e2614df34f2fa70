//! Scrapes one after another, and what is stored of them.

use model::columns::is_stale;
use proptest::prelude::*;

use super::*;
use crate::{
    group::{ADDRESS, Group},
    labels::LabelSet,
    target::{Populated, populate, tests::job},
};

const REPORTS: usize = 5;

fn scraped(text: &str) -> Scraped {
    let job = Arc::new(job(text));
    let own = LabelSet::from_iter([(ADDRESS, "h:1")]);
    let Ok(Populated::Target(target)) = populate(&job, &Group::default(), &own) else {
        panic!("is a target")
    };
    Scraped::new(job, &target, &[("node".to_owned(), "n1".to_owned())])
}

/// `labels value @time` of all samples but the report's; labels without those of the target.
fn lines(batch: &WriteBatch) -> Vec<String> {
    let mut lines = Vec::new();
    for series in batch.series().take(batch.series_count() - REPORTS) {
        let labels = Labels::from_bytes(series.labels).expect("is a set");
        let labels = labels.filter(|name| !["job", "instance", "tenant", "node"].contains(&name));
        for sample in series.samples {
            let value =
                if is_stale(sample.value) { "stale".into() } else { sample.value.to_string() };
            let start =
                if sample.start == 0 { String::new() } else { format!(" since {}", sample.start) };
            lines.push(format!("{labels} {value} @{}{start}", sample.time));
        }
        for sample in series.histograms {
            lines.push(format!("{labels} histogram {} @{}", sample.value.count, sample.time));
        }
    }
    lines
}

fn text(text: &str) -> Result<Body<'_>, ScrapeError> {
    Ok(Body { content_type: Some("text/plain"), bytes: text.as_bytes() })
}

fn scrape(scraped: &mut Scraped, time: i64, body: &str) -> (Vec<String>, Outcome) {
    let (batch, outcome) =
        scraped.handle_scrape(text(body), Timestamp(time), Duration::from_millis(5));
    (lines(&batch), outcome)
}

#[test]
fn every_series_has_the_labels_of_its_target() {
    let mut scraped = scraped("");
    let body = "a{x=\"1\",job=\"mine\",tenant=\"globex\",node=\"theirs\"} 1\n";
    let (batch, outcome) =
        scraped.handle_scrape(text(body), Timestamp(7), Duration::from_millis(250));
    let shown: Vec<String> = batch
        .series()
        .map(|series| {
            let labels = Labels::from_bytes(series.labels).expect("is a set");
            format!("{labels} {}", series.samples[0].value)
        })
        .collect();
    let target = "instance=\"h:1\", job=\"j\", node=\"n1\", tenant=\"acme\"}";
    assert_eq!(
        shown,
        [
            "a{exported_job=\"mine\", exported_tenant=\"globex\", instance=\"h:1\", job=\"j\", node=\"theirs\", tenant=\"acme\", x=\"1\"} 1".to_owned(),
            format!("up{{{target} 1"),
            format!("scrape_duration_seconds{{{target} 0.25"),
            format!("scrape_samples_scraped{{{target} 1"),
            format!("scrape_samples_post_metric_relabeling{{{target} 1"),
            format!("scrape_series_added{{{target} 1"),
        ]
    );
    assert_eq!((outcome.scraped, outcome.kept, outcome.added, outcome.error), (1, 1, 1, None));
}

#[test]
fn honored_labels_win_but_never_the_tenant() {
    let mut scraped = scraped("honor_labels = true");
    let body = "a{job=\"mine\",instance=\"\",tenant=\"globex\"} 1\n";
    let (batch, _outcome) = scraped.handle_scrape(text(body), Timestamp(7), Duration::ZERO);
    let first = batch.series().next().expect("is there");
    let labels = Labels::from_bytes(first.labels).expect("is a set").to_string();
    assert_eq!(labels, "a{job=\"mine\", node=\"n1\", tenant=\"acme\"}");
}

#[test]
fn series_that_vanish_are_marked_stale_once() {
    let mut scraped = scraped("");
    assert_eq!(scrape(&mut scraped, 1, "a 1\nb 2\n").0, ["a 1 @1", "b 2 @1"]);
    let (stored, outcome) = scrape(&mut scraped, 2, "b 3\n");
    assert_eq!((stored, outcome.stale), (vec!["b 3 @2".into(), "a stale @2".into()], 1));
    assert_eq!(scrape(&mut scraped, 3, "b 3\n").0, ["b 3 @3"]);
    let (stored, outcome) = scrape(&mut scraped, 4, "b 3\na 1\n");
    assert_eq!((stored.len(), outcome.added), (2, 1), "a came back");
}

#[test]
fn a_failed_scrape_marks_everything_stale() {
    for (name, rules, bad) in [
        ("parse error", "", "a 5\n}{\n"),
        ("too many samples", "sample_limit = 2", "a 5\nb 6\nc 7\n"),
        ("too many labels", "label_limit = 6", "a 5\nb{x=\"1\",y=\"2\"} 7\n"),
        ("long name", "label_name_length_limit = 9", "a 5\nb{xxxxxxxxxx=\"1\"} 7\n"),
        ("long value", "label_value_length_limit = 4", "a 5\nb{x=\"12345\"} 7\n"),
        ("double label", "", "a 5\nb{x=\"1\",x=\"2\"} 7\n"),
    ] {
        let mut scraped = scraped(rules);
        assert_eq!(scrape(&mut scraped, 1, "a 1\nb 2\n").1.error, None, "{name}");
        let (stored, outcome) = scrape(&mut scraped, 2, bad);
        assert!(outcome.error.is_some(), "{name}");
        assert_eq!(stored, ["a stale @2", "b stale @2"], "{name}");
        assert_eq!(outcome.stale, 2);
        let (stored, outcome) = scrape(&mut scraped, 3, bad);
        assert_eq!((stored.len(), outcome.stale), (0, 0), "{name}: only once");
        let (stored, outcome) = scrape(&mut scraped, 4, "a 1\nb 2\n");
        assert_eq!((stored.len(), outcome.stale, outcome.added), (2, 0, 0), "{name}");
    }
    let mut scraped = scraped("");
    scrape(&mut scraped, 1, "a 1\n");
    let failed = Err(ScrapeError::Fetch("refused".to_owned()));
    let (batch, outcome) = scraped.handle_scrape(failed, Timestamp(2), Duration::ZERO);
    assert_eq!((lines(&batch), outcome.scraped), (vec!["a stale @2".to_owned()], 0));
    let up = batch.series().nth(1).expect("is the first of the report");
    assert_eq!(up.samples[0].value, 0.0);
}

#[test]
fn counts_go_on_beyond_the_limit() {
    let mut scraped = scraped(
        "sample_limit = 1\nmetric_relabel_configs = [{ source_labels = ['__name__'], regex = 'd', action = 'drop' }]",
    );
    let (stored, outcome) = scrape(&mut scraped, 1, "a 1\nb 1\nc 1\nd 1\n");
    assert_eq!((stored.len(), outcome.scraped, outcome.kept, outcome.added), (0, 4, 4, 1));
    assert_eq!(outcome.error, Some(ScrapeError::SampleLimit { limit: 1 }));
    assert_eq!(scrape(&mut scraped, 2, "d 1\na 1\n").1.error, None, "d is known to be dropped");
    let counts = scrape(&mut scraped, 3, "a 1\nb 1\nc 1\nd 1\n").1;
    assert_eq!((counts.scraped, counts.kept), (4, 3));
}

#[test]
fn a_target_beyond_its_limit_does_not_fill_the_memory() {
    const SERIES: usize = 500;
    let mut scraped = scraped("sample_limit = 10");
    let mut most = 0;
    for time in 1..200 {
        let rows = (0..SERIES).map(|row| format!("m{{at=\"{time}\",row=\"{row}\"}} 1\n"));
        let (stored, outcome) = scrape(&mut scraped, time, &rows.collect::<String>());
        assert_eq!((stored.len(), outcome.scraped, outcome.kept), (0, 500, 500));
        most = most.max(scraped.seen.set_count()).max(scraped.seen.row_count());
    }
    assert!(most <= 1100, "{most} sets or rows");
}

/// Each scrape ends at the limit's first sample, which has a set and never a row.
#[test]
fn sets_without_rows_are_forgotten() {
    for body in ["keep 1\nm{at=\"TIME\"} 1\n", "keep 1\nkeep{} 1\nm{at=\"TIME\"} 1\n"] {
        let mut scraped = scraped("sample_limit = 1");
        let mut most = 0;
        for time in 1..4000 {
            let body = body.replace("TIME", &time.to_string());
            assert!(scrape(&mut scraped, time, &body).1.error.is_some());
            most = most.max(scraped.seen.set_count());
        }
        assert!(most <= 1100, "{most} sets");
    }
}

#[test]
fn explicit_times_are_kept_and_not_marked_stale() {
    let mut own = scraped("");
    assert_eq!(scrape(&mut own, 10, "a 1 4\nb 2\na 3 5\n").0, ["a 1 @4", "b 2 @10", "a 3 @5"]);
    assert_eq!(scrape(&mut own, 20, "").0, ["b stale @20"]);
    let mut ignored = scraped("honor_timestamps = false");
    assert_eq!(scrape(&mut ignored, 10, "a 1 4\n").0, ["a 1 @10"]);
    assert_eq!(scrape(&mut ignored, 20, "").0, ["a stale @20"]);
    let mut tracked = scraped("track_timestamps_staleness = true");
    scrape(&mut tracked, 10, "a 1 4\n");
    assert_eq!(scrape(&mut tracked, 20, "").0, ["a stale @20"]);
}

#[test]
fn two_ways_to_write_a_series_are_one_series() {
    let mut scraped = scraped("");
    let (stored, outcome) = scrape(&mut scraped, 1, "a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 5\n");
    assert_eq!((stored.len(), outcome.kept, outcome.duplicates), (1, 2, 1));
    let (stored, outcome) = scrape(&mut scraped, 2, "a{y=\"2\",x=\"1\"} 6\n");
    assert_eq!((stored, outcome.stale), (vec!["a{x=\"1\", y=\"2\"} 6 @2".to_owned()], 0));
}

#[test]
fn the_end_marks_what_the_last_scrape_had_and_the_report() {
    let mut scraped = scraped("");
    let mut batch = WriteBatch::default();
    assert_eq!(scraped.handle_end(Timestamp(1), &mut batch), 0, "never scraped, nothing to mark");
    assert!(batch.is_empty());
    scrape(&mut scraped, 1, "a 1\nb 2 1\n");
    assert_eq!(scraped.handle_end(Timestamp(2), &mut batch), 1);
    assert_eq!(lines(&batch), ["a stale @2"]);
    assert_eq!(batch.series_count(), 1 + REPORTS);
    assert!(batch.series().all(|series| is_stale(series.samples[0].value)));
}

#[test]
fn a_target_that_comes_back_is_not_marked() {
    let mut earlier = scraped("");
    scrape(&mut earlier, 1, "a 1\nb 2\n");
    let mut later = scraped("");
    later.take_over(earlier);
    assert_eq!(scrape(&mut later, 2, "b 3\n").0, ["b 3 @2", "a stale @2"]);
}

#[test]
fn starts_reach_the_samples_of_their_group() {
    let mut scraped = scraped("");
    let body = |start: &str| {
        format!(
            "# TYPE a counter\na_total{{x=\"1\"}} 3\na_created{{x=\"1\"}} {start}\na_total{{x=\"2\"}} 4\n# EOF\n"
        )
    };
    for (time, start) in [(1, "2.5"), (2, "2.5"), (3, "7")] {
        let body = body(start);
        let answer =
            Body { content_type: Some("application/openmetrics-text"), bytes: body.as_bytes() };
        let (batch, outcome) = scraped.handle_scrape(Ok(answer), Timestamp(time), Duration::ZERO);
        let millis = if start == "7" { 7000 } else { 2500 };
        let expected = [
            format!("a_total{{x=\"1\"}} 3 @{time} since {millis}"),
            format!("a_total{{x=\"2\"}} 4 @{time}"),
        ];
        assert_eq!((lines(&batch), outcome.scraped), (expected.to_vec(), 2));
    }
    assert_eq!(scraped.metadata().count(), 1);
}

#[test]
fn classic_histograms_become_native_ones_where_that_is_asked_for() {
    let body = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_count 3\nh_sum 4\na 1\n";
    for (lines, histograms, rows) in [
        ("", 0, 3),
        ("convert_classic_histograms_to_nhcb = true", 1, 0),
        (
            "convert_classic_histograms_to_nhcb = true\nalways_scrape_classic_histograms = true",
            1,
            3,
        ),
    ] {
        let mut scraped = scraped(lines);
        for time in 1..3 {
            let (stored, outcome) = scrape(&mut scraped, time, body);
            let converted = format!("h histogram 3 @{time}");
            assert_eq!(stored.iter().filter(|line| **line == converted).count(), histograms);
            assert_eq!(stored.len(), histograms + rows + 1, "{stored:?}");
            assert_eq!(
                (outcome.added, outcome.contradictory),
                ((stored.len() as u64) * u64::from(time == 1), 0)
            );
        }
        let (stored, outcome) = scrape(&mut scraped, 3, "a 1\n");
        assert_eq!(
            (stored.len(), outcome.stale),
            (1 + histograms + rows, (histograms + rows) as u64)
        );
    }
    let mut scraped = scraped("convert_classic_histograms_to_nhcb = true");
    let (stored, outcome) =
        scrape(&mut scraped, 1, "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_count 3\n");
    assert_eq!((stored.len(), outcome.contradictory, outcome.error), (0, 1, None));
}

#[test]
fn names_beyond_those_of_old_can_be_refused() {
    let body = "{\"a.b\"} 1\n";
    assert_eq!(scrape(&mut scraped(""), 1, body).1.error, None);
    for (body, name) in [(body, "a.b"), ("a{\"x.y\"=\"1\"} 1\n", "x.y")] {
        let legacy = "metric_name_validation_scheme = 'legacy'";
        let (stored, outcome) = scrape(&mut scraped(legacy), 1, body);
        assert_eq!((stored.len(), outcome.error), (0, Some(ScrapeError::Name(name.to_owned()))));
    }
}

#[test]
fn an_answer_of_no_known_format_is_refused() {
    let body = Body { content_type: Some("text/html"), bytes: b"<html>" };
    let (_batch, outcome) = scraped("").handle_scrape(Ok(body), Timestamp(1), Duration::ZERO);
    assert_eq!(outcome.error, Some(ScrapeError::ContentType("text/html".to_owned())));
}

/// What staleness is by definition, kept without any cache.
#[derive(Default)]
struct Plain {
    before: std::collections::BTreeSet<String>,
}

proptest! {
    /// Any row of scrapes, good and bad, of a few series written in several ways.
    #[test]
    fn staleness_is_what_a_plain_model_says(
        scrapes in prop::collection::vec((prop::collection::vec((0usize..40, any::<bool>()), 0..30), 0u8..4), 1..20),
    ) {
        let mut scraped = scraped("");
        let mut plain = Plain::default();
        for (time, (series, fate)) in (1..).zip(scrapes) {
            let rows: Vec<String> = series
                .iter()
                .map(|(number, braces)| format!("m{number}{} {number}\n", if *braces { "{}" } else { "" }))
                .collect();
            let bad = fate == 0;
            let body = rows.concat() + if bad { "}\n" } else { "" };
            let (stored, outcome) = scrape(&mut scraped, time, &body);
            prop_assert_eq!(outcome.error.is_some(), bad);
            let now: std::collections::BTreeSet<String> = if bad {
                std::collections::BTreeSet::new()
            } else {
                series.iter().map(|(number, _)| format!("m{number}")).collect()
            };
            let mut expected: Vec<String> = now
                .iter()
                .map(|name| format!("{name} {} @{time}", name.trim_start_matches('m')))
                .collect();
            expected.extend(plain.before.difference(&now).map(|name| format!("{name} stale @{time}")));
            let mut stored = stored;
            stored.sort();
            expected.sort();
            prop_assert_eq!(stored, expected);
            plain.before = now;
        }
    }

    #[test]
    fn any_answer_is_stored_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0usize..3) {
        let kinds = ["text/plain", "application/openmetrics-text", "application/vnd.google.protobuf"];
        let mut scraped = scraped("scrape_native_histograms = true");
        let body = Body { content_type: Some(kinds[kind]), bytes: &bytes };
        drop(scraped.handle_scrape(Ok(body), Timestamp(1), Duration::ZERO));
    }
}
