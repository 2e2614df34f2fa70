//! What a scraper is told, in both text formats; it agrees with what [`parse`] stores.

use model::write::WriteBatch;
use proptest::prelude::*;

use super::*;
use crate::exposition::{Histograms, ParseOptions, parse, visit_protobuf};

/// Writes down everything it is told.
#[derive(Debug, Default)]
pub(in super::super) struct Notes {
    pub(in super::super) lines: Vec<String>,
}

impl Visitor for Notes {
    type Error = ParseError;

    fn family(&mut self, family: &FamilyInfo<'_>) -> Result<(), ParseError> {
        let FamilyInfo { name, kind, help, unit } = family;
        self.lines.push(format!("family {name} {kind:?} {help:?} {unit:?}"));
        Ok(())
    }

    fn created(&mut self, series: &Series<'_>, start: i64) -> Result<(), ParseError> {
        self.lines.push(format!("created {} {start}", series.group()?.expect("has a group")));
        Ok(())
    }

    fn reading(&mut self, reading: Reading<'_>) -> Result<(), ParseError> {
        let labels = Labels::new(reading.series.labels()?);
        let labels = labels.map_or_else(|error| error.to_string(), |labels| labels.to_string());
        let value = match &reading.value {
            Value::Float(value) => value.to_string(),
            Value::Histogram(histogram) => format!("{histogram:?}"),
        };
        let (time, start) = (reading.time, reading.start);
        let mut line = format!("{labels} {value}");
        if let Some(time) = time {
            line.push_str(&format!(" @{time}"));
        }
        if start != 0 {
            line.push_str(&format!(" since {start}"));
        }
        for exemplar in &reading.exemplars {
            let FoundExemplar { labels, value, time } = exemplar;
            line.push_str(&format!(" # {labels} {value} {time:?}"));
        }
        self.lines.push(line);
        Ok(())
    }
}

fn notes(format: Format, text: &str) -> Result<Vec<String>, ParseError> {
    let mut notes = Notes::default();
    visit_text(format, text.as_bytes(), &Limits::default(), &mut notes)?;
    Ok(notes.lines)
}

#[test]
fn text_is_told_line_by_line() {
    let text = "# HELP a Help \\\\ me.\n# TYPE a counter\na{x=\"1}\\\"\"} 1 5\n\na 2\n# TYPE h histogram\nh_bucket{le=\"1\"} 3\n {\"b.c\", y=\"z\"} NaN\n";
    assert_eq!(
        notes(Format::Text, text).expect("is valid"),
        [
            "a{x=\"1}\\\"\"} 1 @5",
            "a 2",
            "family a Counter \"Help \\\\ me.\" \"\"",
            "h_bucket{le=\"1.0\"} 3",
            "{\"b.c\", y=\"z\"} NaN",
            "family h Histogram \"\" \"\"",
        ]
    );
}

