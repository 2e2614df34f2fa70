//! Tests that the JSON form stays as it is: agents of other versions speak it.

use super::{Event, EventKind};

#[test]
fn the_json_form_is_stable() {
    let text = r#"{"id":3,"time":1500,"kind":"probe_failed","target":{"tenant":"acme","app":"shop","component":"","instance":"shop-0","node":"n1"},"reason":"timeout","incident":"","details":{"run":"2"}}"#;
    let event: Event = serde_json::from_str(text).expect("parses");
    assert_eq!(event.kind, EventKind::ProbeFailed);
    assert_eq!(event.run(), 2);
    assert_eq!(serde_json::to_string(&event).expect("prints"), text);
}

#[test]
fn a_tenant_name_is_checked_on_the_way_in() {
    let text = r#"{"time":1,"kind":"exited","target":{"tenant":"../x","app":"a","instance":"i","node":"n"},"reason":""}"#;
    assert!(serde_json::from_str::<Event>(text).is_err());
}
