//! What is answered to whom, by parameters.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use model::{
    ruler::{
        AlertReport, AlertState, AlertingReport, GroupReport, Health, RuleReport, RulerReport,
    },
    tenant::TenantId,
    time::Timestamp,
};
use serde_json::Value;
use tenancy::access::{Access, Scope, Tenants};

use super::Filter;
use crate::api::rules::shape;

fn rule(name: &str, team: &str, alerting: bool) -> RuleReport {
    let alert = AlertReport {
        labels: [("alertname".to_owned(), name.to_owned())].into(),
        annotations: [].into(),
        state: AlertState::Firing,
        active_at: Timestamp(1_500),
        keep_firing_since: None,
        value: 1.0,
    };
    RuleReport {
        name: name.to_owned(),
        query: "x".to_owned(),
        labels: [("team".to_owned(), team.to_owned())].into(),
        health: Health::Ok,
        last_error: None,
        evaluation_seconds: 0.25,
        last_evaluation: Some(Timestamp(2_000)),
        alerting: alerting.then(|| AlertingReport {
            state: AlertState::Firing,
            for_seconds: 60.0,
            keep_firing_for_seconds: 0.0,
            annotations: [].into(),
            alerts: vec![alert],
        }),
    }
}

fn group(tenant: Option<&str>, file: &str, name: &str) -> GroupReport {
    GroupReport {
        tenant: tenant.map(|tenant| TenantId::new(tenant).expect("is a name")),
        file: file.to_owned(),
        name: name.to_owned(),
        interval_seconds: 60.0,
        rules: vec![rule("A", "t", true), rule("r", "u", false)],
        ..GroupReport::default()
    }
}

fn reports() -> Vec<Arc<RulerReport>> {
    let one = vec![group(Some("acme"), "b.yml", "g"), group(None, "a.yml", "h")];
    let two = vec![group(Some("globex"), "b.yml", "g")];
    [one, two].map(|groups| Arc::new(RulerReport { groups, ..RulerReport::default() })).to_vec()
}

fn access(tenants: Tenants) -> Access {
    let scopes = BTreeSet::from([Scope::MetricsRead]);
    Access { name: "c".to_owned(), tenants, scopes, node: None }
}

fn acme() -> Access {
    access(Tenants::One(TenantId::new("acme").expect("is a name")))
}

/// The `data`, or the message of the error.
async fn asked(access: &Access, query: &str) -> Result<Value, String> {
    asked_of(&reports(), access, query).await
}

async fn asked_of(
    reports: &[Arc<RulerReport>],
    access: &Access,
    query: &str,
) -> Result<Value, String> {
    let request = Request::builder().uri(format!("/?{query}")).body(Body::empty());
    let params = crate::api::params::Params::from_request(request.expect("is right"), &()).await;
    let filter = Filter::of(&params.expect("are read")).map_err(|error| error.to_string())?;
    let groups = shape::visible(reports, access);
    let found = filter.rules(&groups, access).map_err(|error| error.to_string())?;
    let body = shape::encode(&found, shape::left_out(&groups)).expect("is written");
    let mut body: Value = serde_json::from_slice(&body).expect("is JSON");
    Ok(body["data"].take())
}

/// `file/group/rule` of all that is answered.
async fn names(access: &Access, query: &str) -> Vec<String> {
    let data = asked(access, query).await.expect("is answered");
    let mut names = Vec::new();
    for group in data["groups"].as_array().expect("is a list") {
        for rule in group["rules"].as_array().expect("is a list") {
            let text = |value: &Value| value.as_str().expect("is text").to_owned();
            let tenant = group["tenant"].as_str().unwrap_or("-");
            let (file, name) = (text(&group["file"]), text(&group["name"]));
            names.push(format!("{tenant}/{file}/{name}/{}", text(&rule["name"])));
        }
    }
    names
}

#[tokio::test]
async fn who_sees_one_tenant_sees_its_rules_and_no_others() {
    assert_eq!(names(&acme(), "").await, ["-/b.yml/g/A", "-/b.yml/g/r"]);
    let data = asked(&acme(), "").await.expect("is answered");
    assert_eq!(data["groups"][0]["rules"][0]["alerts"][0]["labels"].get("tenant"), None);
    let all = ["-/a.yml/h/A", "-/a.yml/h/r", "acme/b.yml/g/A", "acme/b.yml/g/r"];
    let operator = names(&access(Tenants::All), "").await;
    assert_eq!(operator.get(..4).expect("has more"), all);
    assert_eq!(operator.len(), 6);
    let data = asked(&access(Tenants::All), "").await.expect("is answered");
    assert_eq!(data["groups"][1]["rules"][0]["alerts"][0]["labels"]["tenant"], "acme");
    let some = ["acme", "globex"].map(|name| TenantId::new(name).expect("is a name"));
    assert_eq!(names(&access(Tenants::Some(some.into())), "").await.len(), 4);
}

