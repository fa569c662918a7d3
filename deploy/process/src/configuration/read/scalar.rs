//! What a scalar is, by its text, and what is said when it is something else.

use super::super::document::{Content, Node, Scalar};
use super::Manners;
use super::fault::Fault;

/// What the text of a scalar stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Resolved {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text,
}

impl Resolved {
    /// The short tag, as `gopkg.in/yaml.v3` names it.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Text => "!!str",
        }
    }
}

/// Resolves a scalar as the YAML 1.2 core schema does, and with Go's manners about integers as `yaml.v3` does.
pub(super) fn resolve(scalar: &Scalar, manners: Manners) -> Resolved {
    if scalar.is_null() {
        return Resolved::Null;
    }
    let by_text = match scalar.tag.as_deref() {
        Some(tag) => matches!(tag, "int" | "float" | "bool"),
        None => scalar.is_plain(),
    };
    if !by_text {
        return Resolved::Text;
    }
    match &*scalar.text {
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        text => int(text, manners)
            .map(Resolved::Int)
            .or_else(|| float(text).map(Resolved::Float))
            .unwrap_or(Resolved::Text),
    }
}

fn int(text: &str, manners: Manners) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let go = manners == Manners::Go;
    let stripped = if go {
        digits.replace('_', "")
    } else {
        digits.to_owned()
    };
    let (radix, digits) = match stripped.get(..2) {
        Some("0x" | "0X") => (16, &stripped[2..]),
        Some("0o" | "0O") => (8, &stripped[2..]),
        Some("0b" | "0B") if go => (2, &stripped[2..]),
        // Go reads a leading zero as octal, as C does.
        Some(octal) if go && octal.starts_with('0') => (8, &stripped[1..]),
        _ => (10, &*stripped),
    };
    if !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    let value = if negative { -value } else { value };
    (value >= i128::from(i64::MIN) && value <= i128::from(u64::MAX)).then_some(value)
}

fn float(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    // Rust also reads words such as `infinity`, which are text in YAML.
    let allowed =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    let shaped = text.bytes().all(allowed) && text.bytes().any(|byte| byte.is_ascii_digit());
    shaped.then(|| text.parse().ok()).flatten()
}

/// The fault of a node that is not what was expected: `expected` for people, `go_type` for Go's words.
pub(super) fn mismatch(node: &Node, manners: Manners, expected: &str, go_type: &str) -> Fault {
    if node.is_null() {
        return Fault::null();
    }
    let (tag, found, shown) = match &node.content {
        Content::Mapping(_) => ("!!map", "a map", String::new()),
        Content::Sequence(_) => ("!!seq", "a list", String::new()),
        Content::Scalar(scalar) => {
            let tag = resolve(scalar, manners).tag();
            let found = if scalar.plain { "" } else { "the text " };
            (tag, found, format!("`{}`", shortened(&scalar.text)))
        }
    };
    match manners {
        Manners::Go => {
            let gap = if shown.is_empty() { "" } else { " " };
            let what = format!("cannot unmarshal {tag}{gap}{shown} into {go_type}");
            Fault::wrong(what, Some(format!("write {expected}")))
        }
        Manners::Ours => Fault::wrong(format!("must be {expected}, not {found}{shown}"), None),
    }
}

/// Long scalars are cut as `yaml.v3` cuts them, which also keeps keys and certificates out of the log.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(7) {
        Some((at, _)) if text.chars().count() > 10 => format!("{}...", &text[..at]),
        _ => text.to_owned(),
    }
}
