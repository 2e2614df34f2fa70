//! Tests of the manifest.

use std::path::Path;

use disk::{Disk, sim::SimDisk};
use model::{
    matcher::{MatchOp, Matcher},
    tenant::TenantId,
};

use super::{BlockId, FILES, Manifest, Read, Tombstone};

fn manifest() -> Manifest {
    let tombstone = |matchers| Tombstone {
        tenant: TenantId::new("acme").unwrap(),
        matchers,
        start: i64::MIN,
        end: 77,
        until: BlockId(6),
    };
    let matcher = Matcher::new("pod", MatchOp::NotRegex, "web-.*").unwrap();
    Manifest {
        run: 9,
        wal_first: 3,
        next_block: 300,
        blocks: vec![BlockId(1), BlockId(200)],
        tombstones: vec![tombstone(vec![matcher, Matcher::metric("up")]), tombstone(Vec::new())],
    }
}

fn written() -> (SimDisk, &'static Path) {
    let (disk, dir) = (SimDisk::new(1), Path::new("/data"));
    disk.create_dir_all(dir).unwrap();
    assert!(matches!(Manifest::read(&disk, dir).unwrap(), Read::Absent));
    manifest().write(&disk, dir).unwrap();
    (disk, dir)
}

#[test]
fn a_manifest_comes_back_and_its_copy_helps_out() {
    let (disk, dir) = written();
    for expected_copy in [false, true] {
        match Manifest::read(&disk, dir).unwrap() {
            Read::Found { manifest: found, is_copy } => {
                assert_eq!(found, manifest());
                assert_eq!(is_copy, expected_copy);
            }
            other => panic!("{other:?}"),
        }
        disk.rot(&dir.join(FILES[usize::from(expected_copy)])).unwrap();
    }
    assert!(matches!(Manifest::read(&disk, dir).unwrap(), Read::Damaged));
    disk.crash_after(0);
    Manifest::read(&disk, dir).unwrap_err();
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let (disk, dir) = written();
    let mut bytes = disk::read(&disk, &dir.join(FILES[0]), 1 << 20).unwrap();
    bytes[8] = 2;
    let end = bytes.len() - 4;
    let check = codec::checksum::crc32c(&bytes[..end]);
    bytes[end..].copy_from_slice(&check.to_le_bytes());
    disk::atomic::write(&disk, &dir.join(FILES[0]), &bytes).unwrap();
    assert!(matches!(Manifest::read(&disk, dir).unwrap(), Read::Newer { found: 2 }));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        mut body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80),
    ) {
        if let Some(version) = body.first_mut() {
            *version = 1;
        }
        let mut bytes = b"TWMANIF1".to_vec();
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&codec::checksum::crc32c(&bytes).to_le_bytes());
        drop(Manifest::parse(&bytes));
    }
}
