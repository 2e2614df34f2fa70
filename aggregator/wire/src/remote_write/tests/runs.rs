//! Tests of neighbours that have label names in common: decoded as if each stood alone.

use std::collections::BTreeSet;

use model::write::WriteBatch;
use proptest::prelude::*;

use super::{DecodeOptions, Version, decode, dump, field};
use crate::{
    decode::{DecodeStats, Partition, Refused},
    limits::Limits,
};

const SAMPLE: [u8; 2] = [0x10, 1];
/// Symbol 0 is empty, 9 is too long, 10 is not UTF-8, 11 is not there.
const SYMBOLS: [&[u8]; 11] = [
    b"",
    b"__name__",
    b"job",
    b"tenant",
    b"a",
    b"bb",
    b"ccc",
    "é".as_bytes(),
    b"x",
    &[b'v'; 20],
    b"\xff",
];

/// A batch for each tenant, none for the tenant `x`.
#[derive(Default)]
struct ByTenant(Vec<(Option<String>, WriteBatch)>);

impl Partition for ByTenant {
    fn batch(&mut self, lifted: Option<&str>) -> Result<&mut WriteBatch, Refused> {
        if lifted == Some("x") {
            return Err(Refused("not here".into()));
        }
        let at = self.0.iter().position(|(tenant, _)| tenant.as_deref() == lifted);
        let at = at.unwrap_or_else(|| {
            self.0.push((lifted.map(str::to_owned), WriteBatch::default()));
            self.0.len() - 1
        });
        Ok(&mut self.0[at].1)
    }
}

/// A request with a sample, and in 2.0 a description, for each series.
fn body(version: Version, series: &[Vec<u8>]) -> Vec<u8> {
    let described = [0x08, 2, 0x18, 4];
    match version {
        Version::V2 => {
            let symbols = SYMBOLS.iter().flat_map(|symbol| field(4, symbol));
            let series = series.iter().flat_map(|refs| {
                field(5, &[field(1, refs), field(2, &SAMPLE), field(5, &described)].concat())
            });
            symbols.chain(series).collect()
        }
        Version::V1 => {
            let symbol = |number: u8| SYMBOLS.get(usize::from(number)).copied().unwrap_or(b"\xfe");
            let labels = |refs: &[u8]| {
                let (pairs, _) = refs.as_chunks::<2>();
                let label = |pair: &[u8; 2]| {
                    field(1, &[field(1, symbol(pair[0])), field(2, symbol(pair[1]))].concat())
                };
                pairs.iter().flat_map(label).collect::<Vec<_>>()
            };
            let series = series.iter();
            series.flat_map(|refs| field(1, &[labels(refs), field(2, &SAMPLE)].concat())).collect()
        }
    }
}

/// What came out, as sorted lines: of series, and of descriptions, each once.
fn decoded(
    version: Version,
    series: &[Vec<u8>],
    options: &DecodeOptions<'_>,
) -> (Vec<String>, BTreeSet<String>, DecodeStats) {
    let mut batches = ByTenant::default();
    let stats = decode(version, &body(version, series), options, &mut batches).expect("decodes");
    let lines = batches.0.iter().flat_map(|(tenant, batch)| {
        let text = dump(batch);
        text.lines().map(|line| format!("{tenant:?} {line}")).collect::<Vec<_>>()
    });
    let (described, mut lines): (Vec<_>, Vec<_>) =
        lines.partition(|line| line.contains(": Metadata {"));
    lines.sort();
    (lines, described.into_iter().collect(), stats)
}

/// Label sets of one series: mostly the same names in the same order, with values that are mostly
/// good.
fn refs() -> impl Strategy<Value = Vec<u8>> {
    let value = || prop_oneof![8 => 4u8..9, 1 => Just(0u8), 1 => 9u8..12];
    let sorted = (value(), value(), value()).prop_map(|(a, b, c)| vec![1, a, 2, b, 3, c]);
    let turned = (value(), value(), value()).prop_map(|(a, b, c)| vec![3, a, 1, b, 2, c]);
    let short = (value(), value()).prop_map(|(a, b)| vec![1, a, 3, b]);
    let bare = value().prop_map(|a| vec![1, a]);
    let wide = Just(vec![1, 4, 2, 5, 3, 6, 5, 5]);
    prop_oneof![12 => sorted, 1 => turned, 2 => short, 1 => bare, 1 => wide]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn neighbours_do_not_matter(
        series in prop::collection::vec(refs(), 1..20),
        lift in any::<bool>(),
        second in any::<bool>(),
    ) {
        let version = if second { Version::V2 } else { Version::V1 };
        let limits = Limits { label_value_bytes: 19, labels_per_series: 3, ..Limits::default() };
        let options = DecodeOptions { lift: lift.then_some("tenant"), limits, ..DecodeOptions::default() };
        let (together, described, stats) = decoded(version, &series, &options);
        let (mut alone, mut each) = (Vec::new(), BTreeSet::new());
        let mut sum = DecodeStats::default();
        for one in &series {
            let (lines, described, stats) = decoded(version, std::slice::from_ref(one), &options);
            alone.extend(lines);
            each.extend(described);
            sum.series += stats.series;
            sum.samples += stats.samples;
            sum.skipped.merge(stats.skipped);
        }
        alone.sort();
        prop_assert_eq!(together, alone);
        prop_assert_eq!(&described, &each);
        prop_assert_eq!((stats.series, stats.samples), (sum.series, sum.samples));
        prop_assert_eq!(stats.skipped, sum.skipped);
    }
}

#[test]
fn the_limit_of_label_text_counts_every_series() {
    // Values of one, two and three bytes, taking turns.
    let series: Vec<_> = (0..12u8).map(|n| vec![1, 4 + n % 3, 2, 5]).collect();
    let all = series.len() * ("__name__".len() + 2 + "job".len() + 2);
    for version in [Version::V1, Version::V2] {
        // The descriptions of 2.0 count as well, one for each metric.
        let more = if version == Version::V2 { 2 + 3 + 4 } else { 0 };
        for (text_bytes, fits) in [(all + more, true), (all + more - 1, false)] {
            let limits = Limits { text_bytes, ..Limits::default() };
            let options = DecodeOptions { limits, ..DecodeOptions::default() };
            let body = body(version, &series);
            let result = decode(version, &body, &options, &mut WriteBatch::default());
            assert_eq!(result.is_ok(), fits, "{version} {text_bytes}");
        }
    }
}
