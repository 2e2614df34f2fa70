//! Tests of neighbours that have label names in common: decoded as if each stood alone.

use proptest::prelude::*;

use super::{DecodeOptions, Version, decode, dump, field};
use crate::{
    decode::{DecodeStats, Partition, Refused},
    limits::Limits,
};
use model::write::WriteBatch;

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

fn decoded(series: &[Vec<u8>], options: &DecodeOptions<'_>) -> (Vec<String>, DecodeStats) {
    let symbols = SYMBOLS.iter().flat_map(|symbol| field(4, symbol));
    let series =
        series.iter().flat_map(|refs| field(5, &[field(1, refs), field(2, &SAMPLE)].concat()));
    let body: Vec<u8> = symbols.chain(series).collect();
    let mut batches = ByTenant::default();
    let stats = decode(Version::V2, &body, options, &mut batches).expect("decodes");
    let mut lines: Vec<_> = batches
        .0
        .iter()
        .map(|(tenant, batch)| {
            dump(batch).lines().map(|line| format!("{tenant:?} {line}")).collect::<Vec<_>>()
        })
        .collect::<Vec<_>>()
        .concat();
    lines.sort();
    (lines, stats)
}

/// Label sets of one series: mostly the same names in the same order, with values that are mostly
/// good.
fn refs() -> impl Strategy<Value = Vec<u8>> {
    let value = || prop_oneof![8 => 4u8..9, 1 => Just(0u8), 1 => 9u8..12];
    let sorted = (value(), value(), value()).prop_map(|(a, b, c)| vec![1, a, 2, b, 3, c]);
    let turned = (value(), value(), value()).prop_map(|(a, b, c)| vec![3, a, 1, b, 2, c]);
    let short = (value(), value()).prop_map(|(a, b)| vec![1, a, 3, b]);
    let bare = value().prop_map(|a| vec![1, a]);
    prop_oneof![8 => sorted, 1 => turned, 2 => short, 1 => bare]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn neighbours_do_not_matter(series in prop::collection::vec(refs(), 1..20), lift in any::<bool>()) {
        let limits = Limits { label_value_bytes: 19, ..Limits::default() };
        let options = DecodeOptions { lift: lift.then_some("tenant"), limits };
        let (together, stats) = decoded(&series, &options);
        let mut alone = Vec::new();
        let mut sum = DecodeStats::default();
        for one in &series {
            let (lines, stats) = decoded(std::slice::from_ref(one), &options);
            alone.extend(lines);
            sum.series += stats.series;
            sum.samples += stats.samples;
            sum.skipped.merge(stats.skipped);
        }
        alone.sort();
        prop_assert_eq!(together, alone);
        prop_assert_eq!(stats, sum);
    }
}

#[test]
fn the_limit_of_label_text_counts_every_series() {
    let series = vec![vec![1, 4, 2, 5]; 10];
    let each = "__name__".len() + 1 + "job".len() + 2;
    for (text_bytes, fits) in [(each * 10, true), (each * 10 - 1, false)] {
        let limits = Limits { text_bytes, ..Limits::default() };
        let options = DecodeOptions { limits, ..DecodeOptions::default() };
        let symbols = SYMBOLS.iter().flat_map(|symbol| field(4, symbol));
        let all = series.iter().flat_map(|r| field(5, &[field(1, r), field(2, &SAMPLE)].concat()));
        let body: Vec<u8> = symbols.chain(all).collect();
        let result = decode(Version::V2, &body, &options, &mut WriteBatch::default());
        assert_eq!(result.is_ok(), fits, "{text_bytes}");
    }
}
