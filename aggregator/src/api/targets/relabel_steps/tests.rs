//! Step by step, and no further than there is room.

use model::tenant::TenantId;
use serde_json::{Value, json};

use super::*;

fn explained(rules: &Value, labels: &[(&str, &str)]) -> Result<Value, String> {
    let pool: PoolReport = serde_json::from_value(json!({
        "name": "p", "tenant": TenantId::new("acme").expect("is a name"), "rules": rules,
    }))
    .expect("is a pool");
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let steps = explain(&pool, labels.collect(), &|| false).map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(steps).expect("is JSON"))
}

#[test]
fn each_rule_is_shown_with_what_it_leaves() {
    let rules = json!([
        { "source_labels": ["a"], "target_label": "b", "action": "replace" },
        { "source_labels": ["b"], "regex": "x", "action": "drop" },
        { "target_label": "c", "replacement": "z", "action": "replace" },
    ]);
    let rule = |more: Value| {
        let mut rule = json!({ "separator": ";", "regex": "(.*)", "replacement": "$1" });
        let fields = rule.as_object_mut().expect("is an object");
        fields.extend(more.as_object().expect("is an object").clone());
        rule
    };
    let first = rule(json!({ "source_labels": ["a"], "target_label": "b", "action": "replace" }));
    let second = rule(json!({ "source_labels": ["b"], "regex": "x", "action": "drop" }));
    let third = rule(json!({ "target_label": "c", "replacement": "z", "action": "replace" }));
    assert_eq!(
        explained(&rules, &[("a", "x")]).expect("is explained"),
        json!({ "steps": [
            { "rule": first, "output": { "a": "x", "b": "x" }, "keep": true },
            { "rule": second, "output": {}, "keep": false },
            { "rule": third, "output": {}, "keep": false },
        ] })
    );
    let kept = explained(&rules, &[("a", "y")]).expect("is explained");
    assert_eq!(kept["steps"][2]["output"], json!({ "a": "y", "b": "y", "c": "z" }));
}

#[test]
fn rules_that_grow_without_end_are_not_followed() {
    let doubling = json!({ "source_labels": ["a"], "target_label": "a", "replacement": "$1$1",
        "action": "replace" });
    let rules = Value::Array(vec![doubling; 60]);
    let refused = explained(&rules, &[("a", "0123456789")]).expect_err("is refused");
    assert!(refused.contains("the labels take more than"), "{refused}");
    let long =
        json!([{ "target_label": "a", "replacement": "$1".repeat(1000), "action": "replace" }]);
    let refused = explained(&long, &[]).expect_err("is refused");
    assert!(refused.contains("rule 1: a text is longer than"), "{refused}");
    let bad = json!([{ "action": "hashmod", "target_label": "x" }]);
    let refused = explained(&bad, &[]).expect_err("is refused");
    assert!(refused.contains("rule 1: action HashMod needs a modulus"), "{refused}");
}

#[test]
fn nothing_is_explained_to_nobody() {
    let rule = json!({ "target_label": "a", "replacement": "b", "action": "replace" });
    let pool: PoolReport = serde_json::from_value(json!({
        "name": "p", "tenant": "acme", "rules": vec![rule; 3],
    }))
    .expect("is a pool");
    let asked = std::cell::Cell::new(0);
    let stop = || asked.replace(asked.get() + 1) == 1;
    let ended = explain(&pool, LabelMap::new(), &stop);
    assert!(matches!(ended, Err(ApiError::Canceled(_))), "{ended:?}");
    assert_eq!(asked.get(), 2);
}
