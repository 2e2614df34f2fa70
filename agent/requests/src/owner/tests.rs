//! Tests that a request counts for whom its source may write, or for nobody.

use proptest::prelude::*;

use super::{App, Attribution, InvalidAttribution};
use crate::log::{Fields, LogLine, Owner};

fn app(tenant: &str, app: &str) -> App {
    App { tenant: tenant.to_owned(), app: app.to_owned(), component: String::new() }
}

fn attribution(tenants: &[&str]) -> Attribution {
    Attribution {
        tenants: tenants.iter().map(|tenant| (*tenant).to_owned()).collect(),
        ..Attribution::default()
    }
}

fn owner<'a>(attribution: &'a Attribution, line: &'a LogLine<'_>) -> Option<(&'a str, &'a str)> {
    attribution.owner(line).map(|Owner { tenant, app, .. }| (tenant, app))
}

#[test]
fn what_is_fixed_holds_for_all() {
    let fixed = Attribution { app: "shop".to_owned(), ..attribution(&["acme"]) };
    fixed.validate().expect("is valid");
    assert_eq!(owner(&fixed, &LogLine::default()), Some(("acme", "shop")));
}

#[test]
fn hosts_are_compared_without_port_and_capitals() {
    let mut by_host = attribution(&["acme", "beta"]);
    by_host.hosts.insert("shop.example".to_owned(), app("acme", "shop"));
    by_host.hosts.insert("[::1]".to_owned(), app("beta", "local"));
    by_host.validate().expect("is valid");
    for (authority, expect) in [
        ("shop.example", Some(("acme", "shop"))),
        ("Shop.Example.:8080", Some(("acme", "shop"))),
        ("[::1]:80", Some(("beta", "local"))),
        ("other.example", None),
        ("", None),
    ] {
        let line = LogLine { authority: authority.into(), ..LogLine::default() };
        assert_eq!(owner(&by_host, &line), expect, "{authority}");
    }
    by_host.default = Some(app("beta", "rest"));
    assert_eq!(owner(&by_host, &LogLine::default()), Some(("beta", "rest")));
}

#[test]
fn clusters_name_namespace_and_service() {
    let by_cluster = Attribution { clusters: true, ..attribution(&["acme", "beta"]) };
    by_cluster.validate().expect("is valid");
    for (cluster, expect) in [
        ("outbound|80||shop.acme.svc.cluster.local", Some(("acme", "shop"))),
        ("inbound|80|v1|web.beta.svc.cluster.local", Some(("beta", "web"))),
        ("outbound|80||shop.other.svc.cluster.local", None),
        ("shop.acme.svc.cluster.local", None),
        ("outbound|80||example.com", None),
        ("", None),
    ] {
        let line = LogLine { upstream_cluster: cluster.into(), ..LogLine::default() };
        assert_eq!(owner(&by_cluster, &line), expect, "{cluster}");
    }
}

#[test]
fn what_cannot_work_is_refused() {
    let foreign = Attribution { default: Some(app("beta", "x")), ..attribution(&["acme"]) };
    assert!(matches!(foreign.validate(), Err(InvalidAttribution::Foreign { .. })));
    let no_app = Attribution { default: Some(app("acme", "")), ..attribution(&["acme"]) };
    assert!(matches!(no_app.validate(), Err(InvalidAttribution::NoApp { .. })));
    assert!(matches!(attribution(&[]).validate(), Err(InvalidAttribution::NoTenant)));
    assert!(matches!(attribution(&["acme"]).validate(), Err(InvalidAttribution::NoWay)));
    assert!(matches!(attribution(&["../x"]).validate(), Err(InvalidAttribution::Tenant(_))));
    let mut port = attribution(&["acme"]);
    port.hosts.insert("shop.example:80".to_owned(), app("acme", "shop"));
    assert!(matches!(port.validate(), Err(InvalidAttribution::Host(_))));
    let mut several = attribution(&["acme", "beta"]);
    several.hosts.insert("shop.example".to_owned(), app("", "shop"));
    assert!(matches!(several.validate(), Err(InvalidAttribution::Foreign { .. })), "whose?");
}

proptest! {
    #[test]
    fn no_line_reaches_another_tenant(
        named in prop::array::uniform4("(acme|beta|gamma|-|\\PC{0,4})"),
        authority in "(a|b)?\\PC{0,4}", cluster in "(outbound\\|80\\|\\|x\\.gamma\\.svc)?\\PC{0,4}",
        default in any::<bool>(),
    ) {
        let fields = Fields {
            tenant: "t".to_owned(), app: "a".to_owned(), component: "c".to_owned(), instance: "i".to_owned(),
        };
        let mut attribution = Attribution { clusters: true, fields, ..attribution(&["acme", "beta"]) };
        attribution.hosts.insert("a".to_owned(), app("acme", "shop"));
        attribution.default = default.then(|| app("beta", "rest"));
        attribution.validate().expect("is valid");
        let line = LogLine {
            named: named.map(Into::into), authority: authority.into(), upstream_cluster: cluster.into(),
            ..LogLine::default()
        };
        let owner = attribution.owner(&line);
        prop_assert!(owner.is_none_or(|owner| ["acme", "beta"].contains(&owner.tenant) && !owner.app.is_empty()));
        prop_assert!(owner.is_some() || !default);
    }
}
