//! Which crates a source file is compiled into.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// The targets of the workspace, as cargo lists them.
#[derive(Debug)]
pub(crate) struct Targets {
    targets: Vec<Target>,
}

#[derive(Debug)]
struct Target {
    /// The crate's name, with underscores.
    name: String,
    /// The root file.
    root: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    targets: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    src_path: PathBuf,
}

impl Targets {
    /// Asks cargo, without a network.
    pub(crate) fn of_workspace(root: &Path) -> Result<Self, String> {
        let output = Command::new("cargo")
            .args([
                "metadata",
                "--no-deps",
                "--offline",
                "--format-version",
                "1",
            ])
            .current_dir(root)
            .output()
            .map_err(|error| format!("cargo metadata: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("cargo metadata: {}", said.trim()));
        }
        let metadata: Metadata = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("cargo metadata: {error}"))?;
        let listed = metadata
            .packages
            .into_iter()
            .flat_map(|package| package.targets);
        let targets = listed
            .map(|target| Target {
                name: target.name.replace('-', "_"),
                root: target.src_path,
            })
            .collect();
        Ok(Self { targets })
    }

    /// The crates whose root lies nearest above the file, and the file's module path within them.
    pub(crate) fn of(&self, file: &Path) -> (Vec<String>, String) {
        let above = |target: &&Target| {
            // A root in a folder of others, as a single-file bench is, is a crate of that file alone.
            let lone = !matches!(root_name(&target.root), "main" | "lib");
            if lone {
                target.root == file
            } else {
                file.starts_with(folder(&target.root))
            }
        };
        let nearest = self
            .targets
            .iter()
            .filter(above)
            .map(|target| depth(&target.root))
            .max();
        let found = self.targets.iter().filter(above);
        let found = found.filter(|target| Some(depth(&target.root)) == nearest);
        let names = found.clone().map(|target| target.name.clone()).collect();
        let module = found.map(|target| module(&target.root, file)).next();
        (names, module.unwrap_or_default())
    }
}

fn folder(root: &Path) -> &Path {
    root.parent().unwrap_or(root)
}

fn depth(root: &Path) -> usize {
    root.components().count()
}

fn root_name(root: &Path) -> &str {
    root.file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default()
}

/// `src/head/tests.rs` under `src/lib.rs` is `head::tests`; the root itself is nothing.
fn module(root: &Path, file: &Path) -> String {
    if file == root {
        return String::new();
    }
    let relative = file
        .strip_prefix(folder(root))
        .unwrap_or(file)
        .with_extension("");
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    if parts.len() == 1 && file.parent() == root.parent() && is_root(&parts[0]) {
        return String::new();
    }
    parts.join("::")
}

fn is_root(name: &str) -> bool {
    matches!(name, "main" | "lib" | "build")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Target, Targets};

    fn targets() -> Targets {
        let target = |name: &str, root: &str| Target {
            name: name.to_owned(),
            root: root.into(),
        };
        Targets {
            targets: vec![
                target("pointsman_data_plane", "/w/data-plane/src/lib.rs"),
                target("data_plane", "/w/data-plane/src/main.rs"),
                target("system", "/w/tests/system/main.rs"),
                target("pointsman_tests", "/w/tests/src/lib.rs"),
                target("process", "/w/deploy/standalone/tests/process.rs"),
            ],
        }
    }

    fn of(file: &str) -> (Vec<String>, String) {
        targets().of(Path::new(file))
    }

    #[test]
    fn a_file_belongs_to_the_roots_of_its_folder() {
        let both = vec!["pointsman_data_plane".to_owned(), "data_plane".to_owned()];
        let found = of("/w/data-plane/src/proxy/checks.rs");
        assert_eq!(found, (both, "proxy::checks".to_owned()));
        let found = of("/w/tests/system/drain.rs");
        assert_eq!(found, (vec!["system".to_owned()], "drain".to_owned()));
        assert_eq!(of("/w/tests/src/lib.rs").1, "");
        let found = of("/w/deploy/standalone/tests/process.rs");
        assert_eq!(found, (vec!["process".to_owned()], String::new()));
    }

    #[test]
    fn a_file_outside_every_root_belongs_to_nothing() {
        assert!(of("/w/tests/fuzz/fuzz_targets/head.rs").0.is_empty());
    }
}
