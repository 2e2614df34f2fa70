//! Files, their owners and their faults.

use std::path::PathBuf;

use super::{LoadError, read};
use crate::config::RuleFiles;

const RULES: &str = "groups: [{name: g, rules: [{record: r, expr: x}]}]";

fn set(files: &[&str], tenant: Option<&str>) -> RuleFiles {
    let tenant = tenant.map(str::to_owned);
    RuleFiles { files: files.iter().map(PathBuf::from).collect(), tenant }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files for the test")]
fn files_belong_to_the_tenant_of_their_set() {
    let dir = tempfile::tempdir().expect("is created");
    for name in ["a.yml", "b.yml"] {
        std::fs::write(dir.path().join(name), RULES).expect("is written");
    }
    let sets = [set(&["*.yml", "a.yml"], Some("acme")), set(&["b.yml", "none*"], None)];
    let specs = read(dir.path(), &sets).expect("are right");
    let shown: Vec<(String, String)> = specs
        .iter()
        .map(|(tenant, group)| {
            let file = group.file.rsplit('/').next().unwrap_or_default().to_owned();
            (tenant.as_ref().map_or_else(String::new, ToString::to_string), file)
        })
        .collect();
    let wanted = [("acme", "a.yml"), ("acme", "b.yml"), ("", "b.yml")];
    assert_eq!(shown, wanted.map(|(tenant, file)| (tenant.to_owned(), file.to_owned())));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "files for the test")]
fn all_faults_are_told_together() {
    let dir = tempfile::tempdir().expect("is created");
    std::fs::write(dir.path().join("a.yml"), RULES).expect("is written");
    std::fs::write(dir.path().join("b.yml"), RULES.replace("expr: x", "expr: x(")).expect("is");
    std::fs::create_dir(dir.path().join("c.yml")).expect("is created");
    let error = read(dir.path(), &[set(&["*.yml"], None)]).expect_err("are wrong");
    let LoadError::Faults(faults) = &error else { panic!("{error}") };
    let files: Vec<bool> = ["b.yml", "c.yml"]
        .iter()
        .map(|name| faults.iter().any(|f| f.file.ends_with(name)))
        .collect();
    assert_eq!(files, [true, true], "{error}");
    assert!(!error.to_string().contains("a.yml"));
    let wrong = read(dir.path(), &[set(&["a.yml"], Some("a/b"))]);
    assert!(matches!(wrong, Err(LoadError::Settings(_))));
}
