//! Names of block devices, by number.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use crate::{kernel::read_link, usage::DeviceNumber};

/// Device names remembered; when there are more, all are looked up anew.
const NAMES_MAX: usize = 1024;

/// Device names as far as they were asked for.
#[derive(Debug, Default)]
pub(crate) struct DeviceNames {
    known: BTreeMap<DeviceNumber, Arc<str>>,
}

impl DeviceNames {
    /// `/dev/sda`, or `8:0` when the kernel knows no such device.
    ///
    /// `/sys/dev/block/8:0` is a link whose last component is the kernel's name.
    pub(crate) fn name(&mut self, number: DeviceNumber) -> Arc<str> {
        if let Some(name) = self.known.get(&number) {
            return Arc::clone(name);
        }
        if self.known.len() >= NAMES_MAX {
            self.known.clear();
        }
        let plain = format!("{}:{}", number.major, number.minor);
        let target = read_link(&PathBuf::from("/sys/dev/block").join(&plain));
        let name: Arc<str> = match target.as_deref().and_then(|target| target.rsplit('/').next()) {
            Some(name) if !name.is_empty() => format!("/dev/{name}").into(),
            _ => plain.into(),
        };
        self.known.insert(number, Arc::clone(&name));
        name
    }
}
