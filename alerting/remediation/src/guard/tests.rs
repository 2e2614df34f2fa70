//! Tests of the guardrails' names.

use super::Guardrail;

#[test]
fn names_are_read_back() {
    for name in ["quarantine", "breaker", "last_ready", "withdrawn", "region_budget"] {
        assert_eq!(Guardrail::from_name(name).map(Guardrail::as_str), Some(name));
    }
    assert_eq!(Guardrail::from_name("luck"), None);
}
