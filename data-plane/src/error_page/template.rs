//! From the text of a page to its nodes.

use super::BadPage;
use super::expression::{self, Expression, Token};

/// A part of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// What is sent as it is.
    Text { text: Box<str>, line: usize },
    /// What is shown of the error.
    Show { expression: Expression, line: usize },
    /// Parts of which one is taken, or none.
    If {
        arms: Vec<(Expression, Vec<Self>)>,
        otherwise: Vec<Self>,
        line: usize,
    },
}

/// Text, or what stands between `{{` and `}}`.
struct Piece<'a> {
    text: &'a str,
    line: usize,
    is_action: bool,
}

/// An `if` that is not ended yet.
struct Open {
    line: usize,
    arms: Vec<(Expression, Vec<Node>)>,
    /// The condition of the part that is being read; `None` in the last `else`.
    condition: Option<Expression>,
    /// What stood before.
    outer: Vec<Node>,
}

/// Reads a page.
pub(super) fn parse(text: &str) -> Result<Vec<Node>, BadPage> {
    let mut nodes = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for piece in pieces(text)? {
        let line = piece.line;
        let bad = |what: String| BadPage { line, what };
        if piece.is_action {
            let tokens = expression::tokens(piece.text).map_err(bad)?;
            act(&tokens, line, (&mut nodes, &mut open)).map_err(bad)?;
        } else if !piece.text.is_empty() {
            let text = piece.text.into();
            nodes.push(Node::Text { text, line });
        }
    }
    match open.last() {
        None => Ok(nodes),
        Some(open) => Err(BadPage {
            line: open.line,
            what: "`if` has no `{{ end }}`".to_owned(),
        }),
    }
}

/// Does what stands between `{{` and `}}`.
fn act(
    tokens: &[Token],
    line: usize,
    (nodes, open): (&mut Vec<Node>, &mut Vec<Open>),
) -> Result<(), String> {
    let words: Vec<&str> = tokens.iter().map_while(Token::word).take(2).collect();
    match words.as_slice() {
        ["if", ..] => {
            let condition = expression::parse(tokens.get(1..).unwrap_or_default())?;
            open.push(Open {
                line,
                arms: Vec::new(),
                condition: Some(condition),
                outer: std::mem::take(nodes),
            });
        }
        ["else", "if"] => {
            let condition = expression::parse(tokens.get(2..).unwrap_or_default())?;
            end_arm(nodes, open)?.condition = Some(condition);
        }
        ["else"] if tokens.len() == 1 => {
            end_arm(nodes, open)?;
        }
        ["end"] if tokens.len() == 1 => {
            let open = open.pop().ok_or("`end` has no `if`")?;
            let inner = std::mem::replace(nodes, open.outer);
            let mut arms = open.arms;
            let otherwise = match open.condition {
                Some(condition) => {
                    arms.push((condition, inner));
                    Vec::new()
                }
                None => inner,
            };
            let line = open.line;
            nodes.push(Node::If {
                arms,
                otherwise,
                line,
            });
        }
        _ => nodes.push(Node::Show {
            expression: expression::parse(tokens)?,
            line,
        }),
    }
    Ok(())
}

/// The part before an `else` ends.
fn end_arm<'o>(nodes: &mut Vec<Node>, open: &'o mut [Open]) -> Result<&'o mut Open, String> {
    let open = open.last_mut().ok_or("`else` has no `if`")?;
    let condition = open.condition.take().ok_or("`else` stands behind `else`")?;
    open.arms.push((condition, std::mem::take(nodes)));
    Ok(open)
}

impl Token {
    fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            Self::Text(_) | Self::Open | Self::Close => None,
        }
    }
}

/// Parts text from actions, and takes away comments and the blanks that `{{-` and `-}}` ask to.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, BadPage> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let (mut rest, mut line) = (text, 1);
    let mut trims = false;
    while let Some((before, behind)) = rest.split_once("{{") {
        let lines = |text: &str| text.matches('\n').count();
        let at = line + lines(before);
        let end = action_end(behind).ok_or_else(|| BadPage {
            line: at,
            what: "`{{` has no `}}`".to_owned(),
        })?;
        let (action, after) = behind.split_at(end);
        let (action, left) = match action.strip_prefix('-') {
            Some(trimmed) if trimmed.starts_with(char::is_whitespace) => (trimmed, true),
            _ => (action, false),
        };
        let (action, right) = match action.strip_suffix('-') {
            Some(trimmed) if trimmed.ends_with(char::is_whitespace) => (trimmed, true),
            _ => (action, false),
        };
        let before = if trims { before.trim_start() } else { before };
        let before = if left { before.trim_end() } else { before };
        pieces.push(Piece {
            text: before,
            line,
            is_action: false,
        });
        let action = action.trim();
        if !(action.starts_with("/*") && action.ends_with("*/")) {
            pieces.push(Piece {
                text: action,
                line: at,
                is_action: true,
            });
        }
        line = at + lines(behind.get(..end).unwrap_or_default());
        rest = after.get(2..).unwrap_or_default();
        trims = right;
    }
    pieces.push(Piece {
        text: if trims { rest.trim_start() } else { rest },
        line,
        is_action: false,
    });
    Ok(pieces)
}

/// Where the `}}` stands that ends an action; one in quotes does not.
fn action_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, next) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some('"') if next == '\\' => escaped = true,
            Some(begun) if next == begun => quote = None,
            Some(_) => {}
            None if matches!(next, '"' | '`') => quote = Some(next),
            None if text.get(at..).is_some_and(|rest| rest.starts_with("}}")) => return Some(at),
            None => {}
        }
    }
    None
}
