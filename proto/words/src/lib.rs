//! Texts of registrations in one small allocation, since the tables of both planes hold very many.
//!
//! Pure: no input, no output, no clock.

/// Texts one behind the other, each with a character in front that says how it is written. All of it is one text, since
/// these characters are ASCII.
///
/// An app says its ids several times, and every app the same names of tags: a text that stood there before is a
/// reference to its first place, and a well-known one its number among those. One text is always written in
/// one way, so that rows of texts are equal where their words are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Words(Box<str>);

/// Declares the well-known words by their lengths, each with its number: its place among them.
macro_rules! well_known {
    ($count:literal: $($length:literal: $($number:literal $word:literal)+;)+) => {
        /// What nearly every registration of a platform says. Nothing but memory depends on it.
        const WELL_KNOWN: [&str; $count] = [$($($word),+),+];

        /// The number of a well-known word.
        fn number(text: &str) -> Option<u8> {
            // Most texts have another length than most of these, and are compared with few of them.
            match text.len() {
                $($length => match text {
                    $($word => Some($number),)+
                    _ => None,
                },)+
                _ => None,
            }
        }
    };
}

well_known! { 21:
    2: 0 "ip";
    3: 1 "job" 2 "web";
    5: 3 "http1" 4 "http2" 5 "index";
    6: 6 "app_id";
    8: 7 "app_name" 8 "space_id";
    9: 9 "component" 10 "source_id";
    10: 11 "deployment" 12 "process_id" 13 "space_name";
    11: 14 "instance_id";
    12: 15 "process_type";
    13: 16 "route-emitter";
    15: 17 "organization_id" 18 "route_registrar";
    17: 19 "organization_name";
    19: 20 "process_instance_id";
}

/// Up to this, the character in front of a text is its length.
const LONGEST_SHORT: u8 = 0x3f;

/// From here on it is the upper part of the length, whose lower seven bits follow.
const LONG: u8 = 0x40;

/// The whole length follows, in [`LENGTH_CHARACTERS`] characters of seven bits, the lowest first.
const LONGEST: u8 = 0x50;

const LENGTH_CHARACTERS: usize = 5;

/// Bytes that nearly every row of texts fits into while it is written.
const USUAL: usize = 512;

/// From here on the text is that at this place, counted from here.
const REFERENCE: u8 = 0x51;

/// From here on the text is the well-known one of this number, counted from here.
const NUMBER: u8 = 0x60;

/// How many of the first texts can be referred to.
const REFERABLE: usize = (NUMBER - REFERENCE) as usize;

const _: () = assert!(NUMBER as usize + WELL_KNOWN.len() <= 0x80);

/// A text as it is written.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Text(&'a str),
    SameAs(usize),
}

impl Words {
    /// Writes these texts, in this order. None may be of 32 GiB or more.
    #[must_use]
    pub fn new(texts: &[&str]) -> Self {
        let mut words = String::with_capacity(USUAL);
        let mut written = Written::default();
        for (place, text) in (0..).zip(texts) {
            // A reference to the empty one would be no shorter, nor is it well known.
            if text.is_empty() {
                push(&mut words, 0);
            } else if let Some(number) = number(text) {
                push(&mut words, NUMBER + number);
            } else if let Some(first) = written.place_of(text, texts) {
                push(&mut words, REFERENCE + first);
            } else {
                written.add(place);
                push_text(&mut words, text);
            }
        }
        Self(words.as_str().into())
    }

    /// The text at this place, counted from 0; empty where there is none.
    #[must_use]
    pub fn nth(&self, at: usize) -> &str {
        let piece = self.pieces().nth(at);
        piece.map_or("", |piece| self.resolve(piece))
    }

