//! Cookies as they are read and written (RFC 6265, sections 4 and 5).

use std::borrow::Cow;

use pointsman_http1::{Fields, Known};

use super::date;
use crate::decimal;

/// The cookies of a request: name and value, without the quotes around it.
pub(super) fn pairs(fields: &Fields) -> impl Iterator<Item = (&[u8], &[u8])> {
    fields
        .get_all(Known::Cookie)
        .flat_map(|line| Pieces { rest: Some(line) })
        .filter_map(pair)
}

/// The name of the cookie that a `Set-Cookie` sets.
pub(super) fn name_of(line: &[u8]) -> Option<&[u8]> {
    let (name, _) = pair(Pieces { rest: Some(line) }.next()?)?;
    Some(name)
}

/// What stands between semicolons, without the blanks around it. A client may send 64 KiB of it.
struct Pieces<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let piece = match memchr::memchr(b';', rest) {
            Some(end) => {
                self.rest = rest.get(end + 1..);
                rest.get(..end)?
            }
            None => rest,
        };
        Some(piece.trim_ascii())
    }
}

fn pair(piece: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = split(piece)?;
    let quoted = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""));
    Some((name, quoted.unwrap_or(value)))
}

fn split(piece: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b'=', piece)?;
    let (name, value) = (piece.get(..at)?, piece.get(at + 1..)?);
    Some((name.trim_ascii(), value.trim_ascii()))
}

/// A text as the value of a cookie; `None` where it is empty, or has characters that a cookie
/// cannot hold.
pub(super) fn value(text: &str) -> Option<Cow<'_, str>> {
    let fits = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b';' | b'\\');
    if text.is_empty() || !text.bytes().all(fits) {
        return None;
    }
    Some(if text.contains([' ', ',']) {
        Cow::Owned(format!("\"{text}\""))
    } else {
        Cow::Borrowed(text)
    })
}

/// What a cookie says about itself, beside its name, its value and where it applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Attributes {
    /// Only over TLS.
    pub(super) secure: bool,
    /// In a jar of the embedding site.
    pub(super) partitioned: bool,
    /// On requests of which other sites.
    pub(super) same_site: Option<SameSite>,
    /// When it ends, in seconds of the Unix epoch.
    pub(super) expires: Option<i64>,
    /// How long it lives, in seconds; 0: it is deleted. It counts more than the end.
    pub(super) max_age: Option<u64>,
}

/// On requests of which other sites a cookie is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SameSite {
    /// Of all.
    None,
    /// When a link is followed.
    Lax,
    /// Of none.
    Strict,
}

impl SameSite {
    pub(super) const ALL: [Self; 3] = [Self::None, Self::Lax, Self::Strict];

    /// As cookies spell it, where case does not count.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Lax => "Lax",
            Self::Strict => "Strict",
        }
    }

    /// From how it is spelled.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let same = |mode: &Self| mode.as_str().as_bytes().eq_ignore_ascii_case(text);
        Self::ALL.into_iter().find(same)
    }
}

impl Attributes {
    /// Those of a `Set-Cookie`. What is not understood is as if it were not there.
    pub(super) fn of(line: &[u8]) -> Self {
        let mut attributes = Self::default();
        for piece in (Pieces { rest: Some(line) }).skip(1) {
            let (name, value) = split(piece).unwrap_or((piece, b""));
            attributes.read(name, value);
        }
        attributes
    }

    fn read(&mut self, name: &[u8], value: &[u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("Secure") {
            self.secure = true;
        } else if is("Partitioned") {
            self.partitioned = true;
        } else if is("SameSite") {
            self.same_site = SameSite::of(value);
        } else if is("Expires") {
            self.expires = date::parse(value);
        } else if is("Max-Age") {
            let seconds = std::str::from_utf8(value).ok();
            let seconds = seconds.and_then(|text| text.parse::<i64>().ok());
            self.max_age = seconds.map(|seconds| u64::try_from(seconds).unwrap_or(0));
        }
    }

    /// The `Set-Cookie` of a cookie with these attributes, for whatever is below `path`. No script
    /// gets to see it.
    pub(super) fn line(&self, (name, value): (&str, &str), path: &str) -> Vec<u8> {
        let mut line = Vec::with_capacity(160);
        for part in [name, "=", value, "; Path="] {
            line.extend_from_slice(part.as_bytes());
        }
        let fits = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b';';
        line.extend(path.bytes().filter(fits));
        if let Some(expires) = self.expires {
            line.extend_from_slice(b"; Expires=");
            date::push(&mut line, expires);
        }
        if let Some(max_age) = self.max_age {
            line.extend_from_slice(b"; Max-Age=");
            decimal::push(&mut line, max_age);
        }
        line.extend_from_slice(b"; HttpOnly");
        if self.secure {
            line.extend_from_slice(b"; Secure");
        }
        if let Some(same_site) = self.same_site {
            line.extend_from_slice(b"; SameSite=");
            line.extend_from_slice(same_site.as_str().as_bytes());
        }
        if self.partitioned {
            line.extend_from_slice(b"; Partitioned");
        }
        line
    }
}
