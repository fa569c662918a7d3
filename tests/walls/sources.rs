//! Reading source files, as far as the walls need it.

use std::path::{Path, PathBuf};

/// One source file.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the folder that was listed.
    relative: PathBuf,
    path: PathBuf,
    text: String,
}

/// Every source file below a folder, by name.
pub(crate) fn below(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    list(folder, folder, &mut found);
    found.sort_by(|one: &Source, other: &Source| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "no sources in {}", folder.display());
    found
}

fn list(top: &Path, folder: &Path, found: &mut Vec<Source>) {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            if !name(&path).starts_with('.') && name(&path) != "target" {
                list(top, &path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a readable source");
            let relative = path.strip_prefix(top).expect("below the top").to_owned();
            found.push(Source {
                relative,
                path,
                text,
            });
        }
    }
}

impl Source {
    /// `FILE:LINE`.
    pub(crate) fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    /// The module path: `src/proxy/checks.rs` is `proxy`, `checks`; the roots are empty.
    pub(crate) fn module(&self) -> Vec<String> {
        let path = self.relative.with_extension("");
        let parts: Vec<_> = path
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        if parts == ["lib"] || parts == ["main"] {
            Vec::new()
        } else {
            parts
        }
    }

    /// Whether the file holds tests alone.
    pub(crate) fn is_test(&self) -> bool {
        self.module()
            .iter()
            .any(|part| part == "tests" || part.ends_with("_tests"))
    }

    /// The lines without comments, and without the inline tests at the end of the file.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let inline = self.text.find("#[cfg(test)]\nmod tests {");
        let text = &self.text[..inline.unwrap_or(self.text.len())];
        let lines = text.lines().enumerate();
        lines.map(|(at, line)| (at + 1, line.trim().split("//").next().unwrap_or_default()))
    }

    /// The top-level modules of the same crate that the code names, each with its line.
    pub(crate) fn uses(&self) -> Vec<(usize, String)> {
        let depth = self.module().len();
        let mut found = Vec::new();
        let lines: Vec<_> = self.code().collect();
        let text: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        for (at, _) in text.match_indices("crate::") {
            // `$crate` is a macro's, and `some_crate::` is another word.
            let before = text[..at].chars().next_back();
            if before
                .is_none_or(|letter| !letter.is_alphanumeric() && letter != '_' && letter != '$')
            {
                add(&text, at + "crate::".len(), &lines, &mut found);
            }
        }
        // As many steps up as the module is deep lead to the crate's root.
        let up = "super::".repeat(depth);
        if depth > 0 {
            for (at, _) in text.match_indices(&up) {
                add(&text, at + up.len(), &lines, &mut found);
            }
        }
        found
    }
}

/// The first names behind a path to the crate's root: one, or each of a group in braces.
fn add(text: &str, at: usize, lines: &[(usize, &str)], found: &mut Vec<(usize, String)>) {
    let line = text[..at].matches('\n').count();
    let line = lines.get(line).map_or(0, |(number, _)| *number);
    let rest = &text[at..];
    if let Some(group) = rest.strip_prefix('{') {
        let mut depth = 0_usize;
        let mut name = String::new();
        for letter in group.chars() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    let name = std::mem::take(&mut name);
                    found.extend(first(&name).map(|name| (line, name)));
                }
                _ if depth == 0 => name.push(letter),
                _ => {}
            }
        }
        found.extend(first(&name).map(|name| (line, name)));
    } else {
        found.extend(first(rest).map(|name| (line, name)));
    }
}

fn first(path: &str) -> Option<String> {
    let path = path.trim_start();
    let end = path.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let name = &path[..end.unwrap_or(path.len())];
    (!name.is_empty()).then(|| name.to_owned())
}

#[test]
fn sees_what_a_file_uses() {
    let text = "use crate::{\n    admin::{self, x},\n    config,\n};\nlet a = crate::proxy::b();\n\
                let c = super::super::table::c();\nlet d = super::near();\n// crate::app\n\
                other_crate::app::e();\n#[cfg(test)]\nmod tests { use crate::app; }\n";
    let source = Source {
        relative: "a/b.rs".into(),
        path: "a/b.rs".into(),
        text: text.to_owned(),
    };
    let used: Vec<_> = source.uses().into_iter().collect();
    let expected = [(1, "admin"), (1, "config"), (5, "proxy"), (6, "table")];
    assert_eq!(used, expected.map(|(line, name)| (line, name.to_owned())));
}
