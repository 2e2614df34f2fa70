//! Tests of the faults' names.

use super::*;

#[test]
fn names_are_read_back() {
    for fault in Fault::ALL {
        assert_eq!(fault.name().parse(), Ok(fault));
        assert_eq!(fault.to_string(), fault.name());
    }
    for name in ["", "none", "Hang", "hang "] {
        assert_eq!(name.parse::<Fault>(), Err(UnknownFault), "{name:?}");
    }
}
