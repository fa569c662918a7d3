//! The traceability of behaviours: which rows of the catalogue a test proves, which are answered otherwise on purpose,
//! and which are open.
//!
//! A test proves a row by a line of its documentation, `/// C-123: the behaviour in one line`. `tests/run` calls this
//! after the tests, with what they printed; see [`check`] for what makes it fail.

mod catalogue;
mod check;
mod id;
mod index;
mod ran;
mod scan;
mod targets;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: behaviours [--ran FILE]... [--write]
  --ran FILE   what `cargo test` printed: every test that proves a row must have run and passed
  --write      renew tests/behaviours/INDEX.md instead of checking that it is up to date";

/// What the command line asks for.
#[derive(Debug, Default)]
struct Wanted {
    ran: Vec<PathBuf>,
    write: bool,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the main function of a tool"
)]
fn main() -> ExitCode {
    let Some(wanted) = wanted(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&wanted) {
        Ok((summary, problems)) if problems.is_empty() => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Ok((summary, problems)) => {
            for problem in &problems {
                eprintln!("behaviours: {problem}");
            }
            println!("{summary}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("behaviours: {error}");
            ExitCode::FAILURE
        }
    }
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--write" => wanted.write = true,
            "--ran" => wanted.ran.push(arguments.next()?.into()),
            _ => return None,
        }
    }
    Some(wanted)
}

/// The summary in a line, and what is wrong.
fn run(wanted: &Wanted) -> Result<(String, Vec<String>), String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("behaviours");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let root = root
        .canonicalize()
        .map_err(|error| format!("{}: {error}", root.display()))?;
    let catalogue = catalogue::Catalogue::read(&here)?;
    let targets = targets::Targets::of_workspace(&root)?;
    let found = scan::workspace(&root, &targets)?;
    let mut problems = found.problems;
    problems.extend(check::rows(&catalogue, &found.proofs));
    if !wanted.ran.is_empty() {
        let mut ran = ran::Ran::default();
        for file in &wanted.ran {
            let text = std::fs::read_to_string(file)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            ran.read(&text);
        }
        problems.extend(check::all_ran(&found.proofs, &ran));
    }
    let text = index::render(&catalogue, &found.proofs);
    problems.extend(index::keep(&here.join("INDEX.md"), &text, wanted.write)?);
    Ok((index::summary(&catalogue, &found.proofs), problems))
}
