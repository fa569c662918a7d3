//! Why a value could not be read, as serde's error type.

use std::fmt;

use serde::de;

use super::super::document::Node;
use super::super::{Place, Problem, nearest};
use super::path::Path;

/// A fault; boxed, since it travels through every `Result` of the reader.
#[derive(Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    cause: Cause,
    what: String,
    hint: Option<String>,
    spot: Option<Spot>,
}

/// Which node is at fault.
#[derive(Debug)]
struct Spot {
    node: usize,
    at: (usize, usize),
    key: String,
}

/// What kind of fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The value is not what the type takes.
    Wrong,
    /// A key that the type demands is absent.
    Missing(&'static str),
    /// The same, because its value was set aside before.
    Echo,
    /// The value is null, and the type has no null.
    Null,
}

impl Fault {
    fn new(cause: Cause, what: String, hint: Option<String>) -> Self {
        Self(Box::new(Inner {
            cause,
            what,
            hint,
            spot: None,
        }))
    }

    /// A wrong value, in words that follow its key.
    pub(super) fn wrong(what: String, hint: Option<String>) -> Self {
        Self::new(Cause::Wrong, what, hint)
    }

    /// A null where there is none.
    pub(super) fn null() -> Self {
        Self::new(Cause::Null, "is empty".to_owned(), None)
    }

    /// Says where the fault is, unless that was said closer to it.
    pub(super) fn place(mut self, node: &Node, path: &Path<'_>) -> Self {
        let spot = || Spot {
            node: node.id,
            at: node.at,
            key: path.to_string(),
        };
        self.0.spot.get_or_insert_with(spot);
        self
    }

    pub(super) fn is_placed(&self) -> bool {
        self.0.spot.is_some()
    }

    pub(super) fn cause(&self) -> Cause {
        self.0.cause
    }

    /// The same fault with another cause.
    pub(super) fn because(mut self, cause: Cause) -> Self {
        self.0.cause = cause;
        self
    }

    /// The node at fault.
    pub(super) fn spot(&self) -> Option<usize> {
        self.0.spot.as_ref().map(|spot| spot.node)
    }

    /// The fault as it is told.
    pub(super) fn problem(self, place: impl FnOnce((usize, usize)) -> Place) -> Problem {
        let Inner {
            what, hint, spot, ..
        } = *self.0;
        let (at, key) = spot.map(|spot| (spot.at, spot.key)).unzip();
        Problem {
            place: at.map(place),
            key: key.unwrap_or_default(),
            what,
            hint,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::wrong(message.to_string(), None)
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::wrong(format!("must be {expected}, not {unexpected}"), None)
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::wrong(format!("must be {expected}, not {unexpected}"), None)
    }

    fn unknown_variant(given: &str, known: &'static [&'static str]) -> Self {
        let meant = nearest(given, known.iter().copied());
        let choices = format!("write one of {}", known.join(", "));
        let hint = meant.map_or(choices, |meant| format!("did you mean `{meant}`?"));
        Self::wrong(format!("`{given}` is no choice here"), Some(hint))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(
            Cause::Missing(field),
            format!("the key `{field}` is missing"),
            None,
        )
    }
}
