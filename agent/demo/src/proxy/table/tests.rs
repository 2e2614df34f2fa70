//! Tests of routing and rotation.

use model::tenant::TenantId;

use super::*;

fn target(tenant: &str, app: &str, instance: &str) -> Target {
    Target {
        tenant: TenantId::new(tenant).unwrap(),
        app: app.into(),
        component: "web".into(),
        instance: instance.into(),
        node: "here".into(),
    }
}

fn table() -> Table {
    let upstream = |tenant, app, instance| Upstream {
        target: target(tenant, app, instance),
        address: ([127, 0, 0, 1], 1).into(),
    };
    Table::new(vec![
        upstream("acme", "shop", "shop-0"),
        upstream("acme", "shop", "shop-1"),
        upstream("globex", "shop", "other-0"),
    ])
}

#[test]
fn requests_are_routed_by_path_then_by_host() {
    let table = table();
    let check = |path: &str, host: Option<&str>, expect: Option<(&str, &str)>| {
        let routed = table.route(path, host);
        let routed = routed.as_ref().map(|(app, rest)| (app.nobody.tenant.as_str(), *rest));
        assert_eq!(routed, expect, "{path} {host:?}");
    };
    check("/acme/shop/items/1", None, Some(("acme", "/items/1")));
    check("/acme/shop/", None, Some(("acme", "/")));
    check("/acme/shop", None, Some(("acme", "/")));
    check("/globex/shop/x", Some("shop.acme"), Some(("globex", "/x")));
    check("/x", Some("shop.acme.example:8080"), Some(("acme", "/x")));
    check("/acme/nothing", Some("shop.globex"), Some(("globex", "/acme/nothing")));
    check("/acme/shopping", None, None);
    check("/acme", None, None);
    check("//shop/", None, None);
    check("", None, None);
    check("*", Some("localhost"), None);
    check("/x", Some("shop"), None);
    check("/x", Some("..."), None);
}

#[test]
fn instances_take_turns_and_those_that_are_down_are_left_out() {
    let table = table();
    let next = || {
        let (app, _) = table.route("/acme/shop/", None).unwrap();
        app.next().map(|instance| instance.target.instance.clone())
    };
    let turns: Vec<_> = (0..4).map(|_| next().unwrap()).collect();
    assert_eq!(turns, ["shop-0", "shop-1", "shop-0", "shop-1"]);
    assert!(table.set_up(&target("acme", "shop", "shop-0"), false));
    assert!((0..4).all(|_| next().as_deref() == Some("shop-1")));
    assert!(table.set_up(&target("acme", "shop", "shop-1"), false));
    assert_eq!(next(), None);
    assert!(table.set_up(&target("acme", "shop", "shop-0"), true));
    assert_eq!(next().as_deref(), Some("shop-0"));
    assert!(!table.set_up(&target("acme", "shop", "shop-9"), true));
    assert!(!table.set_up(&target("initech", "shop", "shop-0"), true));
}