#[test]
fn starts_come_first_and_name_their_group() {
    let text = "# TYPE a counter\na_total{x=\"1\"} 1 # {id=\"7\"} 0.5 1.5\na_created{x=\"1\"} 12.5\n# EOF\n";
    let told = notes(Format::OpenMetrics, text).expect("is valid");
    assert_eq!(told[0], "created 1:a1:x1:1 12500");
    assert_eq!(told[1], "a_total{x=\"1\"} 1 # {id=\"7\"} 0.5 Some(1500)");
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn a_series_has_the_same_key_each_time_and_no_other_has() {
    #[derive(Default)]
    struct Keys(Vec<Vec<u8>>);
    impl Visitor for Keys {
        type Error = ParseError;
        fn family(&mut self, _family: &FamilyInfo<'_>) -> Result<(), ParseError> {
            Ok(())
        }
        fn created(&mut self, _series: &Series<'_>, _start: i64) -> Result<(), ParseError> {
            Ok(())
        }
        fn reading(&mut self, reading: Reading<'_>) -> Result<(), ParseError> {
            self.0.push(reading.series.key().to_vec());
            Ok(())
        }
    }
    let mut keys = Keys::default();
    let text = "a 1\na 2 3\na{} 1\na{b=\"c d\"} 1\na {b=\"c d\"} 7 8\n";
    visit_text(Format::Text, text.as_bytes(), &Limits::default(), &mut keys).expect("is valid");
    let keys: Vec<String> =
        keys.0.iter().map(|key| String::from_utf8_lossy(key).into_owned()).collect();
    assert_eq!(keys, ["a", "a", "a{}", "a{b=\"c d\"}", "a {b=\"c d\"}"]);
}

#[test]
fn faults_are_told_with_their_line() {
    for (format, text, message) in [
        (Format::Text, "a 1\nb\n", "line 2: expected a metric name and a value"),
        (Format::Text, "a{b=\"c\" 1\n", "line 1: expected a metric name and a value"),
        (Format::Text, "a x\n", "line 1: \"x\" is not a number"),
        (Format::Text, "a{b} 1\n", "line 1: expected '=' after label name \"b\""),
        (Format::Text, "# TYPE a wrong\n", "line 1: \"wrong\" is not a metric type"),
        (Format::OpenMetrics, "a 1\n", "the last line is not '# EOF'"),
        (Format::OpenMetrics, "# EOF\na 1\n", "line 2: expected nothing after '# EOF'"),
    ] {
        assert_eq!(notes(format, text).expect_err("is refused").to_string(), message, "{text}");
    }
}

#[test]
fn samples_and_labels_are_limited() {
    let limits = Limits { samples: 2, labels_per_series: 2, ..Limits::default() };
    let mut seen = Notes::default();
    let told = visit_text(Format::Text, b"a 1\na 2\na 3\n", &limits, &mut seen);
    assert_eq!(
        told.expect_err("is too much").to_string(),
        "the body exceeds the limit of 2 samples"
    );
    let told = visit_text(Format::Text, b"a{b=\"1\",c=\"2\"} 1\n", &limits, &mut seen);
    assert!(told.is_err(), "the metric name is a label too");
}

/// The lines of a batch that [`parse`] fills, as [`Notes`] has them.
fn stored(format: Format, text: &[u8]) -> Option<Vec<String>> {
    let mut batch = WriteBatch::default();
    let stats = parse(format, text, &ParseOptions::default(), &mut batch).ok()?;
    let lines = batch.series().map(|series| {
        let labels = Labels::from_bytes(series.labels).expect("is a set");
        format!("{labels} {}", series.samples[0].value)
    });
    stats.skipped.is_empty().then(|| lines.collect())
}

fn expositions() -> impl Strategy<Value = String> {
    let name = "[a-c]{1,2}(_total|_bucket|_created)?";
    let label = ("[x-z]{1,2}", "[ a\"\\\\}{,=#é]{0,4}").prop_map(|(name, value)| {
        format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
    });
    let labels = prop::collection::vec(label, 0..3);
    let sample =
        (name, labels, any::<i32>(), any::<bool>()).prop_map(|(name, labels, value, blank)| {
            let blank = if blank { " " } else { "" };
            format!("{name}{blank}{{{}}} {value}\n", labels.join(","))
        });
    let comment = (name, "(counter|histogram|gauge)")
        .prop_map(|(name, kind)| format!("# TYPE {name} {kind}\n"));
    prop::collection::vec(prop_oneof![3 => sample, 1 => comment], 0..12)
        .prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn both_readers_agree(text in expositions()) {
        let told = notes(Format::Text, &text);
        if let Some(stored) = stored(Format::Text, text.as_bytes()) {
            let mut told = told.expect("what is stored can be told");
            told.retain(|line| !line.starts_with("family "));
            prop_assert_eq!(told, stored);
        }
    }

    #[test]
    fn any_bytes_are_told_or_refused(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        text in expositions(),
        at in 0usize..400,
        byte in any::<u8>(),
    ) {
        let mut bent = text.into_bytes();
        if let Some(place) = bent.get_mut(at) {
            *place = byte;
        }
        for format in [Format::Text, Format::OpenMetrics] {
            for bytes in [&noise, &bent] {
                drop(visit_text(format, bytes, &Limits::default(), &mut Notes::default()));
            }
        }
        for bytes in [&noise, &bent] {
            let wanted = Histograms { native: true, classic: true };
            drop(visit_protobuf(bytes, wanted, &Limits::default(), &mut Notes::default()));
        }
    }
}
