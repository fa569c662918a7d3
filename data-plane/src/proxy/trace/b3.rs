//! The headers of Zipkin, in one field or in several.

use pointsman_http1::{Fields, Known};

use super::Place;
use crate::hexadecimal;

/// What the fields of a request say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// `b3` can be read, and is to stay; ids stand in it, or only whether to sample.
    Single(Option<Place>),
    /// The several fields can be read: this is what `b3` says instead of them.
    Several(Place, Vec<u8>),
    /// The several fields are there, and cannot be read: nothing is touched.
    Unclear,
    /// There is no trace yet.
    Nothing,
}

/// Reads `b3`, or else `X-B3-TraceId` and what stands beside it.
pub(super) fn read(fields: &Fields) -> Read {
    let sent = |name: Known| fields.get(name).filter(|value| !value.is_empty());
    if let Some(value) = sent(Known::B3)
        && let Some(read) = read_single(value)
    {
        return Read::Single(read.ids);
    }
    let (Some(trace), Some(span)) = (sent(Known::XB3TraceId), sent(Known::XB3SpanId)) else {
        return Read::Nothing;
    };
    match read_several(fields, (trace, span)) {
        Some((place, single)) => Read::Several(place, single),
        None => Read::Unclear,
    }
}

/// A `b3` that can be read.
struct Single {
    ids: Option<Place>,
}

/// `{trace}-{span}[-{sampled}[-{parent}]]`, or `{sampled}` alone.
fn read_single(value: &[u8]) -> Option<Single> {
    if is_sampling(value) {
        return Some(Single { ids: None });
    }
    let mut parts = value.split(|&byte| byte == b'-');
    let trace = parts
        .next()
        .filter(|digits| matches!(digits.len(), 16 | 32))?;
    let place = Place {
        trace: hexadecimal::parse(trace)?,
        span: sixteen(parts.next()?)?,
    };
    if let Some(sampled) = parts.next() {
        is_sampling(sampled).then_some(())?;
    }
    if let Some(parent) = parts.next() {
        sixteen(parent)?;
    }
    parts
        .next()
        .is_none()
        .then_some(Single { ids: Some(place) })
}

/// The several fields, and what they are as one. Ids with fewer digits than usual are read as Zipkin's own library
/// reads them.
fn read_several(fields: &Fields, (trace, span): (&[u8], &[u8])) -> Option<(Place, Vec<u8>)> {
    let place = Place {
        trace: hexadecimal::parse(trace)?,
        span: id(span)?,
    };
    let sampled = fields.get("X-B3-Sampled").unwrap_or_default();
    let sampled = match sampled.to_ascii_lowercase().as_slice() {
        b"" => None,
        b"0" | b"false" => Some(b'0'),
        b"1" | b"true" => Some(b'1'),
        _ => return None,
    };
    let parent = match fields.get(Known::XB3ParentSpanId).unwrap_or_default() {
        b"" => None,
        digits => Some(id(digits)?),
    };
    let debug = fields.get("X-B3-Flags") == Some(&b"1"[..]);
    let sampled = if debug { Some(b'd') } else { sampled };
    Some((place, single(place, sampled.map(|flag| (flag, parent)))))
}

/// The value of `b3`. A parent can stand only behind what was decided about sampling.
pub(super) fn single(place: Place, sampled: Option<(u8, Option<u64>)>) -> Vec<u8> {
    let mut value = place.trace_digits();
    value.push(b'-');
    value.extend(hexadecimal::of_u64(place.span));
    if let Some((flag, parent)) = sampled {
        value.extend([b'-', flag]);
        if let Some(parent) = parent {
            value.push(b'-');
            value.extend(hexadecimal::of_u64(parent));
        }
    }
    value
}

fn is_sampling(value: &[u8]) -> bool {
    matches!(value, b"0" | b"1" | b"d")
}

fn sixteen(digits: &[u8]) -> Option<u64> {
    if digits.len() == 16 { id(digits) } else { None }
}

fn id(digits: &[u8]) -> Option<u64> {
    hexadecimal::parse(digits).and_then(|id| u64::try_from(id).ok())
}
