//! Whether what is shown stands where escaping makes it safe: in the text of a page, or between the quotes of an
//! attribute that is only text.

use super::BadPage;
use super::template::Node;

/// Elements whose content is no text.
const RAW: [&str; 8] = [
    "iframe",
    "noembed",
    "noframes",
    "noscript",
    "plaintext",
    "script",
    "style",
    "xmp",
];

/// Attributes that are only text; `data-` and `aria-` ones are, too.
const PLAIN: [&str; 9] = [
    "alt",
    "class",
    "id",
    "label",
    "lang",
    "name",
    "placeholder",
    "title",
    "value",
];

/// A place in a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    /// Within a comment.
    Comment,
    /// Within the content of an element of [`RAW`].
    Raw(String),
    /// Behind `<`, with what has come of the element's name.
    Name(String),
    /// Within a tag, between attributes.
    Tag(String),
    /// Within a tag, with what has come of an attribute's name.
    Attribute(String, String),
    /// Behind the `=` of an attribute.
    Equals(String, String),
    /// Within the quotes of an attribute.
    Quoted(String, String, char),
    /// Within an attribute without quotes.
    Bare(String),
}

/// Looks at a page from beginning to end.
pub(super) fn check(nodes: &[Node]) -> Result<(), BadPage> {
    follow(nodes, Place::Text).map(drop)
}

/// The place behind these parts.
fn follow(nodes: &[Node], mut place: Place) -> Result<Place, BadPage> {
    for node in nodes {
        match node {
            Node::Text { text, line } => place = behind(text, place, *line)?,
            Node::Show { line, .. } => {
                if !place.is_safe() {
                    return Err(BadPage {
                        line: *line,
                        what: "shows a value where it could become more than text; \
                               show it between tags, or in the quotes of a `class`, `title` or the like"
                            .to_owned(),
                    });
                }
            }
            Node::If {
                arms,
                otherwise,
                line,
            } => {
                let behind = follow(otherwise, place.clone())?;
                for (_, nodes) in arms {
                    if follow(nodes, place.clone())? != behind {
                        return Err(BadPage {
                            line: *line,
                            what: "the parts of an `if` end in different places of the page"
                                .to_owned(),
                        });
                    }
                }
                place = behind;
            }
        }
    }
    Ok(place)
}

impl Place {
    fn is_safe(&self) -> bool {
        match self {
            Self::Text => true,
            Self::Quoted(_, attribute, _) => {
                PLAIN.contains(&attribute.as_str())
                    || attribute.starts_with("data-")
                    || attribute.starts_with("aria-")
            }
            _ => false,
        }
    }

    /// Behind the `>` of a tag.
    fn behind_tag(name: String) -> Self {
        if RAW.contains(&name.as_str()) {
            Self::Raw(name)
        } else {
            Self::Text
        }
    }
}

/// The place behind a text.
fn behind(text: &str, mut place: Place, line: usize) -> Result<Place, BadPage> {
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let one = rest.get(next.len_utf8()..).unwrap_or_default();
        (place, rest) = match place {
            Place::Text => leave_text(rest, line)?,
            Place::Comment => match rest.split_once("-->") {
                Some((_, rest)) => (Place::Text, rest),
                None => (Place::Comment, ""),
            },
            Place::Raw(name) => leave_raw(rest, name),
            other => (step(other, next), one),
        };
    }
    Ok(place)
}

fn leave_text(rest: &str, line: usize) -> Result<(Place, &str), BadPage> {
    let Some((_, tag)) = rest.split_once('<') else {
        return Ok((Place::Text, ""));
    };
    if tag.is_empty() {
        return Err(BadPage {
            line,
            what: "a `<` stands right before an action".to_owned(),
        });
    }
    if let Some(comment) = tag.strip_prefix("!--") {
        return Ok((Place::Comment, comment));
    }
    // What follows is the name of a tag, of its end, or of a declaration.
    if tag
        .starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '/' | '!' | '?'))
    {
        return Ok((Place::Name(String::new()), tag));
    }
    Ok((Place::Text, tag))
}

/// Only the end of the element itself ends its content.
fn leave_raw(rest: &str, name: String) -> (Place, &str) {
    let (lower, end) = (rest.to_ascii_lowercase(), format!("</{name}"));
    let ends_name = |next: &u8| matches!(next, b'>' | b'/') || next.is_ascii_whitespace();
    let mut ends = lower
        .match_indices(end.as_str())
        .map(|(at, _)| at + end.len());
    match ends.find(|at| lower.as_bytes().get(*at).is_some_and(ends_name)) {
        Some(at) => {
            let rest = rest.get(at..).unwrap_or_default();
            (Place::Tag(String::new()), rest)
        }
        None => (Place::Raw(name), ""),
    }
}

/// One character further within a tag.
fn step(place: Place, next: char) -> Place {
    let blank = next.is_ascii_whitespace();
    match place {
        Place::Name(name) if next == '>' => Place::behind_tag(name),
        Place::Name(name) if blank || (next == '/' && !name.is_empty()) => Place::Tag(name),
        Place::Name(mut name) => {
            name.push(next.to_ascii_lowercase());
            Place::Name(name)
        }
        Place::Tag(name) | Place::Attribute(name, _) | Place::Bare(name) if next == '>' => {
            Place::behind_tag(name)
        }
        Place::Equals(name, _) if next == '>' => Place::behind_tag(name),
        Place::Tag(name) if blank || next == '/' => Place::Tag(name),
        Place::Tag(name) => Place::Attribute(name, next.to_ascii_lowercase().to_string()),
        Place::Attribute(name, attribute) if next == '=' => Place::Equals(name, attribute),
        Place::Attribute(name, attribute) if blank => Place::Attribute(name, attribute + " "),
        // One without a value is over; another one begins.
        Place::Attribute(name, attribute) if attribute.ends_with(' ') => {
            step(Place::Tag(name), next)
        }
        Place::Attribute(name, mut attribute) => {
            attribute.push(next.to_ascii_lowercase());
            Place::Attribute(name, attribute)
        }
        Place::Equals(name, attribute) if blank => Place::Equals(name, attribute),
        Place::Equals(name, attribute) if matches!(next, '"' | '\'') => {
            Place::Quoted(name, attribute.trim_end().to_owned(), next)
        }
        Place::Equals(name, _) => Place::Bare(name),
        Place::Quoted(name, _, quote) if next == quote => Place::Tag(name),
        Place::Bare(name) if blank => Place::Tag(name),
        other => other,
    }
}
