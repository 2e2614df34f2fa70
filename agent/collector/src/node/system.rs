//! The system as a whole: its names, its clock, its open files.

use std::path::Path;

use crate::{
    kernel::Kernel,
    node::out::Out,
    parse::{self, lines, node::os_release_line, words},
};

/// Where systems describe themselves; the first that is there.
const RELEASE_FILES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];
/// Of `os-release`, by its names, and the labels that they become.
const RELEASE: [(&str, &str); 12] = [
    ("BUILD_ID", "build_id"),
    ("ID", "id"),
    ("ID_LIKE", "id_like"),
    ("IMAGE_ID", "image_id"),
    ("IMAGE_VERSION", "image_version"),
    ("NAME", "name"),
    ("PRETTY_NAME", "pretty_name"),
    ("VARIANT", "variant"),
    ("VARIANT_ID", "variant_id"),
    ("VERSION", "version"),
    ("VERSION_CODENAME", "version_codename"),
    ("VERSION_ID", "version_id"),
];

/// Labels and values of the operating system's description.
pub(super) fn release(kernel: &mut Kernel) -> Vec<(String, String)> {
    for file in RELEASE_FILES {
        if let Ok(text) = kernel.read_path(Path::new(file)) {
            let known = |(name, value): (&str, &str)| {
                let (_, label) = RELEASE.iter().find(|(own, _)| *own == name)?;
                Some(((*label).to_owned(), value.to_owned()))
            };
            return lines(text).filter_map(os_release_line).filter_map(known).collect();
        }
    }
    Vec::new()
}

impl Out<'_> {
    pub(super) fn names(&mut self, release: &[(String, String)]) {
        let uname = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        let names = [
            ("domainname", text(uname.domainname())),
            ("machine", text(uname.machine())),
            ("nodename", text(uname.nodename())),
            ("release", text(uname.release())),
            ("sysname", text(uname.sysname())),
            ("version", text(uname.version())),
        ];
        let names = names.each_ref().map(|(label, value)| (*label, value.as_str()));
        self.put("node_uname_info", &names, 1.0);
        let labels: Vec<(&str, &str)> =
            release.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
        self.put("node_os_info", &labels, 1.0);
        let of = |wanted: &str| release.iter().find(|(label, _)| label == wanted);
        // As node_exporter does: the first two parts of the version, as a number.
        let version = of("version_id").and_then(|(_, version)| {
            let mut parts = version.splitn(3, '.');
            let (major, minor) = (parts.next()?, parts.next().unwrap_or("0"));
            format!("{major}.{minor}").parse::<f64>().ok().filter(|number| number.is_finite())
        });
        if let Some(version) = version {
            let named = |(label, _): &&(&str, &str)| matches!(*label, "id" | "id_like" | "name");
            let labels: Vec<_> = labels.iter().filter(named).copied().collect();
            self.put("node_os_version", &labels, version);
        }
        self.put("node_time_seconds", &[], self.time.seconds());
    }

    /// `/proc/sys/fs/file-nr`: in use, unused, allowed.
    pub(super) fn files(&mut self, text: &[u8]) {
        let numbers: Vec<_> = words(text.trim_ascii()).filter_map(parse::number).collect();
        if let [used, _, allowed] = numbers.as_slice() {
            self.put("node_filefd_allocated", &[], *used as f64);
            self.put("node_filefd_maximum", &[], *allowed as f64);
        }
    }

    pub(super) fn number(&mut self, metric: &str, text: &[u8]) {
        if let Some(value) = parse::number(text) {
            self.put(metric, &[], value as f64);
        }
    }
}
