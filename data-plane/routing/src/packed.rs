//! Several texts in one allocation.

/// Texts one behind the other, each with its length in front. A text that stood there before is
/// a reference to its first place: the tags of an app repeat its ids several times.
///
/// All of it is one text, since what stands between the texts are ASCII characters.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Packed(Box<str>);

/// What stands in front of a text up to this long is its length.
const LONGEST_SHORT: usize = 0x6e;

/// The length follows in [`LENGTH_CHARACTERS`] characters of seven bits.
const LONG: u8 = 0x6f;

const LENGTH_CHARACTERS: usize = 5;

/// From here on: the text is that at this place, counted from here.
const FIRST_REFERENCE: u8 = 0x70;

/// How many of the first texts can be referred to.
const REFERABLE: usize = 0x80 - FIRST_REFERENCE as usize;

/// One text as it is packed.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    SameAs(usize),
}

impl Packed {
    /// Packs these texts, in this order.
    pub(crate) fn new(texts: &[&str]) -> Self {
        let mut packed = String::with_capacity(texts.iter().map(|text| text.len() + 1).sum());
        for (at, text) in texts.iter().enumerate() {
            let first = texts.iter().take(REFERABLE).position(|each| each == text);
            match first.and_then(|first| u8::try_from(first).ok()) {
                Some(first) if usize::from(first) < at => {
                    packed.push(char::from(FIRST_REFERENCE + first));
                }
                _ => push(&mut packed, text),
            }
        }
        Self(packed.into_boxed_str())
    }

    /// The text at this place, counted from 0; empty where there is none.
    pub(crate) fn get(&self, at: usize) -> &str {
        self.pieces()
            .nth(at)
            .map_or("", |piece| self.resolve(piece))
    }

    /// The texts from this place on.
    pub(crate) fn from(&self, at: usize) -> impl Iterator<Item = &str> {
        self.pieces().skip(at).map(|piece| self.resolve(piece))
    }

    fn resolve<'a>(&'a self, piece: Piece<'a>) -> &'a str {
        match piece {
            Piece::Text(text) => text,
            // It names the first place of a text, which is never a reference itself.
            Piece::SameAs(at) => match self.pieces().nth(at) {
                Some(Piece::Text(text)) => text,
                Some(Piece::SameAs(_)) | None => "",
            },
        }
    }

    fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let (piece, after) = first(rest)?;
            rest = after;
            Some(piece)
        })
    }
}

fn push(packed: &mut String, text: &str) {
    match u8::try_from(text.len()) {
        Ok(length) if text.len() <= LONGEST_SHORT => packed.push(char::from(length)),
        _ => {
            packed.push(char::from(LONG));
            for character in 0..LENGTH_CHARACTERS {
                let bits = (text.len() >> (7 * character)) & 0x7f;
                packed.push(char::from(u8::try_from(bits).unwrap_or_default()));
            }
        }
    }
    packed.push_str(text);
}

/// The first piece, and what follows it.
fn first(packed: &str) -> Option<(Piece<'_>, &str)> {
    let head = *packed.as_bytes().first()?;
    let rest = packed.get(1..)?;
    if head >= FIRST_REFERENCE {
        return Some((Piece::SameAs(usize::from(head - FIRST_REFERENCE)), rest));
    }
    let (length, rest) = if head == LONG {
        let (length, rest) = rest.split_at_checked(LENGTH_CHARACTERS)?;
        let length = length
            .bytes()
            .rev()
            .fold(0, |length, bits| (length << 7) | usize::from(bits));
        (length, rest)
    } else {
        (usize::from(head), rest)
    };
    let (text, rest) = rest.split_at_checked(length)?;
    Some((Piece::Text(text), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_repeats_stands_there_once() {
        let id = "11111111-2222-3333-4444-555555555555";
        let packed = Packed::new(&[id, "web", id, id]);
        assert_eq!(packed.0.len(), 1 + id.len() + 1 + 3 + 1 + 1);
        assert_eq!(packed.from(0).collect::<Vec<_>>(), [id, "web", id, id]);
        assert_eq!((packed.get(2), packed.get(4)), (id, ""));
    }

    proptest! {
        #[test]
        fn texts_come_out_as_they_went_in(texts in texts()) {
            let given: Vec<&str> = texts.iter().map(String::as_str).collect();
            let packed = Packed::new(&given);
            prop_assert_eq!(packed.from(0).collect::<Vec<_>>(), given.clone());
            for (at, text) in given.iter().enumerate() {
                prop_assert_eq!(packed.get(at), *text);
            }
        }
    }

    /// Few different ones, so that they repeat; some of them long.
    fn texts() -> impl Strategy<Value = Vec<String>> {
        let text = prop_oneof![
            "[aé\u{0}\u{7f}]{0,2}",
            Just("x".repeat(LONGEST_SHORT)),
            Just("y".repeat(LONGEST_SHORT + 1)),
            Just("z".repeat(70_000)),
        ];
        prop::collection::vec(text, 0..40)
    }
}
