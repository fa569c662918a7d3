//! What is changed in the heads of answers, whoever they are from.

use std::fmt;

use pointsman_http1::{Fields, InvalidField, Known, KnownSet, Name};

/// What writers make themselves, from what was understood and not from fields.
const FRAMING: KnownSet = KnownSet::of(&[
    Known::Connection,
    Known::ContentLength,
    Known::TransferEncoding,
    Known::Upgrade,
]);

/// Fields that are removed from every answer, and fields that are added where none of their name is left
/// (`http_rewrite.responses`, D-169 to D-182). The router's own answers are among them, and interim
/// ones.
#[derive(Clone, Debug, Default)]
pub struct Rewrite {
    removed: KnownSet,
    /// Names that are removed and not known.
    removed_others: Vec<Box<[u8]>>,
    added: Vec<Added>,
}

/// The values that are added together, or not at all.
#[derive(Clone, Debug)]
struct Added {
    name: Box<[u8]>,
    values: Vec<Box<[u8]>>,
}

/// Why a rule is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRule {
    /// The field could not be written.
    Invalid(InvalidField),
    /// The field says where the message ends, or what becomes of the connection.
    Framing,
}

impl fmt::Display for BadRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::Framing => f.write_str("field belongs to the connection and not to the answer"),
        }
    }
}

impl std::error::Error for BadRule {}

impl From<InvalidField> for BadRule {
    fn from(invalid: InvalidField) -> Self {
        Self::Invalid(invalid)
    }
}

impl Rewrite {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.removed == KnownSet::EMPTY && self.removed_others.is_empty() && self.added.is_empty()
    }

    /// Removes all fields of this name, in any case.
    ///
    /// # Errors
    /// No field of this name could be there.
    pub fn remove(&mut self, name: &str) -> Result<(), BadRule> {
        let name = checked(name, b"")?;
        match name.known() {
            Known::Other => self.removed_others.push(name.as_bytes().into()),
            known => self.removed.insert(known),
        }
        Ok(())
    }

    /// Adds this field where the answer has none of its name, in any case. Further values of the same name are added
    /// with the first.
    ///
    /// # Errors
    /// The field could not be written.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), BadRule> {
        let value: Box<[u8]> = value.as_bytes().into();
        let name = checked(name, &value)?.as_bytes();
        let same = |added: &&mut Added| added.name.eq_ignore_ascii_case(name);
        match self.added.iter_mut().find(same) {
            Some(added) => added.values.push(value),
            None => self.added.push(Added {
                name: name.into(),
                values: vec![value],
            }),
        }
        Ok(())
    }

    /// Changes a head: removes first, then adds.
    ///
    /// # Errors
    /// There is no room for another field.
    pub(crate) fn apply(&self, fields: &mut Fields) -> Result<(), InvalidField> {
        fields.remove_all(self.removed);
        for name in &self.removed_others {
            fields.remove(&**name);
        }
        for added in &self.added {
            if !fields.contains(&*added.name) {
                for value in &added.values {
                    fields.push(&*added.name, value)?;
                }
            }
        }
        Ok(())
    }
}

/// The name of a field that could be written, and that is not one of the connection.
fn checked<'a>(name: &'a str, value: &[u8]) -> Result<Name<'a>, BadRule> {
    let name = Name::from(name);
    if FRAMING.contains(name.known()) {
        return Err(BadRule::Framing);
    }
    Fields::new().push(name, value)?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(rewrite: &Rewrite, fields: &[(&str, &str)]) -> Vec<String> {
        let mut list = Fields::new();
        for (name, value) in fields {
            list.push(*name, value.as_bytes()).expect("a field");
        }
        rewrite.apply(&mut list).expect("there is room");
        let lines = list.iter().map(|field| {
            let part = |bytes| String::from_utf8_lossy(bytes).into_owned();
            format!("{}={}", part(field.name.as_bytes()), part(field.value))
        });
        lines.collect()
    }

    /// D-170: a field that is there stays.
    /// D-171: one that is missing is added, and others stay.
    /// D-172: the same name listed twice means both values.
    /// D-173: names match in any case.
    #[test]
    fn fields_are_added_where_they_are_missing() {
        let mut rewrite = Rewrite::default();
        assert!(rewrite.is_empty());
        for (name, value) in [("X-Foo", "1"), ("x-foo", "2"), ("Vary", "Origin")] {
            rewrite.add(name, value).expect("a field");
        }
        assert!(!rewrite.is_empty());
        assert_eq!(
            rewritten(&rewrite, &[("X-Bar", "b")]),
            ["X-Bar=b", "X-Foo=1", "X-Foo=2", "Vary=Origin"]
        );
        assert_eq!(
            rewritten(&rewrite, &[("x-FOO", "own"), ("vary", "own")]),
            ["x-FOO=own", "vary=own"]
        );
    }

    /// D-174: only fields of the listed names are removed.
    /// D-176: in any case.
    /// D-177: a name that is removed and added is replaced.
    #[test]
    fn fields_are_removed_before_others_are_added() {
        let mut rewrite = Rewrite::default();
        rewrite.remove("x-foo").expect("a name");
        rewrite.remove("SERVER").expect("a name");
        rewrite.add("Server", "ours").expect("a field");
        let fields = [("X-Foo", "1"), ("Server", "s"), ("X-FOO", "2"), ("X", "3")];
        assert_eq!(rewritten(&rewrite, &fields), ["X=3", "Server=ours"]);
    }

    #[test]
    fn a_rule_that_could_not_be_kept_is_refused() {
        let mut rewrite = Rewrite::default();
        let invalid = |kind| Err(BadRule::Invalid(kind));
        assert_eq!(rewrite.remove(""), invalid(InvalidField::Name));
        assert_eq!(rewrite.add("a b", "c"), invalid(InvalidField::Name));
        assert_eq!(rewrite.add("a", "b\r\nc: d"), invalid(InvalidField::Value));
        assert_eq!(rewrite.add("connection", "close"), Err(BadRule::Framing));
        assert_eq!(rewrite.remove("Content-Length"), Err(BadRule::Framing));
        assert!(rewrite.is_empty());
    }
}
