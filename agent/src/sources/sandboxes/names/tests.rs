//! Tests of whose a sandbox is.

use model::tenant::TenantId;
use sandbox::state::{State, parse};

use super::{Names, container};

fn state(annotations: &str) -> State {
    let text = format!(
        r#"{{"id": "0123456789abcdef", "sandbox": {{"id": "0123456789abcdef", "pid": 7}},
            "spec": {{"annotations": {{{annotations}}}}}}}"#
    );
    parse(text.as_bytes()).expect("is a state")
}

fn names(annotations: &str) -> [String; 5] {
    let fallback = TenantId::new("host").expect("is a tenant");
    let names = Names::of(&state(annotations), &fallback);
    [names.tenant.to_string(), names.app, names.component, names.pod, names.namespace]
}

const CRI: &str =
    r#""io.kubernetes.cri.sandbox-name": "web-0", "io.kubernetes.cri.sandbox-namespace": "shop""#;

#[test]
fn the_pods_own_word_comes_first_then_the_namespace_then_the_fallback() {
    assert_eq!(names(""), ["host", "0123456789ab", "", "0123456789ab", ""]);
    assert_eq!(names(CRI), ["shop", "web-0", "", "web-0", "shop"]);
    let common = format!(
        r#"{CRI}, "app.kubernetes.io/name": "web", "app.kubernetes.io/component": "front""#
    );
    assert_eq!(names(&common), ["shop", "web", "front", "web-0", "shop"]);
    let own =
        format!(r#"{common}, "tidewatch.dev/tenant": "acme", "tidewatch.dev/app": "storefront""#);
    assert_eq!(names(&own), ["acme", "storefront", "front", "web-0", "shop"]);
    let unusable = format!(r#"{CRI}, "tidewatch.dev/tenant": "../etc""#);
    assert_eq!(names(&unusable)[0], "shop");
}

#[test]
fn containers_are_named_as_cadvisor_names_them() {
    assert_eq!(container(&state("")), ("0123456789ab", ""));
    let pause = state(r#""io.kubernetes.cri.container-type": "sandbox""#);
    assert_eq!(container(&pause), ("POD", ""));
    let app = state(
        r#""io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.container-name": "web",
           "io.kubernetes.cri.image-name": "nginx:1""#,
    );
    assert_eq!(container(&app), ("web", "nginx:1"));
}
