//! Fields of requests that are shown behind a line's own.

use pointsman_http1::{Known, Name};

use super::line::Line;

/// One of them.
#[derive(Debug)]
pub(super) struct Extra {
    name: Box<str>,
    /// What stands before its value.
    pub(super) label: Box<str>,
}

impl Extra {
    /// A field of this name, shown in small letters, with `_` for `-`.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            label: format!(" {}:", name.to_ascii_lowercase().replace('-', "_")).into(),
        }
    }

    /// Its first value in the request of a line. Of what the router says itself it is the router's value.
    pub(super) fn value<'a>(&self, line: &Line<'a>) -> Option<&'a [u8]> {
        let name = Name::from(&*self.name);
        match name.known() {
            Known::XVcapRequestId => Some(line.request_id),
            Known::XForwardedProto => line.forwarded_proto,
            _ => line.fields?.get(name),
        }
    }
}
