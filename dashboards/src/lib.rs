//! The web page, built and embedded: the aggregator serves it, nothing has to be installed beside it.
//!
//! The sources are in `web`, and so is what they build to (`web/dist`), which is committed; `web/check.sh`
//! proves that the one comes from the other. Building this crate needs no Node.

mod files;

/// A file of the page.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    pub body: &'static [u8],
    /// For the header of that name.
    pub content_type: &'static str,
    /// Whether the name contains a hash of the content, so that a browser may keep it for ever. All
    /// else must be asked for again each time.
    pub immutable: bool,
    /// The same body compressed, where that makes it smaller.
    pub gzip: Option<&'static [u8]>,
}

/// The file that belongs to the path of a request, `/` being the page itself. Takes no query: what the
/// page shows stands in it, and concerns only the page.
pub fn asset(path: &str) -> Option<Asset> {
    let wanted = if path == "/" { "/index.html" } else { path };
    files::FILES.iter().find(|(name, _)| *name == wanted).map(|(_, asset)| *asset)
}

/// Value of the `Content-Security-Policy` header to be sent with every file: nothing from elsewhere,
/// nothing inline, never in a frame.
pub fn content_security_policy() -> &'static str {
    include_str!("../web/csp.txt").trim_end()
}

#[cfg(test)]
mod tests;
