//! Tests of what may be a tenant's name.

use super::TenantId;

#[test]
fn plain_names_are_accepted() {
    for name in ["a", "acme", "team-1", "x.y_z", &"n".repeat(64)] {
        assert!(TenantId::new(name).is_ok(), "{name}");
    }
}

#[test]
fn names_that_could_leave_their_place_are_refused() {
    for name in ["", ".", "..", "a/b", "a b", "a\0", "é", "a\n", &"n".repeat(65)] {
        assert!(TenantId::new(name).is_err(), "{name:?}");
    }
}
