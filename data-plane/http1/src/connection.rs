//! What the sender of a message says about its connection.

use crate::fields::members;
use crate::version::Version;

/// The options of a message's `Connection` fields that this crate acts on (RFC 9110 §7.6.1).
/// All other options are names of fields that end at this hop; [`crate::Fields::strip_hop_by_hop`]
/// removes those.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    /// `close`: the sender will not use the connection after this exchange.
    pub close: bool,
    /// `keep-alive`: an HTTP/1.0 sender would use the connection again.
    pub keep_alive: bool,
    /// `upgrade`: the message's `Upgrade` field is meant for this hop.
    pub upgrade: bool,
}

impl ConnectionOptions {
    /// No option.
    pub const NONE: Self = Self {
        close: false,
        keep_alive: false,
        upgrade: false,
    };

    /// Notes the options of one `Connection` field, in any case.
    pub(crate) fn note_all(&mut self, value: &[u8]) {
        if value.contains(&b',') {
            members(value).for_each(|option| self.note(option));
        } else {
            self.note(value);
        }
    }

    fn note(&mut self, option: &[u8]) {
        if option.eq_ignore_ascii_case(b"close") {
            self.close = true;
        } else if option.eq_ignore_ascii_case(b"keep-alive") {
            self.keep_alive = true;
        } else if option.eq_ignore_ascii_case(b"upgrade") {
            self.upgrade = true;
        }
    }

    /// Whether the sender would use the connection again (RFC 9112 §9.3): `close` always wins;
    /// HTTP/1.0 has to ask for it.
    pub const fn persistent(self, version: Version) -> bool {
        match version {
            Version::Http10 => self.keep_alive && !self.close,
            Version::Http11 | Version::Http2 => !self.close,
        }
    }
}
