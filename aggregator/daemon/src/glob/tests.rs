//! Tests of patterns.

use super::{glob, matches};

#[test]
fn names_match_patterns() {
    let table = [
        ("*.yml", "a.yml", true),
        ("*.yml", "a.yaml", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("[a-c]*", "bx", true),
        ("[^a-c]*", "bx", false),
        ("[a-", "a", false),
        ("*a*b*", "xaxbx", true),
        ("*a*b", "xaxbx", false),
        ("\\*", "*", true),
        ("\\*", "a", false),
        ("**", "", true),
        ("", "", true),
        ("é*", "éa", true),
    ];
    for (pattern, name, wanted) in table {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(matches(&chars(pattern), &chars(name)), wanted, "{pattern} {name}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files for the test")]
fn paths_are_found_below_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("d1")).unwrap();
    for name in ["b.yml", "a.yml", "c.txt", "d1/x.yml"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let found = |pattern: &str| -> Vec<String> {
        let strip = |path: std::path::PathBuf| {
            path.strip_prefix(folder.path()).unwrap().display().to_string()
        };
        glob(folder.path(), pattern).into_iter().map(strip).collect()
    };
    assert_eq!(found("*.yml"), ["a.yml", "b.yml"]);
    assert_eq!(found("d?/*.yml"), ["d1/x.yml"]);
    assert_eq!(found("c.txt"), ["c.txt"]);
    assert_eq!(found("none.yml"), Vec::<String>::new());
    let absolute = folder.path().join("[ab].yml").display().to_string();
    assert_eq!(found(&absolute), ["a.yml", "b.yml"]);
}
