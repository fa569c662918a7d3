//! How much a peer may send, each bound with its name, default and ceiling.
//!
//! The ids are those of the limits table (L-01 to L-04, L-11 to L-14, L-26). All sizes are in
//! bytes. A bound of zero is no bound and is not accepted: [`RequestLimits::check`] and its
//! siblings say which bound is wrong and what would be right.

use std::fmt;

/// A bound outside of what the codec can keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitError {
    /// The field of the limits struct.
    pub name: &'static str,
    /// What it was set to.
    pub value: u32,
    /// The highest value that is accepted; the lowest is 1.
    pub ceiling: u32,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            value,
            ceiling,
        } = self;
        write!(f, "{name} is {value}, but must be between 1 and {ceiling}")
    }
}

impl std::error::Error for LimitError {}

/// Refuses the first of `bounds` (name, value, ceiling) that is out of range.
fn within(bounds: &[(&'static str, u32, u32)]) -> Result<(), LimitError> {
    for &(name, value, ceiling) in bounds {
        if value == 0 || value > ceiling {
            return Err(LimitError {
                name,
                value,
                ceiling,
            });
        }
    }
    Ok(())
}

const KIB: u32 = 1024;

/// What a client may send as a request head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// L-01: the request line without its line end. Beyond it: 414.
    pub request_line: u32,
    /// L-02: the whole head with all line ends. Beyond it: 431.
    pub head: u32,
    /// L-03: how many fields. Beyond it: 431.
    pub fields: u32,
    /// L-04: one field name. Beyond it: 431.
    pub field_name: u32,
    /// L-04: one field value without surrounding blanks. Beyond it: 431.
    pub field_value: u32,
    /// whether bytes from 0x80 on may stand in a request target.
    pub obs_text_in_target: bool,
}

impl RequestLimits {
    /// The defaults of the limits table.
    pub const DEFAULT: Self = Self {
        request_line: 16 * KIB,
        head: 64 * KIB,
        fields: 128,
        field_name: 256,
        field_value: 32 * KIB,
        obs_text_in_target: false,
    };

    /// The highest bounds that may be configured.
    pub const CEILING: Self = Self {
        request_line: 64 * KIB,
        head: KIB * KIB,
        fields: 1000,
        field_name: KIB,
        field_value: KIB * KIB,
        obs_text_in_target: true,
    };

    /// Whether every bound is at least 1 and at most its ceiling.
    ///
    /// # Errors
    /// The first bound that is not.
    pub fn check(&self) -> Result<(), LimitError> {
        let most = Self::CEILING;
        within(&[
            ("request_line", self.request_line, most.request_line),
            ("head", self.head, most.head),
            ("fields", self.fields, most.fields),
            ("field_name", self.field_name, most.field_name),
            ("field_value", self.field_value, most.field_value),
        ])
    }
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What an endpoint may send as a response head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseLimits {
    /// L-26: the whole head with all line ends.
    pub head: u32,
    /// L-26: how many fields.
    pub fields: u32,
    /// L-26: how many 1xx heads before the final one.
    pub interim: u32,
}

impl ResponseLimits {
    /// The defaults of the limits table.
    pub const DEFAULT: Self = Self {
        head: 256 * KIB,
        fields: 256,
        interim: 8,
    };

    /// The highest bounds that may be configured.
    pub const CEILING: Self = Self {
        head: KIB * KIB,
        fields: 1000,
        interim: 100,
    };

    /// Whether every bound is at least 1 and at most its ceiling.
    ///
    /// # Errors
    /// The first bound that is not.
    pub fn check(&self) -> Result<(), LimitError> {
        let most = Self::CEILING;
        within(&[
            ("head", self.head, most.head),
            ("fields", self.fields, most.fields),
            ("interim", self.interim, most.interim),
        ])
    }
}

impl Default for ResponseLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How much framing a peer may put around a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    /// L-11: one chunk-size line with its extensions, without its line end.
    pub chunk_line: u32,
    /// L-12: all chunk extensions of one body.
    pub extensions: u32,
    /// L-13: the trailer section with its line ends.
    pub trailer: u32,
    /// L-13: how many trailer fields.
    pub trailer_fields: u32,
    /// L-14: how many bytes of framing a body may have beyond one for each byte of data; `None`
    /// where small chunks are ordinary, as in an endless event stream from an endpoint.
    pub framing: Option<u32>,
}

impl BodyLimits {
    /// The defaults for bodies from clients.
    pub const REQUEST: Self = Self {
        chunk_line: 256,
        extensions: 16 * KIB,
        trailer: 8 * KIB,
        trailer_fields: 32,
        framing: Some(16 * KIB),
    };

    /// The defaults for bodies from endpoints: the same without L-14, which an event stream of
    /// short lines would reach in time.
    pub const RESPONSE: Self = Self {
        framing: None,
        ..Self::REQUEST
    };

    /// The highest bounds that may be configured.
    pub const CEILING: Self = Self {
        chunk_line: 4 * KIB,
        extensions: 64 * KIB,
        trailer: 64 * KIB,
        trailer_fields: 1000,
        framing: Some(u32::MAX),
    };

    /// Whether every bound is at least 1 and at most its ceiling.
    ///
    /// # Errors
    /// The first bound that is not.
    pub fn check(&self) -> Result<(), LimitError> {
        let most = Self::CEILING;
        within(&[
            ("chunk_line", self.chunk_line, most.chunk_line),
            ("extensions", self.extensions, most.extensions),
            ("trailer", self.trailer, most.trailer),
            ("trailer_fields", self.trailer_fields, most.trailer_fields),
            ("framing", self.framing.unwrap_or(1), u32::MAX),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_ceilings_are_in_range() {
        assert_eq!(RequestLimits::DEFAULT.check(), Ok(()));
        assert_eq!(RequestLimits::CEILING.check(), Ok(()));
        assert_eq!(ResponseLimits::DEFAULT.check(), Ok(()));
        assert_eq!(ResponseLimits::CEILING.check(), Ok(()));
        assert_eq!(BodyLimits::REQUEST.check(), Ok(()));
        assert_eq!(BodyLimits::RESPONSE.check(), Ok(()));
        assert_eq!(BodyLimits::CEILING.check(), Ok(()));
    }

    #[test]
    fn a_wrong_bound_is_named_with_what_would_be_right() {
        let limits = RequestLimits {
            fields: 1001,
            ..RequestLimits::DEFAULT
        };
        let error = limits.check().expect_err("beyond the ceiling");
        assert_eq!(
            error.to_string(),
            "fields is 1001, but must be between 1 and 1000"
        );
        let limits = ResponseLimits {
            head: 0,
            ..ResponseLimits::DEFAULT
        };
        assert_eq!(limits.check().map_err(|error| error.name), Err("head"));
        let limits = BodyLimits {
            framing: Some(0),
            ..BodyLimits::REQUEST
        };
        assert_eq!(limits.check().map_err(|error| error.name), Err("framing"));
    }
}
