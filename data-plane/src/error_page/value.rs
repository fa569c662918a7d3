//! What expressions come to.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::Failed;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Number(i64),
    Text(Cow<'a, [u8]>),
    Bool(bool),
}

impl Value<'_> {
    /// Whether an `if` takes it for true: neither zero nor empty.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Number(number) => *number != 0,
            Self::Text(text) => !text.is_empty(),
            Self::Bool(is_true) => *is_true,
        }
    }

    /// How it stands to another of its kind.
    pub(super) fn compare(&self, other: &Value<'_>) -> Result<Ordering, Failed> {
        match (self, other) {
            (Self::Number(one), Value::Number(other)) => Ok(one.cmp(other)),
            (Self::Text(one), Value::Text(other)) => Ok(one.cmp(other)),
            (Self::Bool(one), Value::Bool(other)) => Ok(one.cmp(other)),
            _ => Err(Failed),
        }
    }

    /// Appends it as text of a page, or within quotes of one.
    pub(super) fn push_escaped(&self, out: &mut Vec<u8>) {
        let text: Cow<'_, [u8]> = match self {
            Self::Number(number) => number.to_string().into_bytes().into(),
            Self::Text(text) => Cow::Borrowed(text.as_ref()),
            Self::Bool(is_true) => Cow::Borrowed(if *is_true { &b"true"[..] } else { b"false" }),
        };
        for byte in text.iter() {
            let escaped: &[u8] = match byte {
                0 => "\u{fffd}".as_bytes(),
                b'"' => b"&#34;",
                b'&' => b"&amp;",
                b'\'' => b"&#39;",
                b'+' => b"&#43;",
                b'<' => b"&lt;",
                b'>' => b"&gt;",
                _ => {
                    out.push(*byte);
                    continue;
                }
            };
            out.extend_from_slice(escaped);
        }
    }
}
