//! What is embedded; written by `npm run build` in `web`, not by hand.

use crate::Asset;

/// Paths as a browser asks for them, each with its file.
pub(crate) static FILES: &[(&str, Asset)] = &[
    (
        "/assets/index-dbf6ac24.css",
        Asset {
            body: include_bytes!("../web/dist/assets/index-dbf6ac24.css"),
            content_type: "text/css; charset=utf-8",
            immutable: true,
            gzip: Some(include_bytes!("../web/dist/assets/index-dbf6ac24.css.gz")),
        },
    ),
    (
        "/assets/page-30cc26f9.js",
        Asset {
            body: include_bytes!("../web/dist/assets/page-30cc26f9.js"),
            content_type: "text/javascript; charset=utf-8",
            immutable: true,
            gzip: Some(include_bytes!("../web/dist/assets/page-30cc26f9.js.gz")),
        },
    ),
    (
        "/icon.svg",
        Asset {
            body: include_bytes!("../web/dist/icon.svg"),
            content_type: "image/svg+xml",
            immutable: false,
            gzip: Some(include_bytes!("../web/dist/icon.svg.gz")),
        },
    ),
    (
        "/index.html",
        Asset {
            body: include_bytes!("../web/dist/index.html"),
            content_type: "text/html; charset=utf-8",
            immutable: false,
            gzip: Some(include_bytes!("../web/dist/index.html.gz")),
        },
    ),
    (
        "/licenses.txt",
        Asset {
            body: include_bytes!("../web/dist/licenses.txt"),
            content_type: "text/plain; charset=utf-8",
            immutable: false,
            gzip: Some(include_bytes!("../web/dist/licenses.txt.gz")),
        },
    ),
];
