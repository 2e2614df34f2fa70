//! Files of targets, and what happens to them.

use std::time::Duration;

use proptest::prelude::*;
use scrape::{config::values::Span, group::Update};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::*;

fn files(dir: &TempDir, names: &[&str]) -> Files {
    let files = names.iter().map(|name| dir.path().join(name).display().to_string()).collect();
    let (updates, _found) = mpsc::channel::<Update>(1);
    let outlet = Outlet { job: 0, source: "s".to_owned(), updates };
    Files::new(FileSettings { files, refresh_interval: Span(Duration::from_secs(1)) }, outlet)
}

async fn write(dir: &TempDir, name: &str, text: &str) {
    tokio::fs::write(dir.path().join(name), text).await.expect("is written");
}

/// The addresses found, `None` when nothing changed.
async fn asked(files: &mut Files) -> Option<Vec<String>> {
    let groups = files.ask().await?;
    let targets = groups.iter().flat_map(|group| &group.targets);
    Some(targets.map(|target| target.get("__address__").to_owned()).collect())
}

#[tokio::test]
async fn files_are_followed() {
    let dir = tempfile::tempdir().expect("is created");
    let mut files = files(&dir, &["a*.json", "b.yml"]);
    assert_eq!(asked(&mut files).await, None, "nothing there");
    write(&dir, "a1.json", r#"[{"targets": ["x:1", "y:2"], "labels": {"env": "test"}}]"#).await;
    write(&dir, "b.yml", "- targets: ['z:3']\n").await;
    write(&dir, "other.json", r#"[{"targets": ["no:1"]}]"#).await;
    assert_eq!(asked(&mut files).await.expect("changed"), ["x:1", "y:2", "z:3"]);
    assert_eq!(asked(&mut files).await, None, "no change");
    write(&dir, "b.yml", "- targets: [").await;
    assert_eq!(asked(&mut files).await, None, "a broken file changes nothing");
    write(&dir, "b.yml", "").await;
    assert_eq!(asked(&mut files).await.expect("changed"), ["x:1", "y:2"]);
    tokio::fs::remove_file(dir.path().join("a1.json")).await.expect("is removed");
    assert_eq!(asked(&mut files).await.expect("changed"), Vec::<String>::new());
}

#[test]
fn both_forms_say_the_same() {
    let json = r#"[{"targets": ["a:1"], "labels": {"n": "1"}}, {"targets": []}]"#;
    let yaml = "- targets: ['a:1']\n  labels: {n: '1'}\n- targets: []\n";
    let of_json = parse(Path::new("/x.json"), json).expect("is valid");
    let mut of_yaml = parse(Path::new("/x.yml"), yaml).expect("is valid");
    assert_eq!(of_yaml[0].labels.get("__meta_filepath"), "/x.yml");
    for group in &mut of_yaml {
        group.labels.set("__meta_filepath", "/x.json");
    }
    assert_eq!(of_json, of_yaml);
    for (name, text) in [("x.json", "{}"), ("x.yml", "targets: []"), ("x.yml", "- target: []")] {
        assert!(parse(Path::new(name), text).is_err(), "{text}");
    }
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut bomb = String::from("- &a0 {targets: [x]}\n");
    for level in 1..30 {
        let before = level - 1;
        bomb.push_str(&format!("- &a{level} {{targets: [*a{before}, *a{before}]}}\n"));
    }
    assert!(parse(Path::new("x.yml"), &bomb).is_err());
}

#[test]
fn a_star_is_anything() {
    for (pattern, name, expected) in [
        ("*.json", "a.json", true),
        ("*.json", "a.jso", false),
        ("a*b*c", "a-b-c", true),
        ("a*b*c", "abbc", true),
        ("a*b*c", "acb", false),
        ("a*a", "a", false),
        ("a", "a", true),
        ("a", "ab", false),
    ] {
        assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,80}") {
        drop(parse(Path::new("x.json"), &text));
        drop(parse(Path::new("x.yml"), &text));
    }
}
