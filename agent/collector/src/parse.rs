//! Parsers of kernel files: over bytes, without allocation, and without trust.
//!
//! A parser returns what it recognised and passes over the rest, because kernels add lines over
//! time. Formats: the kernel's `Documentation/admin-guide/cgroup-v1`, `cgroup-v2.rst`,
//! `accounting/psi.rst`, `filesystems/proc.rst` and `admin-guide/iostats.rst`.

pub mod cgroup;
pub mod io;
pub mod netlink;
pub mod node;
pub mod process;

/// A decimal number and nothing else but white space around it. `None` on overflow.
pub fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { value.checked_mul(10)?.checked_add(u64::from(digit)) }
    })
}

/// The lines, without their ends.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

/// The words of a line: parts between spaces and tabs.
pub fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}

/// `key value` lines; lines of another shape are passed over.
pub fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], u64)> {
    lines(text).filter_map(|line| {
        let space = line.iter().position(|byte| *byte == b' ')?;
        let (key, value) = line.split_at_checked(space)?;
        Some((key, number(value)?))
    })
}

/// `key=value`, split.
pub fn assignment(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = word.iter().position(|byte| *byte == b'=')?;
    let (key, rest) = word.split_at_checked(equals)?;
    Some((key, rest.get(1..)?))
}

#[cfg(test)]
mod tests;
