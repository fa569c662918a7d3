//! Where frames begin and end in a stream of bytes (RFC 9113, section 4.1), and nothing else of them.

/// Bytes before the payload of a frame.
const HEADER: usize = 9;

/// Bytes of a payload that are looked at: the padding's length is one of them, an error code has four.
const FRONT: usize = 4;

/// What a client sends before its first frame.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The types of frames.
pub(super) mod kind {
    pub(crate) const DATA: u8 = 0;
    pub(crate) const HEADERS: u8 = 1;
    pub(crate) const PRIORITY: u8 = 2;
    pub(crate) const RST_STREAM: u8 = 3;
    pub(crate) const SETTINGS: u8 = 4;
    pub(crate) const PING: u8 = 6;
    pub(crate) const GOAWAY: u8 = 7;
    pub(crate) const WINDOW_UPDATE: u8 = 8;
    pub(crate) const CONTINUATION: u8 = 9;
}

/// Their flags.
pub(super) mod flag {
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
}

/// A frame whose header and first bytes were seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Bytes of its payload.
    pub(super) length: u32,
    /// The first of them; zeros where there are fewer.
    pub(super) front: [u8; FRONT],
}

impl Frame {
    /// Whether it has this flag.
    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Bytes of data in a frame that may be padded (RFC 9113, section 6.1).
    pub(super) fn data(&self) -> u32 {
        if self.has(flag::PADDED) {
            self.length.saturating_sub(1 + u32::from(self.front[0]))
        } else {
            self.length
        }
    }

    /// The code of an error, of a frame that has one.
    pub(super) fn code(&self) -> u32 {
        u32::from_be_bytes(self.front)
    }
}

/// Walks over frames, in whatever pieces their bytes come. It keeps thirteen of them, and no payload.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Bytes before the first frame that are still to come.
    before: usize,
    /// The header of the current frame and the front of its payload, as far as they have come.
    seen: [u8; HEADER + FRONT],
    have: usize,
    /// Bytes of the current frame's payload that are still to come, behind its front.
    left: usize,
    /// What the last frame was.
    kind: u8,
}

impl Frames {
    /// Those behind so many other bytes.
    pub(super) fn behind(before: usize) -> Self {
        Self {
            before,
            ..Self::default()
        }
    }

    /// Whether the last byte ended a frame, or what comes before the first one.
    pub(super) fn at_an_end(&self) -> bool {
        self.before == 0 && self.have == 0 && self.left == 0
    }

    /// The frame whose payload is awaited; `None` where a header is.
    pub(super) fn within(&self) -> Option<u8> {
        if self.left > 0 {
            return Some(self.kind);
        }
        let [_, _, _, kind, ..] = self.seen;
        (self.have >= HEADER).then_some(kind)
    }

    /// Takes bytes up to the next frame of which enough is seen; `None` once all of them are taken.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        skip(bytes, &mut self.before);
        skip(bytes, &mut self.left);
        while let Some((&byte, rest)) = bytes.split_first() {
            self.seen[self.have] = byte;
            self.have += 1;
            *bytes = rest;
            let length = self.length();
            if self.have >= HEADER && self.have == HEADER + length.min(FRONT) {
                return Some(self.finish(length));
            }
        }
        None
    }

    /// The length of the current frame's payload, once its header is there.
    fn length(&self) -> usize {
        let [high, middle, low, ..] = self.seen;
        usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
    }

    fn finish(&mut self, length: usize) -> Frame {
        let [_, _, _, kind, flags, _, _, _, _, front @ ..] = self.seen;
        self.left = length - length.min(FRONT);
        self.have = 0;
        self.kind = kind;
        self.seen = [0; HEADER + FRONT];
        Frame {
            kind,
            flags,
            // It has 24 bits.
            length: u32::try_from(length).unwrap_or(u32::MAX),
            front,
        }
    }
}

/// Drops as many bytes as are to be dropped and are there.
fn skip(bytes: &mut &[u8], count: &mut usize) {
    let here = (*count).min(bytes.len());
    *bytes = bytes.get(here..).unwrap_or_default();
    *count -= here;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a frame.
    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("a short frame");
        let mut bytes = length.to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags, 0, 0, 0, 1]);
        bytes.extend(payload);
        bytes
    }

    fn walk(frames: &mut Frames, mut bytes: &[u8]) -> Vec<Frame> {
        std::iter::from_fn(|| frames.next(&mut bytes)).collect()
    }

    #[test]
    fn frames_are_found_however_their_bytes_are_split() {
        let mut bytes = PREFACE.to_vec();
        for (kind, payload) in [(4, &[][..]), (0, &[9; 300]), (3, &[0, 0, 0, 8]), (7, &[1])] {
            bytes.extend(frame(kind, 5, payload));
        }
        let mut whole = Frames::behind(PREFACE.len());
        let found = walk(&mut whole, &bytes);
        assert!(whole.at_an_end());
        let kinds: Vec<_> = found
            .iter()
            .map(|frame| (frame.kind, frame.length))
            .collect();
        assert_eq!(kinds, [(4, 0), (0, 300), (3, 4), (7, 1)]);
        assert_eq!((found[2].code(), found[3].front), (8, [1, 0, 0, 0]));
        for size in [1, 2, 7, 9, 13, 100] {
            let mut frames = Frames::behind(PREFACE.len());
            let pieces = bytes
                .chunks(size)
                .flat_map(|piece| walk(&mut frames, piece));
            assert_eq!(pieces.collect::<Vec<_>>(), found, "pieces of {size}");
            assert!(frames.at_an_end());
        }
    }

    #[test]
    fn a_frame_that_has_not_ended_is_seen_to_be_one() {
        let mut frames = Frames::behind(PREFACE.len());
        assert!(!frames.at_an_end(), "the preface is awaited");
        assert_eq!(walk(&mut frames, PREFACE), []);
        assert!(frames.at_an_end());
        let data = frame(0, 0, &[0; 20]);
        assert_eq!(walk(&mut frames, &data[..5]), []);
        assert!(!frames.at_an_end() && frames.within().is_none());
        assert_eq!(walk(&mut frames, &data[5..11]), []);
        assert_eq!(frames.within(), Some(kind::DATA));
        assert_eq!(walk(&mut frames, &data[11..20]).len(), 1);
        assert_eq!(frames.within(), Some(kind::DATA));
        assert_eq!(walk(&mut frames, &data[20..]), []);
        assert!(frames.at_an_end());
    }

    #[test]
    fn padding_is_no_data() {
        let data = |flags, payload: &[u8]| {
            let found = walk(&mut Frames::default(), &frame(0, flags, payload));
            found[0].data()
        };
        assert_eq!(data(0, b"abc"), 3);
        assert_eq!(data(flag::PADDED, &[2, b'a', 0, 0]), 1);
        assert_eq!(data(flag::PADDED, &[3, 0, 0, 0]), 0);
        assert_eq!(
            data(flag::PADDED, &[200, 0]),
            0,
            "more padding than there is"
        );
        assert_eq!(data(flag::PADDED, &[]), 0);
    }
}
