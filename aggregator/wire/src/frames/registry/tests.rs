//! Tests of where series are, and that nothing stays of groups that are gone.

use super::{Place, Registry};

#[test]
fn what_is_removed_leaves_nothing_behind() {
    let mut registry = Registry::default();
    for round in 0..3 {
        let (one, two) = (registry.open().expect("fits"), registry.open().expect("fits"));
        registry.add(one, b"a");
        registry.add(one, b"b");
        registry.add(two, b"c");
        assert_eq!(registry.find(b"b"), Some(Place { group: one, slot: 1 }), "round {round}");
        registry.remove(one);
        assert_eq!((registry.find(b"a"), registry.find(b"b")), (None, None));
        assert_eq!(registry.find(b"c"), Some(Place { group: two, slot: 0 }));
        assert_eq!(registry.places.len(), 1);
        registry.remove(two);
        assert_eq!((registry.places.len(), registry.groups.len()), (0, 2));
    }
}
