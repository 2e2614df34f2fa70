//! Reads the tree and asks every rule of the house.
#![expect(clippy::disallowed_methods, reason = "it reads the sources as they lie on disk")]

use std::{path::Path, process::Command, sync::LazyLock};

use tidy::{
    document::{block, map, words},
    files::{self, File},
    licences, links, manifests,
    packages::{self, Package},
    purity, walls,
};

static TREE: LazyLock<Tree> = LazyLock::new(Tree::read);

/// What the rules look at.
struct Tree {
    /// Path and content of what git tracks or would track. Content that is no text is empty.
    files: Vec<(String, String)>,
    /// The workspace's packages and all that they depend on.
    packages: Vec<Package>,
}

impl Tree {
    fn read() -> Self {
        let listing = run("git", &["ls-files", "--cached", "--others", "--exclude-standard"]);
        let files = listing
            .lines()
            .filter(|path| root().join(path).is_file())
            .map(|path| {
                let content = std::fs::read(root().join(path)).unwrap_or_default();
                (path.to_owned(), String::from_utf8(content).unwrap_or_default())
            })
            .collect();
        let version = run("rustc", &["-vV"]);
        let host =
            version.lines().find_map(|line| line.strip_prefix("host: ")).expect("has a host");
        let arguments =
            ["metadata", "--offline", "--locked", "--format-version=1", "--filter-platform", host];
        let metadata = run(env!("CARGO"), &arguments);
        Self { files, packages: packages::read(&metadata).expect("is metadata") }
    }

    fn files(&self) -> Vec<File<'_>> {
        self.files.iter().map(|(path, content)| File { path, content }).collect()
    }

    fn content(&self, path: &str) -> &str {
        let file = self.files.iter().find(|file| file.0 == path);
        &file.unwrap_or_else(|| panic!("there is no {path}")).1
    }

    fn block(&self, label: &str) -> &str {
        block(self.content("ARCHITECTURE.md"), label).expect("the block is there")
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("is UTF-8")
}

#[track_caller]
fn none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn every_crate_is_on_the_map() {
    let layers = map(TREE.block("layers")).expect("is a map");
    none(&walls::unlisted_crates(&layers, &TREE.packages));
}

#[test]
fn every_crate_uses_only_what_the_map_allows() {
    let layers = map(TREE.block("layers")).expect("is a map");
    none(&walls::wrong_edges(&layers, &TREE.packages));
}

/// What runs with privileges on every node holds nothing that it does not need.
#[test]
fn the_agents_own_program_holds_no_store_no_rules_and_no_page() {
    let layers = map(TREE.block("layers")).expect("is a map");
    let mut held = std::collections::BTreeSet::from(["tidewatch-agent"]);
    let mut open = vec!["tidewatch-agent"];
    while let Some(name) = open.pop() {
        let used = layers.get(name).expect("is on the map").iter().map(String::as_str);
        open.extend(used.filter(|name| held.insert(name)));
    }
    assert!(held.contains("collector"), "{held:?}");
    for stranger in ["aggregator", "alerting", "dashboards", "demo", "promql", "rules", "tsdb"] {
        assert!(!held.contains(stranger), "tidewatch-agent holds {stranger}: {held:?}");
    }
}

#[test]
fn confined_crates_stay_where_they_are() {
    let confined = map(TREE.block("confined")).expect("is a map");
    none(&walls::strays(&confined, &TREE.packages));
}

#[test]
fn every_external_crate_is_on_the_list() {
    none(&walls::unlisted_externals(&words(TREE.block("external")), &TREE.packages));
}

#[test]
fn pure_crates_are_pure() {
    none(&purity::violations(&words(TREE.block("pure")), &TREE.packages, &TREE.files()));
}

#[test]
fn licences_are_permissive() {
    none(&licences::not_allowed(&TREE.packages));
}

#[test]
fn there_is_one_tls_stack() {
    none(&licences::banned(TREE.content("Cargo.lock")).expect("is a lock file"));
}

#[test]
fn every_rust_file_introduces_itself() {
    none(&files::undocumented(&TREE.files()));
}

#[test]
fn every_source_file_is_short() {
    none(&files::too_long(&TREE.files()));
}

#[test]
fn there_is_one_clippy_configuration() {
    none(&files::second_clippy_configurations(&TREE.files()));
}

#[test]
fn the_top_level_holds_what_belongs_there() {
    none(&files::strangers_at_the_top(&TREE.files()));
}

#[test]
fn every_manifest_inherits_lints_and_versions() {
    let manifests = TREE
        .files
        .iter()
        .filter(|(path, _)| path.rsplit('/').next() == Some("Cargo.toml"))
        .flat_map(|(path, content)| manifests::violations(path, content));
    none(&manifests.collect::<Vec<_>>());
}

#[test]
fn links_between_documents_lead_somewhere() {
    let exists = |path: &str| root().join(path).exists();
    let broken = TREE
        .files
        .iter()
        .filter(|(path, _)| path.ends_with(".md"))
        .flat_map(|(path, content)| links::broken(path, content, exists));
    none(&broken.collect::<Vec<_>>());
}
