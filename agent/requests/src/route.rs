//! Puts paths into few classes: identifiers become `:id`, and what is deep is cut.

/// Segments kept; what is below becomes `*`.
pub const SEGMENTS_MAX: usize = 6;
/// Longer segments are taken for identifiers.
pub const SEGMENT_BYTES_MAX: usize = 40;

/// The class of a request's path: `/users/42/orders?page=2` becomes `/users/:id/orders`.
///
/// Without the query; a segment that holds a number, a UUID, much hexadecimal or something that is
/// not plain text is an identifier. The class is written over what `class` held.
pub fn route_class(path: &str, class: &mut String) {
    class.clear();
    let path = path.split(['?', '#', ';']).next().unwrap_or_default();
    for (number, segment) in path.split('/').filter(|segment| !segment.is_empty()).enumerate() {
        if number == SEGMENTS_MAX {
            class.push_str("/*");
            break;
        }
        class.push('/');
        class.push_str(if is_identifier(segment) { ":id" } else { segment });
    }
    if class.is_empty() {
        class.push('/');
    }
}

/// Words with a version (`v1`, `oauth2`, `utf8`) are no identifiers.
fn is_identifier(segment: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    if segment.len() > SEGMENT_BYTES_MAX || !segment.bytes().all(plain) {
        return true;
    }
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let letters = segment.bytes().filter(u8::is_ascii_alphabetic).count();
    let hexadecimal = segment.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    digits > letters || (hexadecimal && digits > 0 && segment.len() >= 8) || digits >= 4
}

#[cfg(test)]
mod tests;
