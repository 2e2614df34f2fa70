//! The header of a syslog datagram, as nginx and other proxies write it.
//!
//! `<190>Nov 23 11:30:03 host tag: what is said`; the host may be missing. Source: RFC 3164.

/// What a datagram says, without its header. A text without a header is all said.
pub fn payload(datagram: &str) -> &str {
    let Some(rest) = datagram.strip_prefix('<') else { return datagram };
    let Some((priority, rest)) = rest.split_once('>') else { return datagram };
    let number = (1..=3).contains(&priority.len());
    if !number || !priority.bytes().all(|byte| byte.is_ascii_digit()) {
        return datagram;
    }
    // The time has colons too, but none before a space.
    rest.split_once(": ").map_or(rest, |(_, said)| said)
}

#[cfg(test)]
mod tests;
