//! Parsers of block I/O statistics by device, of v1 and v2.

use super::{assignment, lines, number, words};
use crate::usage::{DeviceIo, DeviceNumber};

/// One number of one device, as a file states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoValue {
    ReadBytes(u64),
    WrittenBytes(u64),
    Reads(u64),
    Writes(u64),
}

impl IoValue {
    pub fn store(self, device: &mut DeviceIo) {
        match self {
            Self::ReadBytes(value) => device.read_bytes = Some(value),
            Self::WrittenBytes(value) => device.written_bytes = Some(value),
            Self::Reads(value) => device.reads = Some(value),
            Self::Writes(value) => device.writes = Some(value),
        }
    }
}

/// v1 `blkio.throttle.io_service_bytes` and its `_recursive` form: `8:0 Read 4096`.
pub fn blkio_bytes(text: &[u8], store: impl FnMut(DeviceNumber, IoValue)) -> Option<()> {
    blkio(text, IoValue::ReadBytes, IoValue::WrittenBytes, store)
}

/// v1 `blkio.throttle.io_serviced` and its `_recursive` form: `8:0 Read 1`.
pub fn blkio_operations(text: &[u8], store: impl FnMut(DeviceNumber, IoValue)) -> Option<()> {
    blkio(text, IoValue::Reads, IoValue::Writes, store)
}

/// The last line of such a file is `Total N`: a file without a device is valid and empty.
fn blkio(
    text: &[u8],
    read: fn(u64) -> IoValue,
    write: fn(u64) -> IoValue,
    mut store: impl FnMut(DeviceNumber, IoValue),
) -> Option<()> {
    let mut seen = None;
    for line in lines(text) {
        let mut words = words(line);
        let (Some(first), Some(second)) = (words.next(), words.next()) else { continue };
        if first == b"Total" {
            seen = Some(());
            continue;
        }
        let (Some(device), Some(value)) = (device_number(first), words.next().and_then(number))
        else {
            continue;
        };
        match second {
            b"Read" => store(device, read(value)),
            b"Write" => store(device, write(value)),
            _ => {}
        }
        seen = Some(());
    }
    seen
}

/// v2 `io.stat`: `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6`. Devices that have not
/// been used have no line, and an empty file is valid.
pub fn io_stat(text: &[u8], mut store: impl FnMut(DeviceNumber, IoValue)) -> Option<()> {
    let mut seen = if text.is_empty() { Some(()) } else { None };
    for line in lines(text) {
        let mut words = words(line);
        let Some(device) = words.next().and_then(device_number) else { continue };
        seen = Some(());
        for (key, value) in words.filter_map(assignment) {
            let Some(value) = number(value) else { continue };
            match key {
                b"rbytes" => store(device, IoValue::ReadBytes(value)),
                b"wbytes" => store(device, IoValue::WrittenBytes(value)),
                b"rios" => store(device, IoValue::Reads(value)),
                b"wios" => store(device, IoValue::Writes(value)),
                _ => {}
            }
        }
    }
    seen
}

/// `major:minor`.
pub fn device_number(word: &[u8]) -> Option<DeviceNumber> {
    let colon = word.iter().position(|byte| *byte == b':')?;
    let (major, minor) = word.split_at_checked(colon)?;
    Some(DeviceNumber {
        major: u32::try_from(number(major)?).ok()?,
        minor: u32::try_from(number(minor.get(1..)?)?).ok()?,
    })
}
