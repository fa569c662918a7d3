//! Parser events to nodes: aliases, merge keys, and duplicate keys.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{Content, Entry, Node, Scalar};

/// More than any configuration has, and little enough to hold: a bound on what nested aliases can unfold to.
const MAX_NODES: usize = 250_000;

/// Why a text is no document of ours.
pub(super) struct Fault {
    pub(super) at: (usize, usize),
    pub(super) what: String,
}

impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        Self {
            at: position(*error.marker()),
            what: format!("is no YAML: {}", error.info()),
        }
    }
}

/// The first document of the text, null for a text without any; and what is wrong about there being more.
pub(super) fn parse(text: &str) -> Result<(Node, Option<Fault>), Fault> {
    // A byte order mark is what some editors leave; YAML allows it.
    let text = text.trim_start_matches('\u{feff}');
    // Comments would come as events of their own, wherever any crate of the build switches them on.
    let options = granit_parser::options! { emit_comments: false };
    let mut builder = Builder {
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        nodes: 0,
    };
    loop {
        let (event, span) = builder.next()?;
        match event {
            Event::StreamEnd => return Ok((builder.null(position(span.start))?, None)),
            Event::StreamStart | Event::DocumentStart(..) => {}
            event => {
                let first = builder.node(event, span)?;
                return Ok((first, builder.rest().err()));
            }
        }
    }
}

fn position(marker: Marker) -> (usize, usize) {
    (marker.line().max(1), marker.col() + 1)
}

fn core_tag(tag: Option<Cow<'_, Tag>>) -> Option<String> {
    let tag = tag?;
    // `!` alone means: not resolved by its text.
    let suffix = if tag.suffix().is_empty() {
        "str"
    } else {
        tag.suffix()
    };
    Some(suffix.to_owned())
}

struct Builder<'input> {
    events: Parser<'input, StrInput<'input>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'input> Builder<'input> {
    fn next(&mut self) -> Result<(Event<'input>, Span), Fault> {
        let end = || Fault {
            at: (1, 1),
            what: "is no YAML: it ends too early".to_owned(),
        };
        Ok(self.events.next().ok_or_else(end)??)
    }

    /// What stands behind the first document, which should be nothing.
    fn rest(&mut self) -> Result<(), Fault> {
        loop {
            match self.next()? {
                (Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Ok(()),
                (_, span) => {
                    let what = "begins a second document; write everything into one, without `---` in between";
                    return Err(Fault {
                        at: position(span.start),
                        what: what.to_owned(),
                    });
                }
            }
        }
    }

    fn count(&mut self, nodes: usize, at: (usize, usize)) -> Result<usize, Fault> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            let what = format!("unfolds to more than {MAX_NODES} values");
            return Err(Fault { at, what });
        }
        Ok(self.nodes)
    }

    fn null(&mut self, at: (usize, usize)) -> Result<Node, Fault> {
        let scalar = Scalar {
            text: String::new(),
            plain: true,
            tag: None,
        };
        Ok(Node {
            id: self.count(1, at)?,
            at,
            content: Content::Scalar(scalar),
        })
    }

    fn node(&mut self, event: Event<'input>, span: Span) -> Result<Node, Fault> {
        let at = position(span.start);
        let (content, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let scalar = Scalar {
                    text: text.into_owned(),
                    plain,
                    tag: core_tag(tag),
                };
                (Content::Scalar(scalar), anchor)
            }
            Event::SequenceStart(_, anchor, _) => (Content::Sequence(self.sequence()?), anchor),
            Event::MappingStart(_, anchor, _) => (Content::Mapping(self.mapping()?), anchor),
            Event::Alias(id) => return self.alias(id, at),
            _ => {
                return Err(Fault {
                    at,
                    what: "is no YAML: a value was expected".to_owned(),
                });
            }
        };
        let node = Node {
            id: self.count(1, at)?,
            at,
            content,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, at: (usize, usize)) -> Result<Node, Fault> {
        let Some(node) = self.anchors.get(&id).cloned() else {
            return Err(Fault {
                at,
                what: "refers to an anchor that contains it".to_owned(),
            });
        };
        self.count(size(&node), at)?;
        Ok(node)
    }

    fn sequence(&mut self) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Vec<Entry>, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let at = position(span.start);
            let Content::Scalar(key) = self.node(event, span)?.content else {
                return Err(Fault {
                    at,
                    what: "a key must be a single word".to_owned(),
                });
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            if key.text == "<<" && key.plain {
                merged.extend(merge_source(value)?);
                continue;
            }
            if let Some(first) = entries.iter().find(|entry| entry.key == key.text) {
                // The words of the Go library, since scripts know them (CF-007).
                let (key, line) = (key.text, first.at.0);
                let what = format!("mapping key {key:?} already defined at line {line}");
                return Err(Fault { at, what });
            }
            entries.push(Entry {
                key: key.text,
                at,
                value,
            });
        }
        for entry in merged {
            if !entries.iter().any(|own| own.key == entry.key) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

/// The entries that a merge key brings: of one map, or of several, the first of which wins.
fn merge_source(value: Node) -> Result<Vec<Entry>, Fault> {
    let what = "map merge requires map or sequence of maps as the value".to_owned();
    match value.content {
        Content::Mapping(entries) => Ok(entries),
        Content::Sequence(items) => {
            let sources: Result<Vec<_>, _> = items.into_iter().map(merge_source).collect();
            Ok(sources?.into_iter().flatten().collect())
        }
        Content::Scalar(_) => Err(Fault { at: value.at, what }),
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.content {
        Content::Scalar(_) => 0,
        Content::Sequence(items) => items.iter().map(size).sum(),
        Content::Mapping(entries) => entries.iter().map(|entry| size(&entry.value)).sum(),
    }
}
