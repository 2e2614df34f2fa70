//! What is embedded is complete, small, and as the content policy wants it.

use std::{
    collections::BTreeSet,
    io::Read,
    path::{Path, PathBuf},
};

use super::*;

fn dist() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web/dist")
}

fn files_below(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
    for entry in folder.read_dir().unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            files_below(&entry.path(), &name, found);
        } else {
            found.insert(name);
        }
    }
}

fn page() -> &'static str {
    std::str::from_utf8(asset("/").unwrap().body).unwrap()
}

/// Values of `src` and `href` in the page.
fn references() -> Vec<&'static str> {
    page()
        .split(['\n', ' ', '>'])
        .filter_map(|part| part.strip_prefix("src=\"").or(part.strip_prefix("href=\"")))
        .map(|part| part.split('"').next().unwrap())
        .collect()
}

#[test]
fn every_built_file_is_embedded_and_nothing_else() {
    let mut built = BTreeSet::new();
    files_below(&dist(), "", &mut built);
    let plain: BTreeSet<_> = built.iter().filter(|name| !name.ends_with(".gz")).cloned().collect();
    let listed: BTreeSet<_> = files::FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(plain, listed);
    let packed: BTreeSet<_> =
        built.iter().filter_map(|name| name.strip_suffix(".gz")).map(str::to_owned).collect();
    let listed = files::FILES.iter().filter(|(_, asset)| asset.gzip.is_some());
    assert_eq!(packed, listed.map(|(name, _)| (*name).to_owned()).collect());
}

#[test]
fn compressed_bodies_are_the_bodies() {
    for (name, asset) in files::FILES {
        let Some(packed) = asset.gzip else { continue };
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut plain).unwrap();
        assert!(plain == asset.body, "{name}");
        assert!(packed.len() < asset.body.len(), "{name}");
    }
}

#[test]
fn all_together_is_small() {
    let size = |asset: &Asset| asset.gzip.unwrap_or(asset.body).len();
    let total: usize = files::FILES.iter().map(|(_, asset)| size(asset)).sum();
    assert!(total <= 90 * 1024, "{total} bytes");
}

#[test]
fn the_root_is_the_page_and_is_asked_for_each_time() {
    let page = asset("/").unwrap();
    assert_eq!(page.body, asset("/index.html").unwrap().body);
    assert_eq!(page.content_type, "text/html; charset=utf-8");
    assert!(!page.immutable);
}

#[test]
fn other_paths_are_not_there() {
    for path in ["", "index.html", "//", "/assets", "/assets/", "/../src/lib.rs", "/index.html.gz"]
    {
        assert!(asset(path).is_none(), "{path}");
    }
}

#[test]
fn only_names_with_a_hash_are_kept_for_ever() {
    let kept: Vec<_> = files::FILES.iter().filter(|(_, asset)| asset.immutable).collect();
    assert!(!kept.is_empty());
    for (name, _) in kept {
        let stem = name.rsplit_once('.').unwrap().0;
        let hash = stem.rsplit_once('-').unwrap().1;
        assert!(name.starts_with("/assets/") && hash.len() >= 8, "{name}");
    }
}

#[test]
fn the_page_refers_only_to_what_is_embedded_and_by_relative_paths() {
    let references = references();
    assert!(references.len() >= 3, "{references:?}");
    for reference in references {
        let path =
            reference.strip_prefix('.').unwrap_or_else(|| panic!("not relative: {reference}"));
        assert!(asset(path).is_some(), "{reference}");
    }
}

#[test]
fn the_page_has_nothing_inline() {
    for script in page().split("<script").skip(1) {
        let (attributes, rest) = script.split_once('>').unwrap();
        assert!(attributes.contains("src="), "{attributes}");
        assert!(rest.starts_with("</script>"), "{rest}");
    }
    for forbidden in ["<style", " style=", " onload=", " onclick=", "http://", "https://"] {
        assert!(!page().contains(forbidden), "{forbidden}");
    }
}

#[test]
fn the_policy_is_a_header_value_that_allows_nothing_inline() {
    let policy = content_security_policy();
    assert!(policy.chars().all(|char| char == ' ' || char.is_ascii_graphic()));
    assert!(policy.starts_with("default-src 'none'"));
    assert!(policy.contains("frame-ancestors 'none'"));
    assert!(!policy.contains("unsafe") && !policy.contains('*'));
}
