//! The proofs: lines `/// C-123: …` in the documentation of tests.

use std::path::Path;

use crate::id::Id;
use crate::targets::Targets;

/// A test that says that it proves a row.
#[derive(Clone, Debug)]
pub(crate) struct Proof {
    /// The row.
    pub(crate) id: Id,
    /// The file, from the root of the workspace.
    pub(crate) file: String,
    /// The line of the row.
    pub(crate) line: usize,
    /// The test function's name.
    pub(crate) test: String,
    /// The crates that the file is compiled into.
    pub(crate) targets: Vec<String>,
    /// The file's module path in them.
    pub(crate) module: String,
}

impl Proof {
    /// Where to look.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// What a scan found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The proofs, by file and line.
    pub(crate) proofs: Vec<Proof>,
    /// Rows that are named above what should be a test and is none.
    pub(crate) problems: Vec<String>,
}

/// Scans every source file below the root, in the order of their names.
pub(crate) fn workspace(root: &Path, targets: &Targets) -> Result<Found, String> {
    let mut files = Vec::new();
    list(root, &mut files)?;
    files.sort();
    let mut found = Found::default();
    for path in files {
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let (crates, module) = targets.of(&path);
        let relative = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        file(&text, &relative, &crates, &module, &mut found);
    }
    Ok(found)
}

fn list(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> Result<(), String> {
    let listed = std::fs::read_dir(folder);
    for entry in listed.map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry
            .map_err(|error| format!("{}: {error}", folder.display()))?
            .path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                list(&path, files)?;
            }
        } else if name.ends_with(".rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// One file's proofs. Rows gather while documentation and attributes last; the next item owns them.
///
/// Product code names the rows that it keeps in the same words, above fields, variants and functions; those are no proofs.
/// In a file of tests, a function that names a row and is no test has lost its attribute.
fn file(text: &str, name: &str, targets: &[String], module: &str, found: &mut Found) {
    let mut rows: Vec<(Id, String, usize)> = Vec::new();
    let mut is_test = false;
    let mut open_attribute = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if open_attribute {
            open_attribute = !line.ends_with(']');
        } else if let Some(words) = line.strip_prefix("///") {
            if let Some((id, words)) = Id::leading(words.trim_start()) {
                rows.push((id, words.to_owned(), at + 1));
            }
        } else if let Some(attribute) = line.strip_prefix("#[") {
            is_test |= is_test_attribute(attribute);
            open_attribute = !line.contains(']');
        } else if !line.starts_with("//") {
            let function = function_name(line);
            for (id, words, line) in rows.drain(..) {
                let Some(test) = function.as_ref().filter(|_| is_test) else {
                    if function.is_some() && holds_tests(name) {
                        let problem = "stands above a function that is no test";
                        found
                            .problems
                            .push(format!("{name}:{line}: `{id}: {words}` {problem}"));
                    }
                    continue;
                };
                found.proofs.push(Proof {
                    id,
                    file: name.to_owned(),
                    line,
                    test: test.clone(),
                    targets: targets.to_vec(),
                    module: module.to_owned(),
                });
            }
            is_test = false;
        }
    }
}

/// Whether a file is one of tests alone: in a `tests` folder, or named `tests.rs`.
fn holds_tests(name: &str) -> bool {
    Path::new(name)
        .with_extension("")
        .iter()
        .any(|part| part == "tests")
}

/// `#[test]`, and the attributes of runtimes that end in `::test`.
fn is_test_attribute(attribute: &str) -> bool {
    let path = attribute.split(['(', ']']).next().unwrap_or_default();
    path == "test" || path.ends_with("::test")
}

fn function_name(line: &str) -> Option<String> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    let name = line.strip_prefix("fn ")?;
    let end = name.find(|letter: char| !letter.is_alphanumeric() && letter != '_')?;
    Some(name[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Found, file};

    fn scan(text: &str) -> Found {
        let mut found = Found::default();
        file(
            text,
            "src/a/tests.rs",
            &["a".to_owned()],
            "a::tests",
            &mut found,
        );
        found
    }

    #[test]
    fn a_test_proves_the_rows_above_it() {
        let found = scan(
            "/// Some words.\n/// R-901: one\n/// R-902: two\n#[tokio::test(\n    start_paused = true\n)]\n\
             async fn holds() {}\n\n/// R-903: three\n#[test]\n#[expect(x, reason = \"[y\")]\nfn holds_too() {}\n",
        );
        let proofs: Vec<_> = found
            .proofs
            .iter()
            .map(|proof| (proof.id.to_string(), proof.test.as_str(), proof.line))
            .collect();
        let expected = [
            ("R-901", "holds", 2),
            ("R-902", "holds", 3),
            ("R-903", "holds_too", 9),
        ];
        assert_eq!(
            proofs,
            expected.map(|(id, test, line)| (id.to_owned(), test, line))
        );
        assert!(found.problems.is_empty());
    }

    #[test]
    fn a_row_above_anything_else_is_a_mention() {
        for item in [
            "struct Held;",
            "",
            "Variant,",
            "#[derive(Debug)]\nenum Kind {}",
        ] {
            let found = scan(&format!(
                "/// R-901: held\n{item}\n\n#[test]\nfn other() {{}}\n"
            ));
            assert!(
                found.proofs.is_empty() && found.problems.is_empty(),
                "{item}"
            );
        }
    }

    #[test]
    fn a_function_that_lost_its_attribute_is_a_problem_among_tests_only() {
        let text = "/// R-901: held\nasync fn holds() {}\n";
        assert_eq!(
            scan(text).problems,
            ["src/a/tests.rs:1: `R-901: held` stands above a function that is no test"]
        );
        let mut found = Found::default();
        file(text, "src/a.rs", &["a".to_owned()], "a", &mut found);
        assert!(found.proofs.is_empty() && found.problems.is_empty());
    }

    #[test]
    fn a_mention_in_a_sentence_is_no_proof() {
        let found = scan("/// As R-901: asks.\n/// (R-902)\nfn rule() {}\n");
        assert!(found.proofs.is_empty() && found.problems.is_empty());
    }
}
