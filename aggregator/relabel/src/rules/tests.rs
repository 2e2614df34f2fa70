//! Every action, and rules that mean nothing.

use proptest::prelude::*;

use super::*;

fn rule(text: &str) -> Result<Rule, InvalidRule> {
    Rule::new(&toml::from_str(text).expect("is TOML"))
}

fn relabelled(rules: &[&str], labels: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
    let rules: Vec<Rule> = rules.iter().map(|text| rule(text).expect("is a rule")).collect();
    let mut labels: LabelSet = labels.iter().copied().collect();
    let kept = apply(&rules, &mut labels);
    kept.then(|| labels.iter().map(|(name, value)| (name.into(), value.into())).collect())
}

/// `a=1 b=2`, or `dropped`.
fn shown(rules: &[&str], labels: &[(&str, &str)]) -> String {
    match relabelled(rules, labels) {
        None => "dropped".to_owned(),
        Some(labels) => {
            let pairs: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
            pairs.join(" ")
        }
    }
}

#[test]
fn actions_do_what_they_say() {
    let labels = [("a", "foo"), ("b", "bar"), ("c", "Baz")];
    for (rule, expected) in [
        (
            "source_labels = ['a']\nregex = 'f(.*)'\ntarget_label = 'd'\nreplacement = 'x${1}y'",
            "a=foo b=bar c=Baz d=xooy",
        ),
        (
            "source_labels = ['a', 'b']\nregex = '(.*);(.*)'\ntarget_label = 'd'\nreplacement = '$2-$1'",
            "a=foo b=bar c=Baz d=bar-foo",
        ),
        (
            "source_labels = ['a']\nregex = 'o'\ntarget_label = 'd'\nreplacement = 'x'",
            "a=foo b=bar c=Baz",
        ),
        (
            "source_labels = ['a']\nregex = '.(?P<rest>.*)'\ntarget_label = 'd_$rest'\nreplacement = '$rest$$'",
            "a=foo b=bar c=Baz d_oo=oo$",
        ),
        (
            "source_labels = ['a']\nregex = '(.*)'\ntarget_label = 'd'\nreplacement = '$1x'",
            "a=foo b=bar c=Baz",
        ),
        ("target_label = 'a'\nreplacement = 'new'", "a=new b=bar c=Baz"),
        ("target_label = 'a'\nreplacement = ''", "b=bar c=Baz"),
        ("source_labels = ['nothing']\ntarget_label = 'a'", "b=bar c=Baz"),
        ("source_labels = ['a']\nregex = 'f.o'\naction = 'keep'", "a=foo b=bar c=Baz"),
        ("source_labels = ['a']\nregex = 'fo'\naction = 'keep'", "dropped"),
        ("source_labels = ['a']\nregex = 'foo|x'\naction = 'drop'", "dropped"),
        ("source_labels = ['a']\nregex = 'x|fo'\naction = 'drop'", "a=foo b=bar c=Baz"),
        ("source_labels = ['a']\ntarget_label = 'b'\naction = 'keepequal'", "dropped"),
        ("source_labels = ['a']\ntarget_label = 'b'\naction = 'dropequal'", "a=foo b=bar c=Baz"),
        ("source_labels = ['a']\ntarget_label = 'a'\naction = 'dropequal'", "dropped"),
        (
            "source_labels = ['nothing']\ntarget_label = 'none'\naction = 'keepequal'",
            "a=foo b=bar c=Baz",
        ),
        ("regex = '[ab]'\naction = 'labeldrop'", "c=Baz"),
        ("regex = '[ab]'\naction = 'labelkeep'", "a=foo b=bar"),
        (
            "regex = '(a|b)'\nreplacement = 'x_$1'\naction = 'labelmap'",
            "a=foo b=bar c=Baz x_a=foo x_b=bar",
        ),
        ("source_labels = ['c']\ntarget_label = 'c'\naction = 'lowercase'", "a=foo b=bar c=baz"),
        ("source_labels = ['c']\ntarget_label = 'c'\naction = 'uppercase'", "a=foo b=bar c=BAZ"),
        (
            "source_labels = ['a', 'b']\nseparator = ''\nregex = 'foobar'\naction = 'keep'",
            "a=foo b=bar c=Baz",
        ),
    ] {
        assert_eq!(shown(&[rule], &labels), expected, "{rule}");
    }
}

