//! A page for the router's own errors, from the part of Go's `html/template` that such pages are written in
//! (`html_error_template_file`, D-084 to D-111).
//!
//! A page shows `.Status`, `.StatusText`, `.Message` and `.Header.Get "NAME"`, and decides with `if`, `else if` and
//! `else` by `eq`, `ne`, `lt`, `le`, `gt`, `ge`, `and`, `or` and `not`. What is shown is escaped; a value in a place
//! where that would not be enough, such as a script or a link, is refused when the page is read.

mod expression;
mod place;
mod template;
#[cfg(test)]
mod tests;
mod value;

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use template::Node;

/// A page that was read.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    nodes: Vec<Node>,
}

/// Why a page is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPage {
    /// The line in which it stands, from 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for BadPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for BadPage {}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum NoPage {
    /// Its file cannot be read.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It is not taken.
    #[error("{}: {bad}", .path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// Why not.
        bad: BadPage,
    },
}

/// What a page shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    /// The status.
    pub(crate) status: u16,
    /// Its phrase.
    pub(crate) status_text: &'a str,
    /// What happened.
    pub(crate) message: &'a [u8],
    /// Fields of the answer.
    pub(crate) header: &'a [(&'a str, &'a [u8])],
}

/// A page that cannot be made of this: it asks for what is not there, or compares what cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed;

impl ErrorPage {
    /// Reads a page from a file.
    ///
    /// # Errors
    /// As [`Self::parse`], or the file cannot be read as text.
    pub fn load(path: &Path) -> Result<Self, NoPage> {
        let path = path.to_owned();
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text).map_err(|bad| NoPage::Bad { path, bad }),
            Err(error) => Err(NoPage::File { path, error }),
        }
    }

    /// Reads a page.
    ///
    /// # Errors
    /// The first thing in it that is not understood, or not safe.
    pub fn parse(text: &str) -> Result<Self, BadPage> {
        let nodes = template::parse(text)?;
        place::check(&nodes)?;
        Ok(Self { nodes })
    }

    /// Appends the page.
    ///
    /// # Errors
    /// It cannot be made; `out` is as before.
    pub(crate) fn render(&self, shown: &Shown<'_>, out: &mut Vec<u8>) -> Result<(), Failed> {
        let before = out.len();
        let rendered = render(&self.nodes, shown, out);
        if rendered.is_err() {
            out.truncate(before);
        }
        rendered
    }
}

fn render(nodes: &[Node], shown: &Shown<'_>, out: &mut Vec<u8>) -> Result<(), Failed> {
    for node in nodes {
        match node {
            Node::Text { text, .. } => out.extend_from_slice(text.as_bytes()),
            Node::Show { expression, .. } => expression.value(shown)?.push_escaped(out),
            Node::If {
                arms, otherwise, ..
            } => {
                let mut taken = otherwise;
                for (condition, nodes) in arms {
                    if condition.value(shown)?.is_true() {
                        taken = nodes;
                        break;
                    }
                }
                render(taken, shown, out)?;
            }
        }
    }
    Ok(())
}
