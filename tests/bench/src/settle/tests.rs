//! Counting files.

use std::fs;

use super::files;

#[test]
fn all_files_below_a_directory_count() {
    let dir = tempfile::tempdir().expect("is created");
    assert_eq!(files(dir.path()), Ok(0.0));
    fs::create_dir_all(dir.path().join("a/b")).expect("is created");
    fs::write(dir.path().join("one"), [0; 10]).expect("is written");
    fs::write(dir.path().join("a/b/two"), [0; 32]).expect("is written");
    assert_eq!(files(dir.path()), Ok(42.0));
    assert!(files(&dir.path().join("missing")).is_err());
}
