//! The bytes on disk, as they must stay readable.

use std::{fmt::Write as _, path::Path, sync::Arc};

use disk::{Disk, sim::SimDisk};

use super::{DIR, append, open, read};
use crate::Cursors;

/// A tick in a spool and a cursor, as written by the first version.
const CURSOR: &str = "545743555253310a0900000000000000b08ac4cc";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ok = write!(text, "{byte:02x}");
        text
    })
}

#[test]
fn a_cursor() {
    let disk = SimDisk::new(1);
    let mut cursors =
        Cursors::open(Arc::new(disk.clone()), Path::new(DIR), &["one"]).expect("opens");
    cursors.save("one", 9).expect("is saved");
    let bytes = disk::read(&disk, &Path::new(DIR).join("one.cursor"), 100).expect("is there");
    assert_eq!(hex(&bytes), CURSOR);
}

fn golden() -> Vec<u8> {
    let digits = include_str!("v1.hex").trim().as_bytes().chunks(2);
    let bytes = digits.map(|pair| {
        let pair = std::str::from_utf8(pair).expect("is text");
        u8::from_str_radix(pair, 16).expect("is hexadecimal")
    });
    bytes.collect()
}

#[test]
fn a_spool_written_by_the_first_version_is_read() {
    let disk = SimDisk::new(1);
    drop(open(&disk));
    let path = Path::new(DIR).join("0000000000.log");
    disk.create(&path)
        .and_then(|mut file| file.append(&golden()).and_then(|()| file.sync()))
        .expect("is written");
    let mut spool = open(&disk);
    assert_eq!(read(&mut spool.reader(), 0), [0, 1, 2]);
    append(&mut spool, [3]);
    assert_eq!(read(&mut spool.reader(), 0), [0, 1, 2, 3]);
}

/// Where the salt, which is drawn at random, and the checks over it are left out.
#[test]
fn the_same_ticks_are_written_the_same() {
    let disk = SimDisk::new(1);
    let mut spool = open(&disk);
    append(&mut spool, 0..3);
    let path = Path::new(DIR).join("0000000000.log");
    let bytes = disk::read(&disk, &path, 1 << 20).expect("is there");
    let golden = golden();
    assert_eq!(bytes.len(), golden.len(), "{}", hex(&bytes));
    let header = 16..16 + 13;
    let payload = header.end..header.end + 89;
    assert_eq!(bytes.get(payload.clone()), golden.get(payload));
}
