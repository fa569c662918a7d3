//! Writing fields that no parser has seen.

use crate::fields::InvalidField;
use crate::known::Known;
use crate::name::Name;
use crate::scan::{has_control, is_token};

/// The longest name and value that can be pushed; the ceilings of L-04.
const MAX_NAME: usize = 1024;
const MAX_VALUE: usize = 1024 * 1024;

/// Whether a field may be written. What a parser has accepted always may.
#[inline]
pub(crate) fn check_field(name: Name<'_>, value: &[u8]) -> Result<(), InvalidField> {
    if name.known() == Known::Other {
        if !is_token(name.as_bytes()) {
            return Err(InvalidField::Name);
        }
        if name.as_bytes().len() > MAX_NAME {
            return Err(InvalidField::TooLong);
        }
    }
    check_value(value)
}

/// Whether a value may be written.
#[inline]
pub(crate) fn check_value(value: &[u8]) -> Result<(), InvalidField> {
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    if value.len() > MAX_VALUE {
        return Err(InvalidField::TooLong);
    }
    if blank(value.first()) || blank(value.last()) || has_control(value) {
        return Err(InvalidField::Value);
    }
    Ok(())
}

/// Appends one field line.
#[inline]
pub(crate) fn push_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Appends fields from outside of a head, each checked; known names in their canonical spelling.
pub(crate) fn push_fields(
    out: &mut Vec<u8>,
    fields: &[(Name<'_>, &[u8])],
) -> Result<(), InvalidField> {
    for (name, value) in fields {
        check_field(*name, value)?;
        match name.known().line_start() {
            Some(start) => {
                out.extend_from_slice(start);
                out.extend_from_slice(value);
                out.extend_from_slice(b"\r\n");
            }
            None => push_line(out, name.as_bytes(), value),
        }
    }
    Ok(())
}

/// Appends the two fields of an upgrade.
pub(crate) fn push_upgrade(out: &mut Vec<u8>, protocol: &[u8]) {
    out.extend_from_slice(b"Connection: Upgrade\r\n");
    push_line(out, Known::Upgrade.as_str().as_bytes(), protocol);
}

/// Lets `write` append to `out`, and takes it all back if it fails.
pub(crate) fn undo_on_error(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), InvalidField>,
) -> Result<(), InvalidField> {
    let before = out.len();
    let outcome = write(out);
    if outcome.is_err() {
        out.truncate(before);
    }
    outcome
}
