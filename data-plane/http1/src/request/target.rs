//! The request target: a path, an absolute URI, or `*` (RFC 9112 §3.2).

use std::ops::Range;

use super::TargetForm;
use super::refused::Refused;
use crate::host::{Host, is_escape};
use crate::method::Method;
use crate::scan::find_invisible;

/// A target taken apart. Ranges count from its first byte.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) len: usize,
    pub(crate) form: TargetForm,
    /// Path and query.
    pub(crate) path: Range<usize>,
    /// The authority of the absolute form.
    pub(crate) authority: Option<Authority>,
}

/// An authority, and where it stands in whatever it was read from.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    pub(crate) whole: Range<usize>,
    pub(crate) host_len: usize,
    pub(crate) port: Option<u16>,
}

impl Authority {
    /// Takes `host` apart, which begins at `start`.
    pub(crate) fn new(host: &Host<'_>, start: usize, len: usize) -> Self {
        Self {
            whole: start..start + len,
            host_len: host.name.len(),
            port: host.port,
        }
    }
}

impl Target {
    /// Reads a target whose bytes have been checked.
    pub(crate) fn parse(target: &[u8], method: Method) -> Result<Self, Refused> {
        let (form, path, authority) = match target {
            [b'/', ..] => (TargetForm::Origin, 0..target.len(), None),
            b"*" if method == Method::Options => (TargetForm::Asterisk, 0..1, None),
            _ => {
                let authority = parse_absolute(target)?;
                (
                    TargetForm::Absolute,
                    authority.whole.end..target.len(),
                    Some(authority),
                )
            }
        };
        check_escapes(target.get(path.clone()).unwrap_or_default())?;
        Ok(Self {
            len: target.len(),
            form,
            path,
            authority,
        })
    }
}

/// Reads the authority of an absolute URI; everything that is none is refused.
fn parse_absolute(target: &[u8]) -> Result<Authority, Refused> {
    let start = ["http://", "https://"]
        .into_iter()
        .map(str::as_bytes)
        .find_map(|scheme| {
            let head = target.get(..scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then_some(scheme.len())
        });
    let start = start.ok_or(Refused::Target)?;
    let rest = target.get(start..).unwrap_or_default();
    let len = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(rest.len());
    let authority = rest.get(..len).unwrap_or_default();
    let host = Host::parse(authority).map_err(|_| Refused::Target)?;
    Ok(Authority::new(&host, start, len))
}

/// Refuses a target that is empty or has a byte which is not visible ASCII.
pub(crate) fn check_bytes(target: &[u8]) -> Result<(), Refused> {
    if target.is_empty() {
        return Err(Refused::RequestLine);
    }
    if find_invisible(target).is_some() {
        Err(Refused::TargetByte)
    } else {
        Ok(())
    }
}

/// Refuses a percent sign in the path that no two hexadecimal digits follow (D-070). The query is
/// passed as it is, as Gorouter does.
fn check_escapes(path_and_query: &[u8]) -> Result<(), Refused> {
    let mut at = 0;
    loop {
        let rest = path_and_query.get(at..).unwrap_or_default();
        match memchr::memchr2(b'%', b'?', rest).map(|index| (at + index, rest.get(index))) {
            Some((escape, Some(b'%'))) if is_escape(path_and_query, escape) => at = escape + 3,
            Some((_, Some(b'%'))) => return Err(Refused::TargetByte),
            _ => return Ok(()),
        }
    }
}
