//! Tests of what is remembered, and of its bounds.

use std::sync::Arc;

use super::{BYTES_MAX, ENTRIES_MAX, Memo};

#[test]
fn what_was_put_is_found_until_others_take_its_place() {
    let memo = Memo::default();
    assert_eq!(memo.get("a", "x"), None);
    memo.put("a", "x", Arc::new(1), 10);
    memo.put("b", "x", Arc::new(2), 10);
    memo.put("a", "y", Arc::new(3), 10);
    memo.put("a", "x", Arc::new(4), 10);
    let get = |name, pattern| memo.get(name, pattern).as_deref().copied();
    assert_eq!([get("a", "x"), get("b", "x"), get("a", "y")], [Some(4), Some(2), Some(3)]);
    // Used each time, the first outlives those that nobody asks for.
    for number in 0..ENTRIES_MAX * 2 {
        memo.put("c", &number.to_string(), Arc::new(0), 10);
        assert_eq!(get("a", "x"), Some(4));
    }
    assert_eq!(get("b", "x"), None);
    assert!(memo.heap_bytes() > 0);
    memo.clear();
    assert_eq!((get("a", "x"), memo.heap_bytes()), (None, 0));
}

#[test]
fn memory_is_bounded() {
    let memo = Memo::default();
    for number in 0..10 {
        memo.put("a", &number.to_string(), Arc::new(number), BYTES_MAX / 3);
        assert!(memo.heap_bytes() <= BYTES_MAX);
    }
    assert_eq!(memo.get("a", "9").as_deref(), Some(&9));
    memo.put("a", "9", Arc::new(9), BYTES_MAX);
    assert_eq!(memo.get("a", "9"), None);
}
