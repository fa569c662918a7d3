//! Documents into types, through serde, with every problem of the document at once.
//!
//! serde stops at its first error. So each value at fault is set aside and the document is read again without it,
//! until nothing is at fault any more; what was read then is used only when nothing had been set aside.

mod access;
mod fault;
mod number;
mod path;
mod reader;
mod scalar;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::{Document, Problem, nearest};
use fault::{Cause, Fault};
use path::Path;
use reader::Reader;

/// More problems than anybody reads; a bound on the rounds.
const MAX_ROUNDS: usize = 2_000;
const MAX_PROBLEMS: usize = 100;

/// How scalars are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manners {
    /// Of our own files: YAML 1.2; a quoted scalar is text, and nothing is truncated.
    Ours,
    /// Of `gorouter.yml`: as `gopkg.in/yaml.v3` reads it into Go types, with its words for what it refuses.
    Go,
}

/// What was read.
#[derive(Debug)]
pub struct Decoded<T> {
    /// The value; without those parts that are at fault, when there are problems. `None` when not even that.
    pub value: Option<T>,
    /// What is at fault, in the order of the document.
    pub problems: Vec<Problem>,
    /// Keys that the type does not know, each with the nearest known one as hint. A problem or a warning, as the
    /// caller likes.
    pub unknown: Vec<Problem>,
}

/// What a reader needs besides its node.
struct Context {
    manners: Manners,
    /// Nodes that were set aside: at fault, or null where the type has no null.
    aside: BTreeSet<usize>,
    /// Those of them that are at fault.
    faulty: BTreeSet<usize>,
    unknown: RefCell<BTreeMap<(usize, usize), UnknownKey>>,
}

struct UnknownKey {
    key: String,
    meant: Option<String>,
}

/// Reads a document into a type.
#[must_use]
pub fn decode<T: DeserializeOwned>(document: &Document, manners: Manners) -> Decoded<T> {
    let mut context = Context {
        manners,
        aside: BTreeSet::new(),
        faulty: BTreeSet::new(),
        unknown: RefCell::default(),
    };
    let mut problems = Vec::new();
    let mut value = None;
    for _ in 0..MAX_ROUNDS {
        let reader = Reader::new(&document.root, Path::root(), &context);
        let fault = match T::deserialize(reader) {
            Ok(read) => {
                value = Some(read);
                break;
            }
            Err(fault) => fault.place(&document.root, &Path::root()),
        };
        let Some(spot) = note(document, fault, &mut problems, &mut context) else {
            break;
        };
        if spot == document.root.id || problems.len() >= MAX_PROBLEMS || !context.aside.insert(spot)
        {
            break;
        }
    }
    let unknown = context.unknown.into_inner().into_iter();
    let unknown = unknown
        .map(|(at, unknown)| unknown.problem(document, at))
        .collect();
    Decoded {
        value,
        problems,
        unknown,
    }
}

/// Notes a fault as a problem where it is one; returns the node to set aside.
fn note(
    document: &Document,
    fault: Fault,
    problems: &mut Vec<Problem>,
    context: &mut Context,
) -> Option<usize> {
    let spot = fault.spot()?;
    match fault.cause() {
        // The type has no null: the default stays.
        Cause::Null => {}
        // Its fault was told already, where it is.
        Cause::Echo => {
            context.faulty.insert(spot);
        }
        Cause::Wrong | Cause::Missing(_) => {
            problems.push(fault.problem(|at| document.at(at)));
            context.faulty.insert(spot);
        }
    }
    Some(spot)
}

impl UnknownKey {
    fn problem(self, document: &Document, at: (usize, usize)) -> Problem {
        let what = "is no key of this file".to_owned();
        let hint = self.meant.map(|meant| format!("did you mean `{meant}`?"));
        Problem {
            place: Some(document.at(at)),
            key: self.key,
            what,
            hint,
        }
    }
}

impl Context {
    fn note_unknown(&self, at: (usize, usize), key: String, name: &str, known: &[&'static str]) {
        let meant = nearest(name, known.iter().copied()).map(str::to_owned);
        self.unknown
            .borrow_mut()
            .insert(at, UnknownKey { key, meant });
    }
}
