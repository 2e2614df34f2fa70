//! Tests of selection against matching each label set.

use model::{
    labels::Labels,
    matcher::{MatchOp, Matcher},
};
use proptest::prelude::*;

use super::{Condition, Shape, resolve, shape};
use crate::{bounds::Bounds, hash::HashKey, head::index::Index};

#[test]
fn regular_expressions_give_away_what_they_match() {
    let literals =
        |texts: &[&str]| Shape::Literals(texts.iter().map(|t| (*t).to_owned()).collect());
    let prefix = |text: &str| Shape::Prefix(text.to_owned());
    let cases = [
        (".*", Shape::Anything),
        (".+", Shape::Something),
        ("", literals(&[""])),
        ("a", literals(&["a"])),
        ("b|a|b", literals(&["a", "b"])),
        ("web-[0-2]", literals(&["web-0", "web-1", "web-2"])),
        ("ab?c", literals(&["abc", "ac"])),
        ("(?i)ab", literals(&["AB", "Ab", "aB", "ab"])),
        ("a|", literals(&["", "a"])),
        ("web-.*", prefix("web-")),
        ("web-.+-x", prefix("web-")),
        ("web-(a.*|ab.*)", prefix("web-a")),
        ("é.*|è.*", prefix("")),
        ("5..", prefix("5")),
        (r"\bab", prefix("")),
        ("^ab$", prefix("")),
        (".*x", prefix("")),
        ("(", prefix("")),
    ];
    for (pattern, expected) in cases {
        assert_eq!(shape(pattern), expected, "{pattern}");
    }
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let name = prop_oneof![Just("__name__"), Just("a"), Just("b"), Just("c")];
    let op = prop_oneof![
        Just(MatchOp::Equal),
        Just(MatchOp::NotEqual),
        Just(MatchOp::Regex),
        Just(MatchOp::NotRegex)
    ];
    let value = prop_oneof![
        Just("x"),
        Just("y"),
        Just("xy"),
        Just(""),
        Just(".*"),
        Just(".+"),
        Just("x|y"),
        Just("x.*"),
        Just("x?"),
        Just("(x|)y*"),
        Just("[xy]+"),
        Just(".*y"),
        Just("x|"),
        Just("m1|m2"),
        Just("z{0}")
    ];
    (name, op, value).prop_map(|(name, op, value)| Matcher::new(name, op, value).unwrap())
}

/// Few series of many values are asked one by one; the outcome is the same.
#[test]
fn few_series_of_many_values_are_found() {
    let mut index = Index::new(HashKey::new([1, 2]));
    let mut series = Vec::new();
    for number in 0..6000 {
        let (pod, metric) = (format!("pod-{}", number % 200), format!("m{}", number / 200));
        let pod = if number % 7 == 0 { String::new() } else { pod };
        let labels = Labels::new([("__name__", &metric), ("pod", &pod)]).unwrap();
        index.add(labels.iter()).unwrap();
        series.push(labels);
    }
    for (op, pattern) in [
        (MatchOp::Regex, ".*7"),
        (MatchOp::NotRegex, ".*7"),
        (MatchOp::Regex, "pod-1.*|"),
        (MatchOp::NotRegex, ".*3|"),
        (MatchOp::Regex, "(pod-1.)?"),
        (MatchOp::NotRegex, "pod-.*"),
    ] {
        let matchers = [Matcher::metric("m1"), Matcher::new("pod", op, pattern).unwrap()];
        let conditions: Vec<Condition> = matchers.iter().map(Condition::new).collect();
        let found: Vec<u32> = resolve(&conditions, &index, &Bounds::NONE).unwrap().iter().collect();
        let matching = |labels: &Labels| matchers.iter().all(|m| m.matches_labels(labels));
        let expected: Vec<u32> =
            (0u32..).zip(&series).filter(|(_, l)| matching(l)).map(|(number, _)| number).collect();
        assert_eq!(found, expected, "{pattern}");
    }
}

/// What is remembered of a pattern grows with the index, and is forgotten when series go.
#[test]
fn what_is_remembered_follows_the_series() {
    let mut index = Index::new(HashKey::new([1, 2]));
    let mut series: Vec<Option<Labels>> = Vec::new();
    let patterns = [".*7", "pod-1.*|.*3", "(pod-1.)?", ".*[0-8]"];
    for round in 0..12u32 {
        for number in 0..if round % 2 == 0 { 150 } else { 4 } {
            // Old values and new ones.
            let pod = format!("pod-{}", (number * 7 + round as usize * 40) % 700);
            let metric = format!("m{}", series.len());
            let labels = Labels::new([("__name__", metric), ("pod", pod)]).unwrap();
            index.add(labels.iter()).unwrap();
            series.push(Some(labels));
        }
        if round % 3 == 2 {
            let removed = (0..series.len() as u32).filter(|number| number % 11 == round);
            let removed: roaring::RoaringBitmap = removed.collect();
            index.remove(&removed);
            removed.into_iter().for_each(|number| series[number as usize] = None);
        }
        for pattern in patterns {
            for op in [MatchOp::Regex, MatchOp::NotRegex] {
                let few = Matcher::new("__name__", MatchOp::Regex, "m1|m11|m111").unwrap();
                let pod = Matcher::new("pod", op, pattern).unwrap();
                for matchers in [vec![pod.clone()], vec![few, pod]] {
                    let conditions: Vec<Condition> = matchers.iter().map(Condition::new).collect();
                    let found: Vec<u32> =
                        resolve(&conditions, &index, &Bounds::NONE).unwrap().iter().collect();
                    let matching =
                        |labels: &Labels| matchers.iter().all(|m| m.matches_labels(labels));
                    let expected = (0u32..).zip(&series).filter_map(|(number, labels)| {
                        labels.as_ref().is_some_and(matching).then_some(number)
                    });
                    assert_eq!(found, expected.collect::<Vec<_>>(), "{pattern} {round}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn the_series_found_are_those_that_match(
        sets in proptest::collection::btree_set((0usize..3, 0usize..5, 0usize..5, 0usize..5), 0..60),
        matchers in proptest::collection::vec(matcher(), 0..4),
        removed in proptest::collection::vec(0u32..60, 0..20),
    ) {
        let values = ["", "x", "y", "xy", "yx"];
        let mut index = Index::new(HashKey::new([1, 2]));
        let mut series: Vec<Option<Labels>> = Vec::new();
        for (metric, a, b, c) in sets {
            let metric = ["m0", "m1", "m2"][metric];
            let pairs = [("__name__", metric), ("a", values[a]), ("b", values[b]), ("c", values[c])];
            let labels = Labels::new(pairs).unwrap();
            let number = index.add(labels.iter()).unwrap();
            prop_assert_eq!(number as usize, series.len());
            series.push(Some(labels));
        }
        let removed = removed.into_iter().collect();
        index.remove(&removed);
        for number in removed {
            if let Some(labels) = series.get_mut(number as usize) {
                *labels = None;
            }
        }
        let conditions: Vec<Condition> = matchers.iter().map(Condition::new).collect();
        let found: Vec<u32> = resolve(&conditions, &index, &Bounds::NONE).unwrap().iter().collect();
        let expected: Vec<u32> = (0u32..)
            .zip(&series)
            .filter(|(_, labels)| {
                labels.as_ref().is_some_and(|l| matchers.iter().all(|m| m.matches_labels(l)))
            })
            .map(|(number, _)| number)
            .collect();
        prop_assert_eq!(&found, &expected, "{:?}", matchers);
        for number in found {
            prop_assert_eq!(Some(index.labels(number)), series[number as usize].clone());
        }
    }
}
