//! The request line: `method SP target SP version`, with single blanks.
//!
//! It is read byte after byte, as the fields are, so that garbage is refused at the first byte that
//! cannot be part of a request and not at the deadline.

use super::RequestLine;
use super::refused::Refused;
use super::target::Target;
use crate::fields::Span;
use crate::method::Method;
use crate::scan::{find_invisible, is_token_byte};
use crate::version::Version;

/// The longest method. The longest registered one has 17 bytes; a first word beyond this is
/// somebody speaking another protocol.
const MAX_METHOD: usize = 32;

/// Bytes of what follows the target: ` HTTP/1.1` and the line end.
const VERSION_LEN: usize = 11;

/// What was found of a request line.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It is complete, and the next line begins at `end`.
    Complete { version: Version, end: usize },
    /// More is to come; up to here its target goes on.
    Partial { searched: usize },
}

/// Reads the request line that begins at `start` into `line`; `searched` is what the last call
/// answered.
pub(crate) fn read(
    input: &[u8],
    start: usize,
    searched: usize,
    obs_text: bool,
    line: &mut RequestLine,
) -> Result<Progress, Refused> {
    let Some(method_end) = find_method_end(input, start)? else {
        return Ok(Progress::Partial { searched });
    };
    let method_bytes = input.get(start..method_end).unwrap_or_default();
    let method = Method::of(method_bytes);
    if method == Method::Connect {
        return Err(Refused::Connect);
    }
    let target_start = method_end + 1;
    let from = searched.max(target_start);
    let Some(target_end) = find_target_end(input, from, obs_text) else {
        return Ok(Progress::Partial {
            searched: input.len(),
        });
    };
    let target = input.get(target_start..target_end).unwrap_or_default();
    let rest = input.get(target_end..).unwrap_or_default();
    let version = match rest.first_chunk::<VERSION_LEN>() {
        Some(b" HTTP/1.1\r\n") if !target.is_empty() => Version::Http11,
        _ => match read_version(method_bytes, target, rest)? {
            Some(version) => version,
            None => {
                return Ok(Progress::Partial {
                    searched: target_end,
                });
            }
        },
    };
    let method_at = Span {
        start,
        end: method_end,
    };
    line.fill(
        method,
        method_at,
        &Target::parse(target, method)?,
        target_start,
    );
    Ok(Progress::Complete {
        version,
        end: target_end + VERSION_LEN,
    })
}

/// Where the blank after the method stands; `None` if it has not arrived.
fn find_method_end(input: &[u8], start: usize) -> Result<Option<usize>, Refused> {
    let begun = input.get(start..).unwrap_or_default();
    if let Some(b"GET " | b"PUT ") = begun.first_chunk::<4>() {
        return Ok(Some(start + 3));
    }
    if let Some(b"POST " | b"HEAD ") = begun.first_chunk::<5>() {
        return Ok(Some(start + 4));
    }
    let Some(len) = begun
        .iter()
        .take(MAX_METHOD + 1)
        .position(|&byte| !is_token_byte(byte))
    else {
        return if begun.len() > MAX_METHOD {
            Err(Refused::Method)
        } else {
            Ok(None)
        };
    };
    match begun.get(len..) {
        Some([b' ', ..]) if len > 0 => Ok(Some(start + len)),
        Some([b'\r']) => Ok(None),
        Some([b'\r', b'\n', ..]) => Err(Refused::RequestLine),
        Some([b'\r', ..]) => Err(Refused::BareCarriageReturn),
        Some([b'\n', ..]) => Err(Refused::BareLineFeed),
        _ => Err(Refused::Method),
    }
}

/// Where the first byte after `from` stands that is no part of a target.
fn find_target_end(input: &[u8], from: usize, obs_text: bool) -> Option<usize> {
    let mut at = from;
    loop {
        let end = at + find_invisible(input.get(at..).unwrap_or_default())?;
        match input.get(end) {
            Some(0x80..) if obs_text => at = end + 1,
            _ => return Some(end),
        }
    }
}

/// Reads what follows the target, which has to be a blank, a version and a line end; `None` if it
/// has not arrived in full.
#[cold]
fn read_version(method: &[u8], target: &[u8], rest: &[u8]) -> Result<Option<Version>, Refused> {
    match rest.first() {
        None => return Ok(None),
        Some(b' ') if !target.is_empty() => {}
        Some(b' ') => return Err(Refused::RequestLine),
        Some(b'\n') => return Err(Refused::BareLineFeed),
        Some(b'\r') => return after_two_words(method, target, rest),
        Some(_) => return Err(Refused::TargetByte),
    }
    for (index, &byte) in rest.iter().enumerate().take(VERSION_LEN) {
        let fits = match index {
            6 | 8 => byte.is_ascii_digit(),
            _ => b" HTTP/ . \r\n".get(index) == Some(&byte),
        };
        if !fits {
            return Err(match (index, byte) {
                (9, b'\n') => Refused::BareLineFeed,
                (10, _) => Refused::BareCarriageReturn,
                _ => wrong_words(method, target),
            });
        }
    }
    match rest.get(..VERSION_LEN) {
        None => Ok(None),
        Some(b" HTTP/1.1\r\n") => Ok(Some(Version::Http11)),
        Some(b" HTTP/1.0\r\n") => Ok(Some(Version::Http10)),
        Some(b" HTTP/2.0\r\n") if method == b"PRI" && target == b"*" => Err(Refused::Http2Preface),
        Some(_) => Err(Refused::Version),
    }
}

/// The line seems to end after the target.
fn after_two_words(method: &[u8], target: &[u8], rest: &[u8]) -> Result<Option<Version>, Refused> {
    match rest.get(1) {
        None => Ok(None),
        Some(b'\n') => Err(wrong_words(method, target)),
        Some(_) => Err(Refused::BareCarriageReturn),
    }
}

/// The words are not those of a request line: perhaps those of a PROXY header, version 1.
fn wrong_words(method: &[u8], target: &[u8]) -> Refused {
    if method == b"PROXY" && (target.starts_with(b"TCP") || target == b"UNKNOWN") {
        Refused::ProxyHeader
    } else {
        Refused::RequestLine
    }
}
