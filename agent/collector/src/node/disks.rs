//! Disks, and file systems on them.

use std::collections::BTreeSet;

use crate::{
    node::{
        filesystems::{Filesystems, Space},
        out::Out,
    },
    parse::{
        lines,
        node::{DISK_COLUMNS, Mount, SECTOR_BYTES, disk_line, mount_line},
    },
};

const MILLI: f64 = 1e-3;
const SECTOR: f64 = SECTOR_BYTES as f64;
/// The columns of `/proc/diskstats` after the name: the metric, and what one is worth.
const COLUMNS: [(&str, f64); DISK_COLUMNS] = [
    ("node_disk_reads_completed_total", 1.0),
    ("node_disk_reads_merged_total", 1.0),
    ("node_disk_read_bytes_total", SECTOR),
    ("node_disk_read_time_seconds_total", MILLI),
    ("node_disk_writes_completed_total", 1.0),
    ("node_disk_writes_merged_total", 1.0),
    ("node_disk_written_bytes_total", SECTOR),
    ("node_disk_write_time_seconds_total", MILLI),
    ("node_disk_io_now", 1.0),
    ("node_disk_io_time_seconds_total", MILLI),
    ("node_disk_io_time_weighted_seconds_total", MILLI),
    ("node_disk_discards_completed_total", 1.0),
    ("node_disk_discards_merged_total", 1.0),
    ("node_disk_discarded_sectors_total", 1.0),
    ("node_disk_discard_time_seconds_total", MILLI),
    ("node_disk_flush_requests_total", 1.0),
    ("node_disk_flush_requests_time_seconds_total", MILLI),
];

impl Out<'_> {
    pub(super) fn disks(&mut self, text: &[u8]) {
        let mut seen = BTreeSet::new();
        for disk in lines(text).filter_map(disk_line) {
            let Ok(name) = std::str::from_utf8(disk.name) else { continue };
            if disk.is_minor() || !self.admit(&mut seen, name) {
                continue;
            }
            for ((metric, unit), value) in COLUMNS.iter().zip(disk.columns()) {
                self.put(metric, &[("device", name)], *value as f64 * unit);
            }
        }
    }

    pub(super) fn filesystems(&mut self, text: &[u8], filesystems: &mut Filesystems) {
        let (mut seen, mut mounts) = (BTreeSet::new(), Vec::new());
        // Of several mounts at one place, the last hides the others.
        let listed: Vec<Mount> = lines(text).filter_map(mount_line).collect();
        for mount in listed.into_iter().rev() {
            if super::filesystems::is_wanted(&mount)
                && self.admit(&mut seen, mount.mountpoint.clone())
            {
                mounts.push(mount);
            }
        }
        mounts.reverse();
        for (mount, space) in filesystems.ask(mounts) {
            let own = [
                ("device", mount.device.as_str()),
                ("fstype", mount.fstype.as_str()),
                ("mountpoint", mount.mountpoint.as_str()),
            ];
            self.put("node_filesystem_device_error", &own, f64::from(u8::from(space.is_none())));
            let Some(Space { size, free, available, files, files_free }) = space else { continue };
            let read_only = u8::from(mount.read_only);
            for (metric, value) in [
                ("node_filesystem_readonly", f64::from(read_only)),
                ("node_filesystem_size_bytes", size as f64),
                ("node_filesystem_free_bytes", free as f64),
                ("node_filesystem_avail_bytes", available as f64),
                ("node_filesystem_files", files as f64),
                ("node_filesystem_files_free", files_free as f64),
            ] {
                self.put(metric, &own, value);
            }
        }
    }
}
