//! Where WebSocket frames begin (RFC 6455, section 5.2), so that a frame of the router's own can be
//! put between two of an endpoint's.

/// Bits of a frame's first byte that name its kind.
const OPCODE: u8 = 0x0f;

/// The bit of the first byte that says that the message ends with this frame.
const FINAL: u8 = 0x80;

/// The kind that announces the end.
const CLOSE: u8 = 0x08;

/// The bit of the second byte that says that the payload is masked.
const MASKED: u8 = 0x80;

/// Bytes of a mask.
const MASK: u64 = 4;

/// How far into a stream of frames its bytes have come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frames {
    at: At,
    /// Whether the frame at hand announces the end.
    closing: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Between two frames.
    #[default]
    Between,
    /// Before the second byte. Control frames are short and not in parts.
    Length { control: bool },
    /// Within a length of `left` more bytes.
    LongLength { left: u8, so_far: u64, mask: u64 },
    /// So many bytes before the end of the frame.
    Rest(u64),
    /// Behind a frame that announced the end: no other may follow.
    Ended,
    /// In what is no frame.
    Lost,
}

impl Frames {
    /// Whether a frame may be put here.
    pub(super) fn between(&self) -> bool {
        self.at == At::Between
    }

    /// Whether a frame may be put somewhere, sooner or later.
    pub(super) fn followed(&self) -> bool {
        !matches!(self.at, At::Ended | At::Lost)
    }

    /// Goes on to the end of the frame at hand or of `bytes`, whichever comes first, and answers
    /// how many bytes that were. Where there are no frames any more it is all of them.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> usize {
        let mut used = 0;
        while let Some(&byte) = bytes.get(used) {
            let step = match self.at {
                At::Ended | At::Lost => return bytes.len(),
                At::Rest(left) => {
                    let there = (bytes.len() - used) as u64;
                    let step = left.min(there);
                    self.rest(left - step);
                    usize::try_from(step).unwrap_or(bytes.len())
                }
                _ => {
                    self.header(byte);
                    1
                }
            };
            used += step;
            if self.between() {
                break;
            }
        }
        used
    }

    /// Goes on to the end of `bytes`.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = self.advance(bytes);
            bytes = bytes.get(used..).unwrap_or_default();
        }
    }

    /// Takes one byte of a frame's header.
    fn header(&mut self, byte: u8) {
        match self.at {
            At::Between => self.first(byte),
            At::Length { control } => self.length(byte, control),
            At::LongLength { left, so_far, mask } => {
                let so_far = so_far << 8 | u64::from(byte);
                if left > 1 {
                    let left = left - 1;
                    self.at = At::LongLength { left, so_far, mask };
                } else if so_far > u64::MAX / 2 {
                    self.at = At::Lost;
                } else {
                    self.rest(so_far + mask);
                }
            }
            At::Rest(_) | At::Ended | At::Lost => {}
        }
    }

    fn first(&mut self, byte: u8) {
        let kind = byte & OPCODE;
        let control = kind >= CLOSE;
        self.closing = kind == CLOSE;
        self.at = match kind {
            0..=2 | 8..=10 if !control || byte & FINAL != 0 => At::Length { control },
            _ => At::Lost,
        };
    }

    fn length(&mut self, byte: u8, control: bool) {
        let mask = if byte & MASKED != 0 { MASK } else { 0 };
        let long = |left| At::LongLength {
            left,
            so_far: 0,
            mask,
        };
        match byte & !MASKED {
            126 | 127 if control => self.at = At::Lost,
            126 => self.at = long(2),
            127 => self.at = long(8),
            short => self.rest(u64::from(short) + mask),
        }
    }

    /// So much is left of the frame at hand.
    fn rest(&mut self, left: u64) {
        self.at = match left {
            0 if self.closing => At::Ended,
            0 => At::Between,
            _ => At::Rest(left),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: usize, masked: bool) -> Vec<u8> {
        let bit = if masked { MASKED } else { 0 };
        let mut frame = vec![first];
        match u16::try_from(payload) {
            Ok(short @ 0..126) => frame.push(bit | short.to_le_bytes()[0]),
            Ok(medium) => {
                frame.push(bit | 126);
                frame.extend(medium.to_be_bytes());
            }
            Err(_) => {
                frame.push(bit | 127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        if masked {
            frame.extend([1, 2, 3, 4]);
        }
        frame.extend(std::iter::repeat_n(0x88, payload));
        frame
    }

    #[test]
    fn frames_are_followed_however_they_are_cut() {
        let frames = [
            frame(0x81, 0, false),
            frame(0x01, 5, false),
            frame(0x89, 125, false),
            frame(0x80, 126, true),
            frame(0xc2, 65_535, false),
            frame(0x82, 65_536, false),
            frame(0x8a, 3, true),
        ];
        let ends: Vec<usize> = frames
            .iter()
            .scan(0, |end, frame| {
                *end += frame.len();
                Some(*end)
            })
            .collect();
        let bytes = frames.concat();
        for size in [1, 2, 3, 7, 1000, bytes.len()] {
            let (mut all, mut found, mut at) = (Frames::default(), Vec::new(), 0);
            for piece in bytes.chunks(size) {
                let mut rest = piece;
                while !rest.is_empty() {
                    let used = all.advance(rest);
                    at += used;
                    rest = &rest[used..];
                    if all.between() {
                        found.push(at);
                    }
                }
            }
            assert_eq!(found, ends, "in pieces of {size}");
            let mut whole = Frames::default();
            whole.follow(&bytes);
            assert!(whole.between());
        }
    }

    #[test]
    fn nothing_is_put_behind_a_close_or_into_what_is_no_frame() {
        let ended: [&[u8]; 2] = [&[0x88, 0], &[0x88, 2, 3, 0xe8]];
        for bytes in ended {
            let mut frames = Frames::default();
            frames.follow(bytes);
            assert!(!frames.between() && !frames.followed(), "{bytes:x?}");
            frames.follow(&[0x81, 0]);
            assert!(!frames.between());
        }
        let lost: [&[u8]; 4] = [
            b"SSH-2.0",
            &[0x08, 0],
            &[0x89, 126, 0, 1],
            &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
        ];
        for bytes in lost {
            let mut frames = Frames::default();
            frames.follow(bytes);
            assert!(!frames.followed(), "{bytes:x?}");
        }
    }

    #[test]
    fn whatever_comes_is_followed_the_same_way_in_any_pieces() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..2000 {
            // Small numbers are kinds and lengths, so that many of these begin as frames.
            let byte = |random: &mut fastrand::Rng| match random.u8(..4) {
                0 => random.u8(..),
                1 => FINAL | random.u8(..11),
                _ => random.u8(..5),
            };
            let bytes: Vec<u8> = (0..random.usize(1..200))
                .map(|_| byte(&mut random))
                .collect();
            let mut whole = Frames::default();
            whole.follow(&bytes);
            let (mut pieces, mut rest) = (Frames::default(), &bytes[..]);
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(random.usize(1..=rest.len()));
                pieces.follow(piece);
                rest = later;
            }
            assert_eq!((whole.at, whole.closing), (pieces.at, pieces.closing));
        }
    }
}
