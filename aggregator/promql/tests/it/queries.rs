//! Random data and random queries about it.

use proptest::{prelude::*, sample::select};

fn any_of(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    select(texts).prop_map(str::to_owned).boxed()
}

/// Values of one series, in the notation of scripts.
fn values() -> BoxedStrategy<String> {
    let many = |item: BoxedStrategy<String>| prop::collection::vec(item, 4..14);
    let gauge = any_of(&["1", "2.5", "-3", "0", "NaN", "Inf", "-Inf", "1e300", "_", "stale", "7"]);
    let counter = (0u32..50, 0u32..9).prop_map(|(start, step)| format!("{start}+{step}x3"));
    let histogram = any_of(&[
        "{{schema:0 count:6 sum:4 z_bucket:1 z_bucket_w:0.001 buckets:[1 2 2]}}",
        "{{schema:1 count:4 sum:-2 buckets:[1 0 2] offset:-1 n_buckets:[1]}}",
        "{{schema:0 count:9 sum:9 buckets:[3 3 3] counter_reset_hint:gauge}}",
        "{{schema:-53 count:6 sum:7 custom_values:[1 2 5] buckets:[1 2 3]}}",
        "{{schema:-53 count:4 sum:2 custom_values:[2 5] buckets:[1 1 2]}}",
        "_",
        "3",
    ]);
    prop_oneof![
        many(gauge).prop_map(|values| values.join(" ")),
        many(histogram).prop_map(|values| values.join(" ")),
        prop::collection::vec(counter, 1..4).prop_map(|values| values.join(" ")),
    ]
    .boxed()
}

/// Series with their values, one to a line.
pub(crate) fn data() -> impl Strategy<Value = String> {
    let labels = (select(&["a", "b_total", "h"][..]), 0u8..3, 0u8..3);
    prop::collection::btree_map(labels, values(), 1..9).prop_map(|series| {
        let line = |((name, x, y), values): ((&str, u8, u8), String)| {
            let label = |label, value| match value {
                0 => String::new(),
                _ => format!("{label}=\"{value}\","),
            };
            format!("{name}{{{}{}}} {values}\n", label("x", x), label("y", y))
        };
        series.into_iter().map(line).collect()
    })
}

fn selector() -> BoxedStrategy<String> {
    let name = any_of(&["a", "b_total", "h", "{__name__=~\"a|h\"}", "a{x=\"1\"}", "h{y!=\"1\"}"]);
    let modifiers =
        any_of(&["", "", "", "", " offset 1m", " offset -30s", " @ 90", " @ 150 offset 1m"]);
    (name, modifiers).prop_map(|(name, modifiers)| name + &modifiers).boxed()
}

fn scalar() -> BoxedStrategy<String> {
    any_of(&["0", "1", "0.5", "-1", "2", "NaN", "Inf", "time()", "scalar(a{x=\"1\"})", "1m"])
}

fn grouping() -> BoxedStrategy<String> {
    any_of(&["", "by (x)", "by (y, __name__)", "without (x)", "by ()"])
}

fn range(vector: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let selected = (
        any_of(&["a", "b_total", "h", "{__name__=~\"a|h\"}"]),
        any_of(&["[1m]", "[90s]", "[5m]"]),
        any_of(&["", "", "", " offset 1m", " @ 150"]),
    );
    let selected = selected.prop_map(|(name, range, modifier)| name + &range + &modifier);
    let subquery = (vector, any_of(&["[2m:30s]", "[3m:45s]", "[1m:] offset 30s", "[2m:1m] @ 200"]));
    let subquery = subquery.prop_map(|(vector, range)| format!("({vector}){range}"));
    prop_oneof![2 => selected, 1 => subquery].boxed()
}

fn over_time() -> BoxedStrategy<String> {
    any_of(&[
        "rate",
        "increase",
        "delta",
        "irate",
        "idelta",
        "deriv",
        "changes",
        "resets",
        "avg_over_time",
        "sum_over_time",
        "min_over_time",
        "max_over_time",
        "count_over_time",
        "last_over_time",
        "first_over_time",
        "stddev_over_time",
        "mad_over_time",
        "present_over_time",
        "absent_over_time",
        "ts_of_last_over_time",
    ])
}

fn function() -> BoxedStrategy<String> {
    any_of(&[
        "abs",
        "exp",
        "sgn",
        "sqrt",
        "timestamp",
        "hour",
        "absent",
        "histogram_count",
        "histogram_sum",
        "histogram_avg",
        "histogram_stddev",
        "-",
        "",
    ])
}

fn operator() -> BoxedStrategy<String> {
    any_of(&[
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "atan2",
        "== bool",
        "!=",
        ">",
        "<=",
        "and",
        "or",
        "unless",
        "+ on (x)",
        "/ ignoring (y) group_left ()",
        "* on (x, y) group_right (z)",
        "and on (x)",
        "- on (x) fill (0)",
        "or ignoring (x)",
    ])
}

fn call(vector: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let pair = (scalar(), vector.clone());
    prop_oneof![
        4 => (over_time(), range(vector.clone())).prop_map(|(name, range)| format!("{name}({range})")),
        2 => (function(), vector.clone()).prop_map(|(name, vector)| format!("{name}({vector})")),
        1 => pair.prop_map(|(scalar, vector)| format!("histogram_quantile({scalar}, {vector})")),
        1 => (scalar(), range(vector.clone()))
            .prop_map(|(scalar, range)| format!("quantile_over_time({scalar}, {range})")),
        1 => (scalar(), scalar(), vector.clone())
            .prop_map(|(low, high, vector)| format!("clamp({vector}, {low}, {high})")),
        1 => vector
            .prop_map(|vector| format!("label_replace({vector}, \"z\", \"$1\", \"x\", \"(.*)\")")),
    ]
    .boxed()
}

fn aggregation(vector: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let fold = any_of(&["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"]);
    let ranked = any_of(&["topk", "bottomk", "quantile", "limit_ratio"]);
    prop_oneof![
        3 => (fold, grouping(), vector.clone())
            .prop_map(|(name, by, vector)| format!("{name} {by} ({vector})")),
        2 => (ranked, grouping(), scalar(), vector.clone())
            .prop_map(|(name, by, scalar, vector)| format!("{name} {by} ({scalar}, {vector})")),
        1 => vector.prop_map(|vector| format!("count_values(\"v\", {vector})")),
    ]
    .boxed()
}

fn operation(vector: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let with_scalar = any_of(&["+", "*", ">", "== bool"]);
    prop_oneof![
        3 => (vector.clone(), operator(), vector.clone())
            .prop_map(|(left, operator, right)| format!("({left}) {operator} ({right})")),
        1 => (vector, with_scalar, scalar())
            .prop_map(|(left, operator, right)| format!("({left}) {operator} ({right})")),
    ]
    .boxed()
}

/// Queries whose answers at one time do not depend on the other times of the query.
pub(crate) fn query() -> impl Strategy<Value = String> {
    selector().prop_recursive(3, 12, 2, |inner| {
        let vector = inner.boxed();
        prop_oneof![
            2 => call(vector.clone()),
            1 => aggregation(vector.clone()),
            1 => operation(vector),
        ]
    })
}
