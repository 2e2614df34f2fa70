//! Tests of the request as it is sent.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

fn text(get: &HttpGet, address: &Address, keep: bool) -> String {
    String::from_utf8(request(get, &get.path, address, "agent/1", keep)).expect("text")
}

#[test]
fn a_request_names_its_host_and_how_it_ends() {
    let get = HttpGet::new(8080, "/healthz");
    let address = Address::Ip(Ipv4Addr::LOCALHOST.into());
    assert_eq!(
        text(&get, &address, false),
        "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: agent/1\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    );
    assert!(text(&get, &address, true).contains("Connection: keep-alive\r\n"));
}

#[test]
fn hosts_are_written_as_they_must_be() {
    let host = |get: &HttpGet, address: Address| {
        let text = text(get, &address, false);
        let line = text.lines().nth(1).expect("a second line").to_owned();
        line.strip_prefix("Host: ").expect("the host").to_owned()
    };
    let get = HttpGet::new(80, "/");
    assert_eq!(host(&get, Address::Ip(Ipv6Addr::LOCALHOST.into())), "[::1]");
    assert_eq!(host(&get, Address::Name("shop.example".to_owned())), "shop.example");
    let get = HttpGet { host: Some("other.example".to_owned()), ..HttpGet::new(8080, "/") };
    assert_eq!(host(&get, Address::Ip(Ipv4Addr::LOCALHOST.into())), "other.example");
}

#[test]
fn own_headers_replace_the_defaults_and_an_empty_one_removes_them() {
    let headers = [("user-agent", "mine"), ("Accept", ""), ("X-Probe", "1")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let get = HttpGet { headers, ..HttpGet::new(8080, "/") };
    let text = text(&get, &Address::Ip(Ipv4Addr::LOCALHOST.into()), false);
    assert!(
        text.ends_with("Connection: close\r\nuser-agent: mine\r\nX-Probe: 1\r\n\r\n"),
        "{text}"
    );
    assert!(!text.contains("agent/1") && !text.contains("Accept"));
}

#[test]
fn a_text_is_found_wherever_it_is() {
    assert!(contains(b"all is ok here", b"ok"));
    assert!(contains(b"ok", b"ok"));
    assert!(!contains(b"o", b"ok"));
    assert!(!contains(b"", b"ok"));
}