#[tokio::test]
async fn parameters_choose() {
    for (query, expected) in [
        ("type=alert", vec!["-/b.yml/g/A"]),
        ("type=RECORD", vec!["-/b.yml/g/r"]),
        ("rule_name[]=r&rule_name[]=other", vec!["-/b.yml/g/r"]),
        ("rule_group[]=h", vec![]),
        ("file[]=b.yml&rule_group[]=g&type=alert", vec!["-/b.yml/g/A"]),
        ("match[]={team=\"u\"}&match[]={team=\"v\"}", vec!["-/b.yml/g/r"]),
        ("match[]={team=~\"t|u\",team!=\"u\"}", vec!["-/b.yml/g/A"]),
    ] {
        let query = query.replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
        assert_eq!(names(&acme(), &query.replace('|', "%7C")).await, expected, "{query}");
    }
    let data = asked(&acme(), "exclude_alerts=true").await.expect("is answered");
    assert_eq!(data["groups"][0]["rules"][0]["alerts"], Value::Null);
}

#[tokio::test]
async fn pages_follow_each_other() {
    let operator = access(Tenants::All);
    let mut query = "group_limit=1".to_owned();
    let mut seen = Vec::new();
    loop {
        seen.extend(names(&operator, &query).await);
        let data = asked(&operator, &query).await.expect("is answered");
        let Some(token) = data["groupNextToken"].as_str() else { break };
        assert_eq!(token.len(), 64);
        query = format!("group_limit=1&group_next_token={token}");
    }
    assert_eq!(seen, names(&operator, "").await);
}

/// Groups of which two rulers tell, and groups whose names could be taken for each other's.
#[tokio::test]
async fn pages_end_whatever_rulers_tell() {
    let mut old = group(None, "a", "b;c");
    old.rules.truncate(1);
    old.last_evaluation = Some(Timestamp(1));
    let new = GroupReport { last_evaluation: Some(Timestamp(2)), ..group(None, "a", "b;c") };
    let like = group(None, "a;b", "c");
    let of_tenant = [group(Some("acme"), "a", "b"), group(None, "a", "b;acme")];
    let [one, two] = of_tenant;
    let told = [vec![old.clone(), one.clone()], vec![new, like, one, two], vec![old]];
    let told = told.map(|groups| Arc::new(RulerReport { groups, ..RulerReport::default() }));
    let operator = access(Tenants::All);
    let (mut query, mut seen) = ("group_limit=1".to_owned(), Vec::new());
    for _ in 0..10 {
        let data = asked_of(&told, &operator, &query).await.expect("is answered");
        let group = &data["groups"][0];
        let rules = group["rules"].as_array().expect("is a list").len();
        seen.push((group["file"].clone(), group["name"].clone(), rules));
        let Some(token) = data["groupNextToken"].as_str() else { break };
        query = format!("group_limit=1&group_next_token={token}");
    }
    let names = [("a", "b"), ("a", "b;acme"), ("a", "b;c"), ("a;b", "c")];
    assert_eq!(seen, names.map(|(file, name)| (file.into(), name.into(), 2)));
    let groups = shape::visible(&told, &operator);
    let alerts = shape::encode(&shape::alerts(&groups, &operator), Vec::new()).expect("is written");
    let alerts: Value = serde_json::from_slice(&alerts).expect("is JSON");
    assert_eq!(alerts["data"]["alerts"].as_array().map(Vec::len), Some(4));
}

#[test]
fn what_rulers_count_does_not_overflow() {
    let full = |name| GroupReport { alerts_left_out: u64::MAX, ..group(None, "f", name) };
    let (one, two) = (full("a"), full("b"));
    assert_eq!(shape::left_out(&[&one, &two]).len(), 1);
}

#[tokio::test]
async fn what_makes_no_sense_is_said() {
    for (query, expected) in [
        ("type=both", "\"type\": not supported value \"both\""),
        ("exclude_alerts=maybe", "\"exclude_alerts\": error converting exclude_alerts"),
        ("group_limit=0", "\"group_limit\": group_limit needs to be greater than 0"),
        ("group_limit=x", "\"group_limit\": group_limit needs to be a valid number"),
        ("group_next_token=a", "group_limit needs to be present in order to paginate"),
        ("group_limit=1&group_next_token=a", "invalid group_next_token 'a'. were rule groups"),
        ("match[]=%7B", "invalid parameter \"match[]\""),
    ] {
        let error = asked(&acme(), query).await.expect_err("makes no sense");
        assert!(error.contains(expected), "{query}: {error}");
    }
}

#[tokio::test]
async fn the_shape_is_that_of_prometheus() {
    let data = asked(&acme(), "").await.expect("is answered");
    let wanted = serde_json::json!({"groups": [{
        "name": "g", "file": "b.yml", "interval": 60.0, "limit": 0, "evaluationTime": 0.0,
        "lastEvaluation": "0001-01-01T00:00:00Z",
        "rules": [
            {"name": "A", "query": "x", "labels": {"team": "t"}, "annotations": {}, "type": "alerting",
             "state": "firing", "duration": 60.0, "keepFiringFor": 0.0, "health": "ok",
             "evaluationTime": 0.25, "lastEvaluation": "1970-01-01T00:00:02Z",
             "alerts": [{"labels": {"alertname": "A"}, "annotations": {}, "state": "firing",
                         "activeAt": "1970-01-01T00:00:01.5Z", "value": "1e+00"}]},
            {"name": "r", "query": "x", "labels": {"team": "u"}, "health": "ok", "type": "recording",
             "evaluationTime": 0.25, "lastEvaluation": "1970-01-01T00:00:02Z"},
        ],
    }]});
    assert_eq!(data, wanted);
}
