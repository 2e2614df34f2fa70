//! Tests of expressions and bans.

use super::{banned, is_allowed, not_allowed};
use crate::packages::Package;

#[test]
fn expressions_are_weighed() {
    for fine in [
        "MIT",
        "MIT OR Apache-2.0",
        "MIT/Apache-2.0",
        "Apache-2.0 / MIT",
        "GPL-3.0 OR MIT",
        "(MIT OR GPL-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
    ] {
        assert!(is_allowed(fine), "{fine}");
    }
    for wrong in [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "GPL-3.0 OR MIT AND AGPL-3.0",
        "MIT WITH other-exception",
        "(MIT",
        "MIT)",
        "MIT MIT",
        "OR",
        "",
    ] {
        assert!(!is_allowed(wrong), "{wrong}");
    }
}

#[test]
fn a_package_without_a_good_licence_is_named() {
    let package = |name: &str, licence: Option<&str>| Package {
        name: name.to_owned(),
        folder: String::new(),
        licence: licence.map(str::to_owned),
        ours: false,
        dependencies: vec![],
    };
    let all = [package("a", Some("MIT")), package("b", None), package("c", Some("GPL-2.0"))];
    assert_eq!(not_allowed(&all), ["b: no licence", "c: licence GPL-2.0 is not allowed"]);
}

#[test]
fn a_second_tls_stack_is_found() {
    let lock = "[[package]]\nname = \"ring\"\n\n[[package]]\nname = \"openssl-sys\"\n";
    assert_eq!(banned(lock).expect("is a lock file"), ["openssl-sys: must not be in Cargo.lock"]);
    assert!(banned("nonsense").is_err());
}
