//! Redirects within the same host.

use super::exchange::Answer;
use crate::spec::{HttpGet, PATH_BYTES_MAX};

/// The path that an answer redirects to, if that is on the same host; RFC 9110 section 15.4.
///
/// An absolute location counts as the same host when its authority is the one that was asked for
/// by the `Host` header. Without such a header the address is only known to the platform, so an
/// absolute location is another host.
pub(super) fn same_host(answer: &Answer, get: &HttpGet, path: &str) -> Option<String> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = answer.location.as_deref()?;
    let location = location.split('#').next().unwrap_or_default();
    let target = if location.starts_with("//") {
        return None;
    } else if location.starts_with('/') {
        location.to_owned()
    } else if location.contains("://") {
        let scheme = location.get(.."http://".len())?;
        let rest = location.get("http://".len()..)?;
        if !scheme.eq_ignore_ascii_case("http://") {
            return None;
        }
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let host = get.host.as_deref()?;
        if !authority.eq_ignore_ascii_case(host) {
            return None;
        }
        if tail.starts_with('/') { tail.to_owned() } else { format!("/{tail}") }
    } else {
        // Relative to the last slash of the path.
        let path = path.split('?').next().unwrap_or_default();
        let base = path.rsplit_once('/').map_or("", |(base, _)| base);
        format!("{base}/{location}")
    };
    let valid = target.len() <= PATH_BYTES_MAX
        && target.bytes().all(|byte| byte.is_ascii_graphic() || byte >= 0x80);
    valid.then_some(target)
}

#[cfg(test)]
mod tests;
