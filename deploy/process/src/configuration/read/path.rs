//! The way to a node, as an operator writes it: `nats.hosts[1].port`.

use std::fmt;

/// The way from the root to a node.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    pub(super) parent: Option<&'a Self>,
    pub(super) step: Step<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl Path<'_> {
    pub(super) fn root() -> Self {
        Self {
            parent: None,
            step: Step::Root,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match (self.step, self.parent.map(|parent| parent.step)) {
            (Step::Root, _) => Ok(()),
            (Step::Index(index), _) => write!(f, "[{index}]"),
            (Step::Key(key), None | Some(Step::Root)) => f.write_str(key),
            (Step::Key(key), Some(_)) => write!(f, ".{key}"),
        }
    }
}
