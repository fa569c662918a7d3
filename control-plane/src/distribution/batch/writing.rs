//! The fields of one message, one after the other (the wire format of Protocol Buffers, version 3).

use prost::encoding::{WireType, encode_key, encode_varint};

/// A message in the making, at the end of what was written so far. What has its field's default is left out.
pub(super) struct Writing<'a>(pub(super) &'a mut Vec<u8>);

impl Writing<'_> {
    /// A text, if it is not empty.
    pub(super) fn text(&mut self, field: u32, text: &str) {
        if !text.is_empty() {
            self.chosen_text(field, text);
        }
    }

    /// A text whose presence says something: one of several, or one that repeats.
    pub(super) fn chosen_text(&mut self, field: u32, text: &str) {
        encode_key(field, WireType::LengthDelimited, self.0);
        encode_varint(text.len() as u64, self.0);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A number of any type that is written as a varint. Negative ones are in two's complement.
    pub(super) fn number(&mut self, field: u32, number: u64) {
        if number != 0 {
            encode_key(field, WireType::Varint, self.0);
            encode_varint(number, self.0);
        }
    }

    pub(super) fn flag(&mut self, field: u32, flag: bool) {
        self.number(field, flag.into());
    }

    /// A number of eight bytes.
    pub(super) fn fixed(&mut self, field: u32, number: u64) {
        if number != 0 {
            encode_key(field, WireType::SixtyFourBit, self.0);
            self.0.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// A `double`. Minus zero is no default.
    pub(super) fn real(&mut self, field: u32, number: f64) {
        self.fixed(field, number.to_bits());
    }

    /// A message within this one, present even if nothing stands in it.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(Writing<'_>)) {
        encode_key(field, WireType::LengthDelimited, self.0);
        // Its length comes before it and is known after it. One byte is enough for most.
        let at = self.0.len();
        self.0.push(0);
        write(Writing(self.0));
        let length = self.0.len() - at - 1;
        if let Ok(byte @ 0..=0x7f) = u8::try_from(length) {
            self.0[at] = byte;
            return;
        }
        let (mut varint, mut rest) = ([0; 10], length as u64);
        let mut size = 0;
        while rest > 0x7f {
            varint[size] = rest.to_le_bytes()[0] | 0x80;
            rest >>= 7;
            size += 1;
        }
        varint[size] = rest.to_le_bytes()[0];
        self.0.splice(at..=at, varint.into_iter().take(size + 1));
    }
}
