//! Parsers of `/proc/<pid>` files.

use super::{lines, number, words};

/// What is of use in `/proc/<pid>/stat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    pub pid: u32,
    /// `R`, `S`, `D`, `Z`, …
    pub state: u8,
    pub parent: u32,
    pub group: u32,
    pub session: u32,
    pub user_ticks: u64,
    pub system_ticks: u64,
    /// Of children that have ended and were waited for, and of theirs.
    pub children_user_ticks: u64,
    pub children_system_ticks: u64,
    pub threads: u64,
    /// Clock ticks from boot to its start: with the pid it names a process for good.
    pub start_ticks: u64,
}

/// `/proc/<pid>/stat`. The command's name stands in parentheses and may hold any byte, also
/// parentheses and line feeds, so fields are counted from the last closing one.
pub fn stat(text: &[u8]) -> Option<Stat> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    let pid = number(text.get(..open)?)?;
    let mut fields = words(text.get(close + 1..)?.trim_ascii());
    let state = *fields.next()?.first()?;
    let mut next = |skip: usize| fields.nth(skip).and_then(number);
    // A negative parent or group (of kernel threads) becomes 0.
    let mut small = |skip| next(skip).and_then(|value| u32::try_from(value).ok()).unwrap_or(0);
    let (parent, group, session) = (small(0), small(0), small(0));
    Some(Stat {
        pid: u32::try_from(pid).ok()?,
        state,
        parent,
        group,
        session,
        // tty_nr tpgid flags minflt cminflt majflt cmajflt stand between.
        user_ticks: next(7)?,
        system_ticks: next(0)?,
        children_user_ticks: next(0).unwrap_or(0),
        children_system_ticks: next(0).unwrap_or(0),
        // priority and nice stand between, itrealvalue after.
        threads: next(2)?,
        start_ticks: next(1)?,
    })
}

/// `/proc/<pid>/statm`: resident and shared (file-backed) pages.
pub fn statm(text: &[u8]) -> Option<(u64, u64)> {
    let mut fields = words(text.trim_ascii());
    Some((fields.nth(1).and_then(number)?, fields.next().and_then(number)?))
}

/// What is of use in `/proc/<pid>/smaps_rollup`, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    /// Memory in use, with shared pages divided among those who share them.
    pub proportional: u64,
    pub swap: u64,
}

/// `/proc/<pid>/smaps_rollup`: `Pss:   316 kB` lines.
pub fn smaps_rollup(text: &[u8]) -> Option<Rollup> {
    let mut proportional = None;
    let mut swap = 0;
    for line in lines(text) {
        let mut words = words(line);
        let (Some(key), Some(kilobytes)) = (words.next(), words.next().and_then(number)) else {
            continue;
        };
        let bytes = kilobytes.saturating_mul(1024);
        match key {
            b"Pss:" => proportional = Some(bytes),
            b"SwapPss:" => swap = bytes,
            _ => {}
        }
    }
    Some(Rollup { proportional: proportional?, swap })
}

/// `/proc/<pid>/io`: bytes read from and written to storage, those of reaped children included.
pub fn io(text: &[u8]) -> Option<(u64, u64)> {
    let value = |key: &[u8]| lines(text).find_map(|line| line.strip_prefix(key)).and_then(number);
    Some((value(b"read_bytes:")?, value(b"write_bytes:")?))
}
