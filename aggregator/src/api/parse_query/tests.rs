//! Trees of queries.

use serde_json::json;

use super::{query, tree};

#[test]
fn every_kind_of_node_has_its_shape() {
    let text = "sum by (app) (rate(hits_total{code=~\"5..\"}[5m] offset 1m)) / on (app) \
                group_left (team) (-limits @ end())";
    let parsed = tree(&query::parse(text).expect("parses"));
    assert_eq!(
        parsed["matching"],
        json!({
            "card": "many-to-one", "labels": ["app"], "on": true, "include": ["team"],
            "fillValues": {"lhs": null, "rhs": null},
        })
    );
    let call = &parsed["lhs"]["expr"];
    assert_eq!(parsed["lhs"]["grouping"], json!(["app"]));
    assert_eq!(
        call["func"],
        json!({"name": "rate", "argTypes": ["matrix"], "variadic": 0, "returnType": "vector"})
    );
    assert_eq!(
        call["args"][0],
        json!({
            "type": "matrixSelector", "name": "hits_total", "range": 300_000, "offset": 60_000,
            "matchers": [
                {"name": "code", "value": "5..", "type": "=~"},
                {"name": "__name__", "value": "hits_total", "type": "="},
            ],
            "timestamp": null, "startOrEnd": null, "anchored": false, "smoothed": false,
        })
    );
    let unary = &parsed["rhs"]["expr"];
    assert_eq!((&unary["type"], &unary["op"]), (&json!("unaryExpr"), &json!("-")));
    assert_eq!(unary["expr"]["startOrEnd"], "end");
    let simple = tree(&query::parse("1e-7 > bool -Inf").expect("parses"));
    assert_eq!(simple["lhs"], json!({"type": "numberLiteral", "val": "0.0000001"}));
    assert_eq!(simple["matching"], json!(null));
    assert_eq!(simple["bool"], true);
    let subquery = tree(&query::parse("max_over_time(up[1h:5m] @ 10)").expect("parses"));
    let inner = &subquery["args"][0];
    assert_eq!((&inner["step"], &inner["timestamp"]), (&json!(300_000), &json!(10_000)));
}
