//! What a route does with its requests and responses, beyond leading them somewhere.

use std::num::NonZeroU32;

/// The rules of a route. Few routes have any, and those with the same ones share them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Where a request seems to go.
    pub rewrite: Option<Rewrite>,
    /// What is done to the header fields of requests, in this order.
    pub request: Box<[HeaderEdit]>,
    /// What is done to the header fields of responses, in this order.
    pub response: Box<[HeaderEdit]>,
    /// How many attempts a request may have, the first one included. Absent: as many as others.
    pub max_attempts: Option<NonZeroU32>,
    /// Doing any request twice is the same as doing it once, whatever its method.
    pub repeatable: bool,
}

/// One change of a list of header fields.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HeaderEdit {
    /// All fields of this name go.
    Remove(Box<str>),
    /// All fields of this name go, and one comes.
    Set(Box<str>, Box<[u8]>),
    /// A field comes beside others of its name.
    Add(Box<str>, Box<[u8]>),
}

/// Where a request seems to go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rewrite {
    /// The host that the endpoint is told. Absent: the client's.
    pub host: Option<Box<str>>,
    /// What becomes of the path.
    pub path: PathRewrite,
}

/// What becomes of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathRewrite {
    /// It stays.
    Keep,
    /// It is replaced as a whole, with one that begins with a slash.
    Full(Box<str>),
    /// The segments of the route's own path are replaced, by nothing or by a path that begins with
    /// a slash and ends with none.
    Prefix(Box<str>),
}
