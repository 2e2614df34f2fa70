//! Histograms of their rows, in every order and with every fault.

use proptest::prelude::*;

use super::*;
use crate::{
    exposition::{Format, ParseError, visit_text},
    limits::Limits,
};

#[derive(Default)]
struct Log(Vec<String>);

impl Visitor for Log {
    type Error = ParseError;

    fn family(&mut self, _family: &FamilyInfo<'_>) -> Result<(), ParseError> {
        Ok(())
    }

    fn created(&mut self, _series: &Series<'_>, _start: i64) -> Result<(), ParseError> {
        Ok(())
    }

    fn reading(&mut self, reading: Reading<'_>) -> Result<(), ParseError> {
        let mut labels = reading.series.labels()?;
        labels.sort();
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let value = match reading.value {
            Value::Float(value) => value.to_string(),
            Value::Histogram(h) => {
                h.validate().expect("is valid");
                let spans: Vec<_> =
                    h.positive_spans.iter().map(|span| (span.offset, span.length)).collect();
                format!(
                    "count {} sum {} {spans:?} {:?} {:?} exemplars {}",
                    h.count,
                    h.sum,
                    h.positive_buckets,
                    h.custom_values,
                    reading.exemplars.len()
                )
            }
        };
        let time = reading.time.map_or_else(String::new, |time| format!(" @{time}"));
        self.0.push(format!("{} {value}{time}", labels.join(",")));
        Ok(())
    }
}

fn read(text: &str, keep: bool) -> (Vec<String>, u64) {
    let mut log = Log::default();
    let mut converter = Converter::new(&mut log, keep);
    let format = if text.ends_with("# EOF\n") { Format::OpenMetrics } else { Format::Text };
    visit_text(format, text.as_bytes(), &Limits::default(), &mut converter).expect("is read");
    converter.finish().expect("is taken");
    let contradictory = converter.contradictory;
    (log.0, contradictory)
}

#[test]
fn rows_become_one_histogram() {
    let text = "# TYPE h histogram\n\
        h_bucket{a=\"1\",le=\"0.5\"} 2 7\nh_bucket{a=\"1\",le=\"1\"} 2 7\nh_bucket{a=\"1\",le=\"2\"} 5 7\n\
        h_bucket{a=\"1\",le=\"+Inf\"} 6 7\nh_sum{a=\"1\"} 9.5 7\nh_count{a=\"1\"} 6 7\n\
        h_bucket{a=\"2\",le=\"+Inf\"} 1\nh_count{a=\"2\"} 1\nh_sum{a=\"2\"} 3\n\
        # TYPE g gauge\ng 1\nother_bucket{le=\"1\"} 4\n";
    let one = "__name__=h,a=1 count 6 sum 9.5 [(0, 1), (1, 2)] [2.0, 3.0, 1.0] [0.5, 1.0, 2.0] exemplars 0 @7";
    let two = "__name__=h,a=2 count 1 sum 3 [(0, 1)] [1.0] [] exemplars 0";
    let rest = ["__name__=g 1", "__name__=other_bucket,le=1 4"];
    assert_eq!(read(text, false), ([one, two, rest[0], rest[1]].map(str::to_owned).to_vec(), 0));
    let (kept, _) = read(text, true);
    assert_eq!(kept.len(), 9 + 4);
    assert_eq!([kept[5].as_str(), kept[6].as_str()], ["__name__=h_count,a=1 6 @7", one]);
}

