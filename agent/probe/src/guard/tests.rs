//! Tests of which addresses are allowed.

use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn networks_contain_what_shares_their_prefix() {
    for (network, address, expect) in [
        ("10.1.0.0/16", "10.1.255.255", true),
        ("10.1.0.0/16", "10.2.0.0", false),
        ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3", "10.1.2.4", false),
        ("0.0.0.0/0", "255.255.255.255", true),
        ("0.0.0.0/0", "::1", false),
        ("::/0", "2001:db8::1", true),
        ("::/0", "10.0.0.1", false),
        ("2001:db8::/32", "2001:db8:ffff::", true),
        ("2001:db8::/32", "2001:db9::", false),
        ("fe80::1/128", "fe80::1", true),
        // IPv4 dressed up as IPv6 is still IPv4.
        ("10.0.0.0/8", "::ffff:10.0.0.1", true),
        ("::/0", "::ffff:169.254.169.254", false),
        ("::ffff:10.0.0.1", "10.0.0.1", true),
    ] {
        let parsed: Network = network.parse().expect(network);
        assert_eq!(parsed.contains(ip(address)), expect, "{address} in {network}");
    }
}

#[test]
fn what_is_no_network_is_refused() {
    for text in ["", "/", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/-1", "10.0.0.0/8/8", "x"] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}

#[test]
fn a_tenant_reaches_its_own_only() {
    let tenant = |name: &str| TenantId::new(name).expect("valid");
    let mut list = AllowList::default();
    assert!(!list.allows(&tenant("acme"), ip("127.0.0.1")), "an empty list allows nothing");
    list.allow(tenant("acme"), Network::host(ip("10.0.0.1")));
    assert!(list.allows(&tenant("acme"), ip("10.0.0.1")));
    assert!(list.allows(&tenant("acme"), ip("::ffff:10.0.0.1")));
    assert!(!list.allows(&tenant("acme"), ip("10.0.0.2")));
    assert!(!list.allows(&tenant("umbrella"), ip("10.0.0.1")));
    list.allow_everyone(Network::host(ip("127.0.0.1")));
    assert!(list.allows(&tenant("umbrella"), ip("127.0.0.1")));
    assert!(!list.allows(&tenant("umbrella"), ip("169.254.169.254")));
}

proptest! {
    #[test]
    fn parsing_never_panics(text: String) {
        drop(text.parse::<Network>());
    }

    #[test]
    fn a_network_contains_its_own_address(address: u128, four: bool, prefix in 0u8..=128) {
        let address = if four {
            IpAddr::V4(Ipv4Addr::from((address >> 96) as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from(address))
        };
        match Network::new(address, prefix) {
            Some(network) => prop_assert!(network.contains(address)),
            None => prop_assert!(four && prefix > 32),
        }
    }
}
