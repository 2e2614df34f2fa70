//! Tables of what names whom.

use super::Mapping;
use crate::container::Keys;

fn keys(pairs: &[(&str, &str)]) -> Keys {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[test]
fn the_first_key_that_is_there_decides() {
    let long = "x".repeat(65);
    // Labels, annotations; tenant, app, component.
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let cases: [(Pairs<'_>, Pairs<'_>, [&str; 3]); 7] = [
        (&[], &[], ["shop", "web", ""]),
        (&[("tidewatch.dev/tenant", "acme")], &[], ["acme", "web", ""]),
        (&[], &[("tidewatch.dev/tenant", "acme")], ["acme", "web", ""]),
        (&[("tidewatch.dev/tenant", "a b")], &[], ["shop", "web", ""]),
        (&[("tidewatch.dev/tenant", &long)], &[("tidewatch.dev/tenant", "b")], ["b", "web", ""]),
        (&[("app", "x"), ("app.kubernetes.io/name", "y")], &[], ["shop", "y", ""]),
        (
            &[("app.kubernetes.io/name", "y"), ("app.kubernetes.io/component", "db")],
            &[("tidewatch.dev/app", "z")],
            ["shop", "z", "db"],
        ),
    ];
    for (labels, annotations, [tenant, app, component]) in cases {
        let (labels, annotations) = (keys(labels), keys(annotations));
        let owner = Mapping::default().owner(&[&labels, &annotations], "shop", "web");
        assert_eq!(owner.tenant.as_ref().map(|tenant| tenant.as_str()), Some(tenant), "{labels:?}");
        assert_eq!((&*owner.app, &*owner.component), (app, component), "{labels:?}");
    }
}

#[test]
fn a_namespace_is_a_tenant_only_where_that_is_wanted() {
    let mapping = Mapping { namespace_as_tenant: false, ..Mapping::default() };
    assert_eq!(mapping.owner(&[], "shop", "web").tenant, None);
}
