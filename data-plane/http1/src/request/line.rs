//! The request line: `method SP target SP version`, with single blanks.

use super::RequestLine;
use super::refused::Refused;
use super::target::{Target, check_bytes};
use crate::fields::Span;
use crate::method::Method;
use crate::scan::is_token_byte;
use crate::version::Version;

/// The longest method. The longest registered one has 17 bytes; a first word beyond this is
/// somebody speaking another protocol.
const MAX_METHOD: usize = 32;

/// Reads a complete request line, which begins at `base` in the buffer that spans count from.
pub(crate) fn parse(
    line: &[u8],
    base: usize,
    obs_text: bool,
) -> Result<(RequestLine, Version), Refused> {
    let method_len = match method_end(line) {
        MethodEnd::Blank(at) => at,
        MethodEnd::Missing => return Err(Refused::RequestLine),
        MethodEnd::Invalid => return Err(Refused::Method),
    };
    let (method_bytes, rest) = line.split_at(method_len);
    let method = Method::of(method_bytes);
    if method == Method::Connect {
        return Err(Refused::Connect);
    }
    let rest = rest.get(1..).unwrap_or_default();
    let Some((target, version)) = rest.split_last_chunk::<9>() else {
        return Err(explain(method_bytes, rest));
    };
    let version = match version {
        b" HTTP/1.1" => Version::Http11,
        b" HTTP/1.0" => Version::Http10,
        _ => return Err(explain(method_bytes, rest)),
    };
    if let Err(refused) = check_bytes(target, obs_text) {
        // A blank in the target means that there are more than three words.
        return Err(if target.contains(&b' ') {
            explain(method_bytes, rest)
        } else {
            refused
        });
    }
    let target_at = base + method_len + 1;
    let target = Target::parse(target, method)?;
    Ok((
        RequestLine::new(
            method,
            Span::new(base, base + method_len),
            &target,
            target_at,
        ),
        version,
    ))
}

/// Judges the beginning of a request line that is not complete, so that garbage is refused at
/// once and not at the deadline. It never refuses what a complete line may begin with.
pub(crate) fn check_beginning(line: &[u8]) -> Result<(), Refused> {
    let end = line
        .iter()
        .take(MAX_METHOD + 1)
        .position(|&byte| !is_token_byte(byte));
    match end.and_then(|at| line.get(at)) {
        Some(b' ') if end != Some(0) => Ok(()),
        // This may be the first half of a line end, after which the line is complete and too short.
        Some(b'\r') => Ok(()),
        Some(_) => Err(Refused::Method),
        None if line.len() > MAX_METHOD => Err(Refused::Method),
        None => Ok(()),
    }
}

enum MethodEnd {
    /// A token, and the blank after it stands here.
    Blank(usize),
    /// The line is a token and nothing else.
    Missing,
    Invalid,
}

fn method_end(line: &[u8]) -> MethodEnd {
    let end = line
        .iter()
        .take(MAX_METHOD + 1)
        .position(|&byte| !is_token_byte(byte));
    match end {
        Some(at) if at > 0 && line.get(at) == Some(&b' ') => MethodEnd::Blank(at),
        Some(_) => MethodEnd::Invalid,
        None if line.len() > MAX_METHOD => MethodEnd::Invalid,
        None => MethodEnd::Missing,
    }
}

/// Why the part after the method is not `target SP HTTP/1.[01]`.
#[cold]
fn explain(method: &[u8], rest: &[u8]) -> Refused {
    let mut words = rest.split(|&byte| byte == b' ');
    let target = words.next().unwrap_or_default();
    if method == b"PROXY" && (target.starts_with(b"TCP") || target.starts_with(b"UNKNOWN")) {
        return Refused::ProxyHeader;
    }
    match (words.next(), words.next()) {
        (Some(version), None) if !target.is_empty() && is_version(version) => {
            if method == b"PRI" && target == b"*" && version == b"HTTP/2.0" {
                Refused::Http2Preface
            } else {
                Refused::Version
            }
        }
        _ => Refused::RequestLine,
    }
}

/// Whether the word is a version, though not one of ours (RFC 9112 §2.3).
fn is_version(word: &[u8]) -> bool {
    matches!(word, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
        if major.is_ascii_digit() && minor.is_ascii_digit() && !matches!(word, b"HTTP/1.0" | b"HTTP/1.1"))
}
