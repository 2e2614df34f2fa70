//! Where a client may go.

use super::{client::stays, *};

fn reach(networks: &[&str]) -> Reach {
    let networks: Vec<Network> =
        networks.iter().map(|text| text.parse().expect("is a network")).collect();
    Reach::new(&networks)
}

#[test]
fn names_lead_to_this_machine_only_if_they_say_so() {
    for (networks, name, address, allowed) in [
        (&[][..], "app.example", "10.0.0.7", true),
        (&[], "app.example", "127.0.0.1", false),
        (&[], "app.example", "127.8.0.1", false),
        (&[], "app.example", "::1", false),
        (&[], "app.example", "::ffff:127.0.0.1", false),
        (&[], "app.example", "0.0.0.0", false),
        (&[], "app.example", "::", false),
        (&[], "app.example", "169.254.169.254", false),
        (&[], "app.example", "::ffff:169.254.169.254", false),
        (&[], "app.example", "fe80::1", false),
        (&[], "localhost.example", "127.0.0.1", false),
        (&[], "notlocalhost", "127.0.0.1", false),
        (&[], "localhost", "127.0.0.1", true),
        (&[], "LocalHost.", "::1", true),
        (&[], "app.localhost", "127.0.0.1", true),
        (&[], "localhost", "169.254.169.254", false),
        (&["127.0.0.0/8"], "app.example", "127.0.0.1", true),
        (&["10.0.0.0/8"], "localhost", "127.0.0.1", false),
    ] {
        let found = reach(networks).allows_found(name, address.parse().expect("is an address"));
        assert_eq!(found, allowed, "{networks:?} {name} {address}");
    }
}

#[test]
fn answers_for_a_name_are_the_choice_of_others() {
    for (networks, name, address, allowed) in [
        (&[][..], "apps.test.", "10.0.0.1:80", true),
        (&[], "apps.test.", "app.test:80", true),
        (&[], "apps.test.", "127.0.0.1:80", false),
        (&[], "apps.test.", "127.1:80", false),
        (&[], "apps.test.", "2130706433:80", false),
        (&[], "apps.test.", "[::1]:80", false),
        (&[], "apps.test.", "localhost:80", false),
        (&[], "apps.test.", "", false),
        (&[], "localhost", "127.0.0.1:80", true),
        (&["127.0.0.0/8"], "apps.test.", "127.0.0.1:80", true),
        (&["10.0.0.0/8"], "apps.test.", "127.0.0.1:80", false),
    ] {
        assert_eq!(reach(networks).allows_answer(name, address), allowed, "{name} {address}");
    }
}

#[test]
fn literal_addresses_count_as_they_are_asked_for() {
    for (url, allowed) in [
        ("http://127.0.0.1:1/", true),
        ("http://[::1]:1/", true),
        ("http://10.0.0.7/", true),
        ("http://169.254.169.254/", false),
        ("http://2852039166/", false),
        ("http://[::ffff:169.254.169.254]/", false),
        ("http://[fe80::1]/", false),
    ] {
        assert_eq!(reach(&[]).allows_url(&url.parse().expect("is a URL")), allowed, "{url}");
    }
}

#[test]
fn redirects_stay_at_scheme_host_and_port() {
    for (asked, to, same) in [
        ("http://h:1/metrics", "http://h:1/other?x=y", true),
        ("http://h/metrics", "http://H:80/", true),
        ("http://h:1/", "http://h:2/", false),
        ("http://h:1/", "http://other:1/", false),
        ("https://h:1/", "http://h:1/", false),
        ("http://h/", "https://h/", false),
        ("http://h/", "file:///etc/passwd", false),
    ] {
        let [asked, to] = [asked, to].map(|url| url.parse().expect("is a URL"));
        assert_eq!(stays(&asked, &to), same, "{asked} {to}");
    }
}
