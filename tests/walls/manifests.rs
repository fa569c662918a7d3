//! Which package depends on which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::root;
use crate::sources::{Source, below};

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

impl Package {
    /// What the package itself needs; not its tests, not its build script.
    fn needs(&self) -> impl Iterator<Item = &str> {
        let normal = self
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind.is_none());
        normal.map(|dependency| dependency.name.as_str())
    }
}

fn packages() -> Vec<Package> {
    let output = Command::new("cargo")
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice::<Metadata>(&output.stdout)
        .expect("cargo metadata")
        .packages
}

/// Who may know whom among our packages.
fn may_know() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let edges: [(&str, &[&str]); 12] = [
        ("pointsman-route-key", &[]),
        ("pointsman-words", &[]),
        ("pointsman-proto", &[]),
        ("pointsman-http1", &[]),
        ("pointsman-process", &[]),
        (
            "pointsman-admin",
            &["pointsman-process", "pointsman-route-key"],
        ),
        (
            "pointsman-registry",
            &["pointsman-route-key", "pointsman-words"],
        ),
        (
            "pointsman-routing",
            &["pointsman-route-key", "pointsman-words"],
        ),
        (
            "pointsman-control-plane",
            &[
                "pointsman-admin",
                "pointsman-process",
                "pointsman-proto",
                "pointsman-registry",
                "pointsman-route-key",
            ],
        ),
        (
            "pointsman-data-plane",
            &[
                "pointsman-admin",
                "pointsman-http1",
                "pointsman-process",
                "pointsman-proto",
                "pointsman-route-key",
                "pointsman-routing",
            ],
        ),
        // Both planes in one process: it is their wiring, and names what they are made of.
        (
            "pointsman",
            &[
                "pointsman-control-plane",
                "pointsman-data-plane",
                "pointsman-http1",
                "pointsman-process",
                "pointsman-proto",
                "pointsman-registry",
            ],
        ),
        ("pointsman-sample-app", &[]),
    ];
    edges
        .into_iter()
        .map(|(name, known)| (name, known.iter().copied().collect()))
        .collect()
}

/// The outside libraries that each pure core may use.
const PURE: [(&str, &[&str]); 5] = [
    ("pointsman-route-key", &[]),
    ("pointsman-words", &[]),
    ("pointsman-registry", &["foldhash", "hashbrown"]),
    ("pointsman-routing", &["foldhash", "smallvec"]),
    ("pointsman-http1", &["httparse", "memchr"]),
];

fn is_ours(name: &str) -> bool {
    name == "pointsman" || name.starts_with("pointsman-")
}

#[test]
fn packages_know_only_whom_they_may() {
    let allowed = may_know();
    for package in packages()
        .iter()
        .filter(|package| package.name != "pointsman-tests")
    {
        let known = allowed.get(package.name.as_str());
        let known = known.unwrap_or_else(|| panic!("nobody said whom {} may know", package.name));
        for needed in package.needs().filter(|name| is_ours(name)) {
            assert!(
                known.contains(needed),
                "{} must not know {needed}",
                package.name
            );
        }
    }
}

#[test]
fn nobody_knows_the_tests() {
    for package in packages() {
        for dependency in &package.dependencies {
            assert_ne!(dependency.name, "pointsman-tests", "in {}", package.name);
        }
    }
}

#[test]
fn pure_cores_use_the_standard_library() {
    let packages = packages();
    for (core, libraries) in PURE {
        let package = packages
            .iter()
            .find(|package| package.name == core)
            .expect(core);
        for needed in package.needs().filter(|name| !is_ours(name)) {
            assert!(
                libraries.contains(&needed),
                "{core} is pure and must not use {needed}"
            );
        }
    }
}

#[test]
fn pure_cores_touch_nothing_outside() {
    let outside = [
        "std::env",
        "std::fs",
        "std::io::stdin",
        "std::process",
        "std::thread::spawn",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "Instant::now",
        "SystemTime",
        "async fn",
        ".await",
    ];
    let packages = packages();
    for (core, _) in PURE {
        let package = packages
            .iter()
            .find(|package| package.name == core)
            .expect(core);
        for source in sources_of(package) {
            for (at, line) in source.code() {
                for word in outside {
                    let place = source.place(at);
                    assert!(
                        !line.contains(word),
                        "{place}: {core} is pure and must not use {word}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_dependency_is_used() {
    let mut unused = Vec::new();
    // The code that uses the contract's libraries is generated.
    for package in packages()
        .iter()
        .filter(|package| package.name != "pointsman-proto")
    {
        let folder = package
            .manifest_path
            .parent()
            .expect("the package's folder");
        let is_tests = package.name == "pointsman-tests";
        let sources = below(&if is_tests {
            folder.to_owned()
        } else {
            folder.join("src")
        });
        let words = |line: &str| {
            line.split(|c| !is_word(c))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let lines = sources.iter().flat_map(Source::code).map(|(_, line)| line);
        let used: BTreeSet<String> = lines.flat_map(words).collect();
        let needed = package
            .needs()
            .filter(|needed| !used.contains(&needed.replace('-', "_")));
        unused.extend(needed.map(|needed| format!("{needed} by {}", package.name)));
    }
    assert!(
        unused.is_empty(),
        "named in a manifest and nowhere else: {unused:#?}"
    );
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The sources of a package without those that are only tests.
fn sources_of(package: &Package) -> Vec<Source> {
    let folder = package
        .manifest_path
        .parent()
        .expect("the package's folder")
        .join("src");
    let mut sources = below(&folder);
    sources.retain(|source| !source.is_test());
    sources
}
