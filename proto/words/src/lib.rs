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

/// How a text is written.
#[derive(Clone, Copy)]
enum Piece {
    /// As it stands, from here to there.
    Text(usize, usize),
    WellKnown(u8),
    SameAs(u8),
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
        let mut pieces = self.pieces();
        for place in 0..N {
            let Some(piece) = pieces.next() else { break };
            texts[place] = match piece {
                // It is one of those in front of it.
                Piece::SameAs(at) => texts.get(usize::from(at)).copied().unwrap_or_default(),
                Piece::Text(..) | Piece::WellKnown(_) => self.resolve(piece),
            };
        }
        texts
    }

    /// The texts from this place on.
    pub fn from(&self, at: usize) -> impl Iterator<Item = &str> {
        self.pieces().skip(at).map(|piece| self.resolve(piece))
    }

    /// Of texts that stand in pairs from this place on, the one behind this one; `None` where it is no first one.
    #[must_use]
    pub fn behind(&self, name: &str, from: usize) -> Option<&str> {
        let mut pieces = self.pieces();
        for _ in 0..from {
            pieces.next()?;
        }
        loop {
            let (first, second) = (pieces.next()?, pieces.next()?);
            if self.is(first, name) {
                return Some(self.resolve(second));
            }
        }
    }

    /// Whether this is how the text is written. Where not, its length nearly always tells.
    #[inline]
    fn is(&self, piece: Piece, text: &str) -> bool {
        match piece {
            Piece::Text(start, end) if end - start != text.len() => false,
            Piece::Text(..) | Piece::WellKnown(_) | Piece::SameAs(_) => self.resolve(piece) == text,
        }
    }

    #[inline]
    fn resolve(&self, piece: Piece) -> &str {
        match piece {
            Piece::Text(start, end) => self.text(start, end),
            Piece::WellKnown(number) => WELL_KNOWN
                .get(usize::from(number))
                .copied()
                .unwrap_or_default(),
            Piece::SameAs(at) => self.first(usize::from(at)),
        }
    }

    /// What a reference names: the first place of a text, which is never a reference itself.
    #[inline(never)]
    fn first(&self, at: usize) -> &str {
        match self.pieces().nth(at) {
            Some(Piece::Text(start, end)) => self.text(start, end),
            Some(Piece::WellKnown(_) | Piece::SameAs(_)) | None => "",
        }
    }

    #[inline]
    fn text(&self, start: usize, end: usize) -> &str {
        self.0.get(start..end).unwrap_or_default()
    }

    fn pieces(&self) -> Pieces<'_> {
        Pieces {
            bytes: self.0.as_bytes(),
            at: 0,
        }
    }
}

/// Walks over what is written, and reads nothing of the texts themselves.
struct Pieces<'a> {
    bytes: &'a [u8],
    /// Where the next one begins.
    at: usize,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    #[inline]
    fn next(&mut self) -> Option<Piece> {
        let head = *self.bytes.get(self.at)?;
        self.at += 1;
        if head >= NUMBER {
            return Some(Piece::WellKnown(head - NUMBER));
        }
        if head >= REFERENCE {
            return Some(Piece::SameAs(head - REFERENCE));
        }
        let (length, start) = if head < LONG {
            (usize::from(head), self.at)
        } else {
            long(head, self.bytes, self.at)?
        };
        self.at = start.checked_add(length)?;
        Some(Piece::Text(start, self.at))
    }
}

/// The length of a text with this character in front, of which more follow here, and where they end.
#[inline(never)]
fn long(head: u8, bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let (more, upper) = match head {
        LONGEST => (LENGTH_CHARACTERS, 0),
        _ => (1, usize::from(head - LONG)),
    };
    let rest = bytes.get(at..)?.get(..more)?;
    let bits = rest.iter().rev().copied().map(usize::from);
    let length = bits.fold(upper, |length, bits| length << 7 | bits);
    Some((length, at + more))
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
            for from in 0..3 {
                let pairs = given.get(from..).unwrap_or_default().chunks_exact(2);
                for name in others.iter().map(String::as_str).chain(given.iter().copied()) {
                    let behind = pairs.clone().find(|pair| pair[0] == name).map(|pair| pair[1]);
                    prop_assert_eq!(words.behind(name, from), behind);
                }
            }
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
