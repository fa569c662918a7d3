//! Where the quotes of a text are.

use wide::u8x16;

/// Bytes that are looked at at once: as many as a word has bits.
const BLOCK: usize = 64;

/// Bytes of one vector.
const LANES: usize = 16;

/// The places of the quotes of a text, one after the other. They end with the text, and with the first block of it that
/// has an escape, without which a quote is one end of a text, or a control character, without which every text is one.
pub(super) struct Quotes<'a> {
    /// What was not looked at yet.
    rest: &'a [u8],
    /// Of the last block that was: the quotes that were not given yet, one bit for each.
    marks: u64,
    /// Where that block begins.
    begin: usize,
    /// Where it ends.
    end: usize,
}

impl<'a> Quotes<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            rest: text.as_bytes(),
            marks: 0,
            begin: 0,
            end: 0,
        }
    }

    /// The place of the second next one, which ends the text that the next one begins.
    #[expect(
        clippy::inline_always,
        reason = "a message has many texts, of which half take no longer than a call"
    )]
    #[inline(always)]
    pub(super) fn closing(&mut self) -> Option<usize> {
        // Mostly both are in one block.
        let behind_next = without_first(self.marks);
        if behind_next == 0 {
            return self.closing_further_on();
        }
        self.marks = without_first(behind_next);
        Some(self.begin + first(behind_next))
    }

    #[cold]
    fn closing_further_on(&mut self) -> Option<usize> {
        self.next()?;
        self.next()
    }

    /// The place of the next one.
    fn next(&mut self) -> Option<usize> {
        while self.marks == 0 {
            self.look()?;
        }
        let at = self.begin + first(self.marks);
        self.marks = without_first(self.marks);
        Some(at)
    }

    /// Looks at the next block.
    fn look(&mut self) -> Option<()> {
        let (marks, length) = match self.rest.split_first_chunk() {
            Some((block, rest)) => {
                self.rest = rest;
                (marks(block)?, BLOCK)
            }
            None if self.rest.is_empty() => return None,
            None => {
                let mut block = [b' '; BLOCK];
                let last = std::mem::take(&mut self.rest);
                block[..last.len()].copy_from_slice(last);
                (marks(&block)?, last.len())
            }
        };
        self.begin = self.end;
        self.end += length;
        self.marks = marks;
        Some(())
    }
}

/// The place of the first mark.
const fn first(marks: u64) -> usize {
    marks.trailing_zeros() as usize
}

/// The other marks.
const fn without_first(marks: u64) -> u64 {
    marks & marks.wrapping_sub(1)
}

/// The quotes of a block, the first one in the lowest bit; `None` where it has a character that is not plain.
#[inline]
fn marks(block: &[u8; BLOCK]) -> Option<u64> {
    let (parts, _) = block.as_chunks::<LANES>();
    let (mut marks, mut others) = (0, u8x16::ZERO);
    for (part, bytes) in parts.iter().enumerate() {
        let bytes = u8x16::new(*bytes);
        let quotes = bytes.simd_eq(u8x16::splat(b'"')).to_bitmask();
        marks |= u64::from(quotes) << (LANES * part);
        others |= bytes.simd_eq(u8x16::splat(b'\\'));
        // The greatest control character is the one before the blank.
        others |= bytes.min(u8x16::splat(b' ' - 1)).simd_eq(bytes);
    }
    others.none().then_some(marks)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(text: &str) -> Vec<usize> {
        let mut quotes = Quotes::of(text);
        std::iter::from_fn(|| quotes.next()).collect()
    }

    proptest! {
        #[test]
        fn every_quote_is_found(text in "[a-z\"é ~\u{7f}]{0,300}") {
            let wanted: Vec<_> = text.match_indices('"').map(|(at, _)| at).collect();
            prop_assert_eq!(places(&text), &*wanted);
            let mut quotes = Quotes::of(&text);
            for pair in wanted.chunks_exact(2) {
                prop_assert_eq!(quotes.closing(), Some(pair[1]));
            }
            prop_assert_eq!(quotes.closing(), None);
        }

        #[test]
        fn nothing_is_found_from_the_block_of_something_else_on(
            before in "[a-z\"]{0,200}", other in "[\\\\\u{0}-\u{1f}]", after in "[a-z\"]{0,200}",
        ) {
            let text = format!("{before}{other}{after}");
            let until = before.len() / BLOCK * BLOCK;
            let quotes = text.match_indices('"').map(|(at, _)| at);
            let wanted: Vec<_> = quotes.take_while(|at| *at < until).collect();
            prop_assert_eq!(places(&text), wanted);
        }
    }
}