    /// The first texts, in one go; empty where there are no more.
    #[must_use]
    #[expect(
        clippy::inline_always,
        reason = "every request reads three texts, and a call costs as much as they do"
    )]
    #[inline(always)]
    pub fn leading<const N: usize>(&self) -> [&str; N] {
        let mut texts = [""; N];
        for (text, piece) in texts.iter_mut().zip(self.pieces()) {
            *text = self.resolve(piece);
        }
        texts
    }

    /// The texts from this place on.
    pub fn from(&self, at: usize) -> impl Iterator<Item = &str> {
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

/// The places of what was written as it stands, as far as it can be referred to.
#[derive(Default)]
struct Written {
    places: [u8; REFERABLE],
    count: usize,
}

impl Written {
    fn add(&mut self, place: usize) {
        if place < REFERABLE {
            self.places[self.count] = low_bits(place);
            self.count += 1;
        }
    }

    /// The place among `texts` where this one was written.
    fn place_of(&self, text: &str, texts: &[&str]) -> Option<u8> {
        let mut places = self.places[..self.count].iter();
        let place = places.find(|place| texts[usize::from(**place)] == text);
        place.copied()
    }
}

/// Adds one character, of ASCII.
fn push(words: &mut String, character: u8) {
    words.push(char::from(character & 0x7f));
}

/// The lowest seven bits.
fn low_bits(number: usize) -> u8 {
    number.to_le_bytes()[0] & 0x7f
}

fn push_text(words: &mut String, text: &str) {
    let length = text.len();
    if length <= usize::from(LONGEST_SHORT) {
        push(words, low_bits(length));
    } else if length >> 7 < usize::from(LONGEST - LONG) {
        push(words, LONG + low_bits(length >> 7));
        push(words, low_bits(length));
    } else {
        push(words, LONGEST);
        for character in 0..LENGTH_CHARACTERS {
            push(words, low_bits(length >> (7 * character)));
        }
    }
    words.push_str(text);
}

/// The first piece, and what follows it.
#[inline]
fn first(words: &str) -> Option<(Piece<'_>, &str)> {
    let head = *words.as_bytes().first()?;
    let rest = words.get(1..)?;
    if head >= NUMBER {
        let word = WELL_KNOWN.get(usize::from(head - NUMBER))?;
        return Some((Piece::Text(word), rest));
    }
    if head >= REFERENCE {
        return Some((Piece::SameAs(usize::from(head - REFERENCE)), rest));
    }
    let (length, rest) = if head == LONGEST {
        let (length, rest) = rest.split_at_checked(LENGTH_CHARACTERS)?;
        let bits = length.bytes().rev().map(usize::from);
        (bits.fold(0, |length, bits| length << 7 | bits), rest)
    } else if head >= LONG {
        let lower = *rest.as_bytes().first()?;
        let upper = usize::from(head - LONG);
        (upper << 7 | usize::from(lower), rest.get(1..)?)
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
    fn what_repeats_or_is_well_known_takes_one_character() {
        let id = "11111111-2222-3333-4444-555555555555";
        let words = Words::new(&[id, "app_id", id, "process_id", id, "some name"]);
        assert_eq!(words.0.len(), (1 + id.len()) + 1 + 1 + 1 + 1 + (1 + 9));
        let read: Vec<_> = words.from(0).collect();
        assert_eq!(read, [id, "app_id", id, "process_id", id, "some name"]);
        assert_eq!((words.nth(4), words.nth(6)), (id, ""));
    }

    #[test]
    fn every_well_known_word_is_found() {
        let numbers = WELL_KNOWN.iter().map(|word| number(word).map(usize::from));
        assert!(numbers.eq((0..WELL_KNOWN.len()).map(Some)));
        let words = Words::new(&WELL_KNOWN);
        assert_eq!(words.0.len(), WELL_KNOWN.len());
        assert!(words.from(0).eq(WELL_KNOWN));
    }

    proptest! {
        #[test]
        fn texts_come_out_as_they_went_in(texts in texts(), others in texts()) {
            let given: Vec<&str> = texts.iter().map(String::as_str).collect();
            let words = Words::new(&given);
            prop_assert_eq!(words.from(0).collect::<Vec<_>>(), given.clone());
            for (at, text) in given.iter().enumerate() {
                prop_assert_eq!(words.nth(at), *text);
            }
            let mut leading = given.iter().copied().chain(std::iter::repeat(""));
            prop_assert!(words.leading::<4>().into_iter().all(|text| leading.next() == Some(text)));
            let given: Vec<&str> = others.iter().map(String::as_str).collect();
            prop_assert_eq!(words == Words::new(&given), texts == others);
        }
    }

    /// Few different ones, so that they repeat; some of them as long as the ways of writing lengths.
    fn texts() -> impl Strategy<Value = Vec<String>> {
        let length = prop_oneof![
            Just(63),
            Just(64),
            Just(127),
            Just(128),
            Just(2047),
            Just(2048),
            Just(70_000)
        ];
        let text = prop_oneof![
            "[aé\u{0}\u{7f}]{0,2}",
            length.prop_map(|length| "x".repeat(length)),
            Just("space_id".to_owned()),
        ];
        prop::collection::vec(text, 0..30)
    }
}