#[test]
fn odd_rows_are_taken_for_what_they_are() {
    for (rows, expected, contradictory) in [
        // Out of order, twice, without infinity, without a count.
        (
            "h_bucket{le=\"2\"} 5\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"1\"} 3\n",
            "__name__=h count 5 sum 0 [(0, 2)] [2.0, 3.0] [1.0, 2.0] exemplars 0",
            0,
        ),
        (
            "h_bucket{le=\"1\"} 2\nh_count 5\n",
            "__name__=h count 5 sum 0 [(0, 2)] [2.0, 3.0] [1.0] exemplars 0",
            0,
        ),
        (
            "h_bucket{le=\"1\"} 2.5\nh_count 5\n",
            "__name__=h count 5 sum 0 [(0, 2)] [2.5, 2.5] [1.0] exemplars 0",
            0,
        ),
        ("h_count 3\nh_sum 4\n", "__name__=h count 3 sum 4 [(0, 1)] [3.0] [] exemplars 0", 0),
        (
            "h_bucket{le=\"-Inf\"} 1\nh_count 1\n",
            "__name__=h count 1 sum 0 [(0, 1)] [1.0] [-inf] exemplars 0",
            0,
        ),
        // Fewer than below; another count; nothing that is a number.
        ("h_bucket{le=\"1\"} 2\nh_bucket{le=\"2\"} 1\n", "", 1),
        ("h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 2\n", "", 1),
        ("h_bucket{le=\"+Inf\"} 2\nh_count 3\n", "", 1),
        ("h_bucket{le=\"1\"} NaN\n", "", 1),
        ("h_count -1\n", "", 1),
        // No rows of a histogram at all.
        ("h_bucket{le=\"x\"} 2\n", "__name__=h_bucket,le=x 2", 0),
        ("h_bucket 2\n", "__name__=h_bucket 2", 0),
        ("h 2\n", "__name__=h 2", 0),
    ] {
        let found = read(&format!("# TYPE h histogram\n{rows}"), false);
        let expected: Vec<String> =
            if expected.is_empty() { vec![] } else { vec![expected.to_owned()] };
        assert_eq!(found, (expected, contradictory), "{rows}");
    }
    for kind in ["gauge", "summary", "untyped"] {
        let rows = read(&format!("# TYPE h {kind}\nh_count 3\nh_sum 4\n"), false).0;
        assert_eq!(rows, ["__name__=h_count 3", "__name__=h_sum 4"], "{kind}");
    }
}

#[test]
fn exemplars_go_with_the_histogram() {
    let text =
        "# TYPE h histogram\nh_bucket{le=\"1.0\"} 2 # {t=\"x\"} 0.5\nh_count 2\nh_sum 1\n# EOF\n";
    let expected = "__name__=h count 2 sum 1 [(0, 1)] [2.0] [1.0] exemplars 1";
    assert_eq!(read(text, false).0, [expected]);
}

/// Rows are put in order once, when all are there: until then a row costs the same wherever it belongs.
#[test]
fn rows_stay_as_they_come_until_all_are_there() {
    let mut rows = Rows::default();
    let bounds = || (0..BUCKETS_MAX).rev().map(|bound| bound as f64);
    bounds().for_each(|bound| rows.add(Part::Bucket(bound), bound));
    assert!(rows.buckets.iter().map(|(bound, _)| *bound).eq(bounds()));
    let histogram = rows.histogram().expect("is one");
    assert_eq!((histogram.custom_values.len(), histogram.count), (BUCKETS_MAX, 9_999.0));
    let mut rows = Rows::default();
    (0..=BUCKETS_MAX).for_each(|bound| rows.add(Part::Bucket(bound as f64), 1.0));
    assert!(rows.histogram().is_none(), "too many");
}

proptest! {
    /// Whatever stands in the rows, what comes out is valid.
    #[test]
    fn any_rows_are_read(
        rows in prop::collection::vec((0usize..4, -3i32..6, -2i32..9), 0..30),
        keep in any::<bool>(),
    ) {
        let rows = rows.iter().map(|(kind, bound, count)| match kind {
            0 => format!("h_sum {count}\n"),
            1 => format!("h_count {count}\n"),
            _ => format!("h_bucket{{le=\"{bound}\"}} {count}\n"),
        });
        let text: String = rows.collect();
        let lines = text.lines().count();
        let (shown, contradictory) = read(&format!("# TYPE h histogram\n{text}"), keep);
        let kept = if keep { lines } else { 0 };
        let histograms = usize::from(lines > 0);
        prop_assert_eq!(shown.len() + contradictory as usize, kept + histograms);
    }
}
