//! What became of one request.

use std::fmt;
use std::sync::Arc;

use crate::Moment;

/// One request that came to an end.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its id, which is its path.
    pub id: u64,
    /// Whether it was a POST; else it was a GET.
    pub post: bool,
    /// The host that it asked for.
    pub host: Arc<str>,
    /// Which of the routers had it.
    pub router: usize,
    /// Whether its connection had carried another one before.
    pub reused: bool,
    /// When the first of its bytes was to be written.
    pub sent: Moment,
    /// When its answer was there, or it was clear that there will be none.
    pub ended: Moment,
    /// The port of the instance that answered, or why it counts as lost.
    pub answer: Result<u16, Lost>,
}

/// Why a request counts as lost.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Lost {
    /// No router could be connected to. Nothing was sent.
    Unconnected(String),
    /// The connection broke before the end of the answer.
    Broken(String),
    /// No answer within the bound of one request.
    Late,
    /// An answer other than 200: the status, and what the router says about it.
    Refused(u16, String),
    /// The answer to another request.
    NotOurs(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unconnected(error) => write!(formatter, "no connection: {error}"),
            Self::Broken(error) => write!(formatter, "broken off: {error}"),
            Self::Late => write!(formatter, "no answer in time"),
            Self::Refused(status, said) => write!(formatter, "answered {status}: {said}"),
            Self::NotOurs(body) => write!(formatter, "got the answer to another request: {body}"),
        }
    }
}
