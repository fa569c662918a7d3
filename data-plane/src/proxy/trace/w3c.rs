//! The headers of W3C Trace Context, as Gorouter reads and writes them.

use std::ops::Range;

use super::Place;
use crate::hexadecimal;
use crate::settings::VendorKey;

/// The longest `tracestate` that is kept (D-155).
const STATE_MOST: usize = 2048;

/// What a `traceparent` says that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) trace: u128,
    /// The two digits of the flags.
    pub(super) flags: [u8; 2],
}

/// Reads a `traceparent`: 55 bytes with digits in their places; neither its version nor what stands between the digits
/// matters.
pub(super) fn read(value: &[u8]) -> Option<Parent> {
    let value = value.trim_ascii();
    if value.len() != 55 {
        return None;
    }
    let number = |digits: Range<usize>| value.get(digits).and_then(hexadecimal::parse);
    number(0..2)?;
    number(36..52)?;
    number(53..55)?;
    let flags: &[u8; 2] = value.last_chunk()?;
    Some(Parent {
        trace: number(3..35)?,
        flags: flags.map(|digit| digit.to_ascii_lowercase()),
    })
}

/// The value of `traceparent`, version 00.
pub(super) fn write(place: Place, flags: [u8; 2]) -> Vec<u8> {
    let mut value = Vec::with_capacity(55);
    value.extend_from_slice(b"00-");
    value.extend(hexadecimal::of_u128(place.trace));
    value.push(b'-');
    value.extend(hexadecimal::of_u64(place.span));
    value.push(b'-');
    value.extend(flags);
    value
}

/// The value of `tracestate`: our member first, then those of others in their order. One that is too long is dropped as
/// a whole, and so is what has no value.
pub(super) fn state(key: &VendorKey, parent: u64, received: Option<&[u8]>) -> Vec<u8> {
    let mut value = key.as_bytes().to_vec();
    value.push(b'=');
    value.extend(hexadecimal::of_u64(parent));
    let received = received.filter(|state| state.len() <= STATE_MOST);
    let members = received.unwrap_or_default().split(|&byte| byte == b',');
    for member in members.map(<[u8]>::trim_ascii) {
        let name_end = member.iter().position(|&byte| byte == b'=');
        let name = name_end.and_then(|end| member.get(..end));
        if name.is_some_and(|name| name != key.as_bytes()) {
            value.push(b',');
            value.extend_from_slice(member);
        }
    }
    value
}
