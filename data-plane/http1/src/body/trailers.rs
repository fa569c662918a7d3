//! The trailer section after the last chunk (RFC 9112 §7.1.2, R-007).

use super::bad::BadBody;
use crate::fields::{Field, Fields};
use crate::head_scan::{BadLine, HeadScan, ScanLimits};
use crate::known::{Known, KnownSet};
use crate::limits::BodyLimits;

/// The longest trailer name.
const MAX_NAME: u32 = 1024;

/// A trailer section in the making. Its bytes are kept until it is complete; most bodies have an
/// empty one, for which nothing is allocated.
#[derive(Debug)]
pub(crate) struct Trailers {
    section: Vec<u8>,
    scan: HeadScan,
    fields: Fields,
}

impl Trailers {
    pub(crate) const fn new() -> Self {
        Self {
            section: Vec::new(),
            scan: HeadScan::new(),
            fields: Fields::new(),
        }
    }

    /// The fields that may pass, once the section is complete.
    pub(crate) const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Takes bytes of the section; says how many of them belonged to it once it is complete. Before
    /// that all of them do.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        limits: &BodyLimits,
    ) -> Result<Option<usize>, BadBody> {
        if self.section.is_empty() && input.starts_with(b"\r\n") {
            return Ok(Some(2));
        }
        let before = self.section.len();
        // One byte beyond the limit is enough to see that it is exceeded.
        let room = (limits.trailer as usize + 1).saturating_sub(before);
        self.section
            .extend_from_slice(input.get(..room).unwrap_or(input));
        let limits = ScanLimits {
            head: limits.trailer,
            fields: limits.trailer_fields,
            field_name: MAX_NAME,
            field_value: limits.trailer,
        };
        let Some(len) = self.scan.fields(&self.section, &limits)? else {
            return Ok(None);
        };
        self.scan.move_to(
            self.section.get(..len).unwrap_or_default(),
            &mut self.fields,
        );
        self.fields.retain(may_be_trailer);
        Ok(Some(len - before))
    }
}

/// Known names that never pass as trailers: framing, routing, authentication, and whatever a
/// recipient has acted on when it comes (RFC 9110 §6.5.1).
const FORBIDDEN: KnownSet = KnownSet::HOP_BY_HOP.union(KnownSet::of(&[
    Known::Host,
    Known::ContentLength,
    Known::ContentType,
    Known::ContentEncoding,
    Known::Expect,
    Known::Authorization,
    Known::Cookie,
    Known::SetCookie,
    Known::CacheControl,
    Known::Forwarded,
    Known::XRealIp,
    Known::XRequestStart,
    Known::Via,
    Known::Proxy,
    Known::Traceparent,
    Known::Tracestate,
    Known::B3,
    Known::IdempotencyKey,
    Known::XIdempotencyKey,
    Known::Location,
    Known::Vary,
    Known::Date,
]));

/// The same for names that are not known.
const FORBIDDEN_OTHERS: &[&[u8]] = &[
    b"WWW-Authenticate",
    b"Authentication-Info",
    b"Content-Range",
    b"Range",
    b"Max-Forwards",
    b"Age",
    b"Expires",
    b"Pragma",
    b"Retry-After",
    b"Warning",
];

/// Families of names of which none passes.
const FORBIDDEN_PREFIXES: &[&[u8]] = &[
    b"X-Forwarded-",
    b"X-CF-",
    b"X-Vcap-",
    b"X-B3-",
    b"Proxy-",
    b"If-",
    b"Sec-",
];

/// Whether a field may pass as a trailer, in whatever protocol it came.
#[must_use]
pub fn may_be_trailer(field: Field<'_>) -> bool {
    let name = field.name.as_bytes();
    !FORBIDDEN.contains(field.name.known())
        && !FORBIDDEN_OTHERS
            .iter()
            .any(|other| name.eq_ignore_ascii_case(other))
        && !FORBIDDEN_PREFIXES.iter().any(|prefix| {
            name.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        })
}

impl From<BadLine> for BadBody {
    fn from(bad: BadLine) -> Self {
        match bad {
            BadLine::HeadTooLong | BadLine::TooManyFields | BadLine::FieldValueTooLong => {
                Self::TrailersTooLong
            }
            _ => Self::TrailerField,
        }
    }
}