#[test]
fn the_hash_is_the_end_of_md5() {
    // md5("foo") = acbd18db4cc2f85c edef654fccc4a4d8; the last eight bytes are 17146443231826805976.
    let rule = "source_labels = ['a']\ntarget_label = 'h'\nmodulus = 1000\naction = 'hashmod'";
    let expected = 0xedef_654f_ccc4_a4d8u64 % 1000;
    assert_eq!(shown(&[rule], &[("a", "foo")]), format!("a=foo h={expected}"));
}

#[test]
fn rules_apply_in_order_until_one_drops() {
    let rules = [
        "source_labels = ['a']\ntarget_label = 'b'",
        "source_labels = ['b']\nregex = 'x'\naction = 'drop'",
        "target_label = 'never'\nreplacement = 'y'",
    ];
    assert_eq!(shown(&rules, &[("a", "x")]), "dropped");
    assert_eq!(shown(&rules, &[("a", "z")]), "a=z b=z never=y");
}

#[test]
fn a_regex_spans_lines_and_alternatives_are_anchored() {
    assert_eq!(
        shown(&["source_labels = ['a']\nregex = 'x.*y'\naction = 'keep'"], &[("a", "x\ny")]),
        "a=x\ny"
    );
    assert_eq!(
        shown(&["source_labels = ['a']\nregex = 'x|y'\naction = 'keep'"], &[("a", "xy")]),
        "dropped"
    );
}

#[test]
fn letters_change_one_by_one() {
    let upper = "source_labels = ['a']\ntarget_label = 'a'\naction = 'uppercase'";
    let lower = "source_labels = ['a']\ntarget_label = 'a'\naction = 'lowercase'";
    assert_eq!(shown(&[upper], &[("a", "straße é")]), "a=STRAßE É");
    assert_eq!(shown(&[lower], &[("a", "ΟΔΟΣ İ")]), "a=οδοσ i");
}

#[test]
fn nonsense_is_refused() {
    for (text, message) in [
        ("", "action Replace needs a target_label"),
        ("action = 'hashmod'\ntarget_label = 'a'", "action HashMod needs a modulus above zero"),
        ("action = 'labeldrop'\ntarget_label = 'a'", "action LabelDrop takes no target_label"),
        ("action = 'labelkeep'\nsource_labels = ['a']", "action LabelKeep takes no source_labels"),
        (
            "action = 'keepequal'\ntarget_label = 'a'\nregex = 'x'",
            "action KeepEqual takes no regex",
        ),
        (
            "action = 'lowercase'\ntarget_label = 'a'\nreplacement = 'x'",
            "action Lowercase takes no replacement",
        ),
    ] {
        assert_eq!(rule(text).expect_err("is refused").to_string(), message, "{text}");
    }
    let unclosed = rule("target_label = 'a'\nregex = '('").expect_err("is refused").to_string();
    assert!(unclosed.starts_with("regex: "), "{unclosed}");
    assert!(rule("target_label = 'a'\nregex = '(x{1000}){1000}'").is_err(), "too large");
    assert!(toml::from_str::<RelabelRule>("actoin = 'keep'").is_err());
}

proptest! {
    #[test]
    fn any_rule_on_any_labels_ends(
        regex in ".{0,12}",
        replacement in "[$a-z0-9{}]{0,8}",
        target in "[$a-z0-9{}]{1,6}",
        labels in prop::collection::vec((".{1,4}", ".{0,8}"), 0..6),
    ) {
        let settings = RelabelRule {
            source_labels: vec!["a".to_owned()],
            regex: Some(regex),
            replacement: Some(replacement),
            target_label: target,
            ..RelabelRule::default()
        };
        let mut set: LabelSet = labels.into_iter().collect();
        for action in [Action::Replace, Action::LabelMap] {
            if let Ok(rule) = Rule::new(&RelabelRule { action, ..settings.clone() }) {
                apply(&[rule], &mut set);
                prop_assert!(set.iter().all(|(name, value)| !name.is_empty() && !value.is_empty()));
            }
        }
    }
}
