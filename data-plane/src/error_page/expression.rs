//! Expressions within `{{` and `}}`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::iter::Peekable;
use std::str::Chars;

use super::value::Value;
use super::{Failed, Shown};

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    /// `.Status`
    Status,
    /// `.StatusText`
    StatusText,
    /// `.Message`
    Message,
    /// `.Header.Get "NAME"`
    Header(Box<str>),
    /// A field that there is not, which fails whoever asks for it.
    Missing,
    Number(i64),
    Text(Box<str>),
    /// A function of others.
    Call(Function, Vec<Self>),
}

/// The functions that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    Not,
}

/// A piece of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, a number, or a field with its dots.
    Word(String),
    /// What stands between quotes.
    Text(String),
    Open,
    Close,
}

impl Expression {
    /// What it comes to.
    pub(super) fn value<'a>(&'a self, shown: &Shown<'a>) -> Result<Value<'a>, Failed> {
        Ok(match self {
            Self::Status => Value::Number(shown.status.into()),
            Self::StatusText => Value::Text(Cow::Borrowed(shown.status_text.as_bytes())),
            Self::Message => Value::Text(Cow::Borrowed(shown.message)),
            Self::Header(name) => {
                let mut fields = shown.header.iter();
                let found = fields.find(|field| field.0.eq_ignore_ascii_case(name));
                Value::Text(Cow::Borrowed(found.map_or(&b""[..], |field| field.1)))
            }
            Self::Missing => return Err(Failed),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(Cow::Borrowed(text.as_bytes())),
            Self::Call(function, arguments) => call(*function, arguments, shown)?,
        })
    }
}

/// `eq` compares the first with each other; `and` and `or` answer the argument that decided.
fn call<'a>(
    function: Function,
    arguments: &'a [Expression],
    shown: &Shown<'a>,
) -> Result<Value<'a>, Failed> {
    let (first, others) = arguments.split_first().ok_or(Failed)?;
    let mut first = first.value(shown)?;
    let is = |wanted: fn(Ordering) -> bool| -> Result<Value<'a>, Failed> {
        let other = others.first().ok_or(Failed)?.value(shown)?;
        Ok(Value::Bool(wanted(first.compare(&other)?)))
    };
    match function {
        Function::Ne => is(Ordering::is_ne),
        Function::Lt => is(Ordering::is_lt),
        Function::Le => is(Ordering::is_le),
        Function::Gt => is(Ordering::is_gt),
        Function::Ge => is(Ordering::is_ge),
        Function::Eq => {
            for other in others {
                if first.compare(&other.value(shown)?)?.is_eq() {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        Function::Not => Ok(Value::Bool(!first.is_true())),
        Function::And | Function::Or => {
            for other in others {
                if first.is_true() == (function == Function::Or) {
                    break;
                }
                first = other.value(shown)?;
            }
            Ok(first)
        }
    }
}

/// Cuts an expression into its pieces.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            _ if next.is_whitespace() => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            '"' | '`' => tokens.push(Token::Text(quoted(next, &mut rest)?)),
            _ if is_of_word(next) => {
                let mut word = String::from(next);
                while let Some(next) = rest.next_if(|next| is_of_word(*next)) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            _ => return Err(format!("`{next}` is not understood in `{}`", text.trim())),
        }
    }
    Ok(tokens)
}

fn is_of_word(next: char) -> bool {
    next.is_ascii_alphanumeric() || matches!(next, '.' | '_' | '-')
}

fn quoted(quote: char, rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    while let Some(next) = rest.next() {
        match (next, quote) {
            (_, quote) if next == quote => return Ok(text),
            ('\\', '"') => match rest.next() {
                Some(escaped @ ('"' | '\\')) => text.push(escaped),
                _ => return Err("only \\\" and \\\\ are understood in a text".to_owned()),
            },
            _ => text.push(next),
        }
    }
    Err("a text is not ended".to_owned())
}

/// Reads one expression, which is all that there is.
pub(super) fn parse(tokens: &[Token]) -> Result<Expression, String> {
    let mut rest = tokens;
    let expression = call_or_operand(&mut rest)?;
    match rest {
        [] => Ok(expression),
        _ => Err("there is more behind the expression than belongs to it".to_owned()),
    }
}

fn call_or_operand(rest: &mut &[Token]) -> Result<Expression, String> {
    let tokens = *rest;
    let Some(Token::Word(word)) = tokens.first() else {
        return operand(rest);
    };
    let (function, most) = match word.as_str() {
        ".Header.Get" => return header(rest),
        "eq" => (Function::Eq, usize::MAX),
        "ne" => (Function::Ne, 2),
        "lt" => (Function::Lt, 2),
        "le" => (Function::Le, 2),
        "gt" => (Function::Gt, 2),
        "ge" => (Function::Ge, 2),
        "and" => (Function::And, usize::MAX),
        "or" => (Function::Or, usize::MAX),
        "not" => (Function::Not, 1),
        _ => return operand(rest),
    };
    let least = most.min(2);
    *rest = tokens.get(1..).unwrap_or_default();
    let mut arguments = Vec::new();
    while !matches!(rest.first(), None | Some(Token::Close)) {
        arguments.push(operand(rest)?);
    }
    if arguments.len() < least || arguments.len() > most {
        return Err(format!(
            "`{word}` has {} arguments, and needs {least}",
            arguments.len()
        ));
    }
    Ok(Expression::Call(function, arguments))
}

fn header(rest: &mut &[Token]) -> Result<Expression, String> {
    match *rest {
        [_, Token::Text(name), others @ ..] => {
            *rest = others;
            Ok(Expression::Header(name.as_str().into()))
        }
        _ => Err("`.Header.Get` needs a name in quotes".to_owned()),
    }
}

fn operand(rest: &mut &[Token]) -> Result<Expression, String> {
    let tokens = *rest;
    let Some((first, others)) = tokens.split_first() else {
        return Err("an expression is missing".to_owned());
    };
    *rest = others;
    match first {
        Token::Text(text) => Ok(Expression::Text(text.as_str().into())),
        Token::Open => {
            let expression = call_or_operand(rest)?;
            let tokens = *rest;
            match tokens.split_first() {
                Some((Token::Close, others)) => {
                    *rest = others;
                    Ok(expression)
                }
                _ => Err("a `)` is missing".to_owned()),
            }
        }
        Token::Close => Err("a `)` has no `(`".to_owned()),
        Token::Word(word) => match word.as_str() {
            ".Status" => Ok(Expression::Status),
            ".StatusText" => Ok(Expression::StatusText),
            ".Message" => Ok(Expression::Message),
            ".Header.Get" => Err("write `(.Header.Get \"NAME\")`".to_owned()),
            _ if is_field(word) => Ok(Expression::Missing),
            _ => word
                .parse()
                .map(Expression::Number)
                .map_err(|_| format!("`{word}` is not understood")),
        },
    }
}

/// Whether a word is the name of a field, be there one or not.
fn is_field(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next() == Some('.')
        && chars
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
}
