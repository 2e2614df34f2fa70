//! Functions of strings.

use std::net::IpAddr;

use template::format::Bounded;

/// All letters as capitals, which may be longer; ended once it is past `most` bytes.
pub(super) fn upper(text: &str, most: usize) -> String {
    let mut out = Bounded::new(most);
    text.chars().flat_map(char::to_uppercase).for_each(|character| out.push(character));
    out.into_string()
}

/// Each word with a capital first letter; the rest stays. Ended once it is past `most` bytes.
pub(super) fn title(text: &str, most: usize) -> String {
    let mut out = Bounded::new(most);
    let mut within = false;
    for character in text.chars() {
        if within {
            out.push(character);
        } else {
            character.to_uppercase().for_each(|character| out.push(character));
        }
        within = character.is_alphanumeric() || matches!(character, '\'' | '_' | '’');
    }
    out.into_string()
}

/// `host:port` or `[v6]:port`. `None` where there is no port.
fn split_host_port(address: &str) -> Option<(&str, &str)> {
    if let Some(bracketed) = address.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']')?;
        let port = rest.strip_prefix(':')?;
        return (!port.contains([':', '[', ']'])).then_some((host, port));
    }
    let (host, port) = address.split_once(':')?;
    let plain = !port.contains(':') && !address.contains(['[', ']']);
    plain.then_some((host, port))
}

/// `host:port` without the port.
pub(super) fn strip_port(address: &str) -> &str {
    split_host_port(address).map_or(address, |(host, _)| host)
}

/// `a.b.c:port` as `a:port`; addresses in numbers stay.
pub(super) fn strip_domain(address: &str) -> String {
    let (host, port) = split_host_port(address).unwrap_or((address, ""));
    if host.parse::<IpAddr>().is_ok() {
        return address.to_owned();
    }
    let name = host.split('.').next().unwrap_or(host);
    match (port, name.contains(':')) {
        ("", _) => name.to_owned(),
        (port, true) => format!("[{name}]:{port}"),
        (port, false) => format!("{name}:{port}"),
    }
}

/// The path of a URL, empty where it has none.
pub(super) fn url_path(url: &str) -> String {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    let path = after.find('/').and_then(|start| after.get(start..)).unwrap_or_default();
    path.split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// Seconds of a duration such as `1h30m`, which may be negative.
pub(super) fn duration_seconds(text: &str) -> Result<f64, String> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (-1.0, unsigned),
        None => (1.0, text),
    };
    let millis = promql::parse_duration(unsigned)?;
    Ok(sign * millis as f64 / 1000.0)
}
