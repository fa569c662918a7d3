//! A YAML document that remembers where everything stands and how it was written.
//!
//! serde-saphyr, which reads YAML straight into types, stops at the first problem and does not tell a quoted scalar
//! from a plain one; the second decides about booleans and durations in a `gorouter.yml`. So this builds on the parser
//! beneath it.

mod parse;

use super::{Place, Problem};

/// A parsed document.
pub struct Document {
    origin: String,
    pub(super) root: Node,
    rest: Option<Problem>,
}

/// A node: what stands in one place of the document.
#[derive(Clone)]
pub(super) struct Node {
    /// Unique in its document, except that an alias repeats the ids of its anchor.
    pub(super) id: usize,
    /// Line and column, counted from 1.
    pub(super) at: (usize, usize),
    pub(super) content: Content,
}

/// What a node holds. No `Debug`: scalars may be secrets.
#[derive(Clone)]
pub(super) enum Content {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// One key and its value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: (usize, usize),
    pub(super) value: Node,
}

/// A scalar as it was written.
#[derive(Clone)]
pub(super) struct Scalar {
    pub(super) text: String,
    /// Whether it has no quotes and is no block, so that its text decides about its type.
    pub(super) plain: bool,
    /// The suffix of an explicit core tag, such as `str` of `!!str`.
    pub(super) tag: Option<String>,
}

impl Scalar {
    /// Whether it is YAML's null: an empty plain scalar, `~`, or the word.
    pub(super) fn is_null(&self) -> bool {
        match self.tag.as_deref() {
            Some(tag) => tag == "null",
            None => self.plain && matches!(&*self.text, "" | "~" | "null" | "Null" | "NULL"),
        }
    }

    /// Whether its text decides about its type.
    pub(super) fn is_plain(&self) -> bool {
        self.plain && self.tag.as_deref() != Some("str")
    }
}

impl Node {
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar(scalar) if scalar.is_null())
    }

    fn child(&self, step: &str) -> Option<&Self> {
        match &self.content {
            Content::Mapping(entries) => entries
                .iter()
                .find(|entry| entry.key == step)
                .map(|entry| &entry.value),
            Content::Sequence(items) => items.get(step.parse::<usize>().ok()?),
            Content::Scalar(_) => None,
        }
    }
}

impl Document {
    /// Parses a text that is one document; `origin` names it in problems.
    ///
    /// # Errors
    ///
    /// What makes it no YAML, with its place; a key that stands twice in one map; more nodes than a configuration
    /// can have, aliases counted as often as they are used; a second document.
    pub fn parse(origin: &str, text: &str) -> Result<Self, Problem> {
        let first = Self::parse_first(origin, text)?;
        match first.rest {
            None => Ok(first),
            Some(rest) => Err(rest),
        }
    }

    /// Parses the first document of a text, whatever stands behind it.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`], of the first document only.
    pub fn parse_first(origin: &str, text: &str) -> Result<Self, Problem> {
        let problem = |fault: parse::Fault| Problem {
            place: Some(Place {
                file: origin.to_owned(),
                position: Some(fault.at),
            }),
            key: String::new(),
            what: fault.what,
            hint: None,
        };
        let (root, rest) = parse::parse(text).map_err(problem)?;
        Ok(Self {
            origin: origin.to_owned(),
            root,
            rest: rest.map(problem),
        })
    }

    /// Whether nothing stands in it, or nothing but comments.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.is_null()
    }

    /// What stands behind the first document.
    #[must_use]
    pub fn rest(&self) -> Option<&Problem> {
        self.rest.as_ref()
    }

    /// Where the value of a key such as `nats.hosts[1].port` stands; when there is no such key, where the nearest
    /// part of it that exists stands.
    #[must_use]
    pub fn place(&self, key: &str) -> Place {
        let mut node = &self.root;
        for step in key.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
            let Some(child) = node.child(step) else { break };
            node = child;
        }
        self.at(node.at)
    }

    /// Whether this key stands in the document, with or without a value.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        let mut steps = key.split(['.', '[', ']']).filter(|step| !step.is_empty());
        steps
            .try_fold(&self.root, |node, step| node.child(step))
            .is_some()
    }

    pub(super) fn at(&self, position: (usize, usize)) -> Place {
        Place {
            file: self.origin.clone(),
            position: Some(position),
        }
    }
}
