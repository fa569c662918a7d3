//! What was taken of a request's body, for another attempt.

/// How much of a body is kept.
const MOST: usize = 64 * 1024;

/// The bytes of a body that went into attempts so far, as long as they are all there.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    bytes: Vec<u8>,
    lost: bool,
}

impl Replay {
    /// Nothing was taken.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.lost = false;
    }

    /// Notes what was taken. What is not worth keeping, or does not fit, is lost.
    pub(crate) fn note(&mut self, data: &[u8], keep: bool) {
        if self.lost || data.is_empty() {
            return;
        }
        if keep && self.bytes.len() + data.len() <= MOST {
            self.bytes.extend_from_slice(data);
        } else {
            self.bytes.clear();
            self.lost = true;
        }
    }

    /// What was taken; all of it if nothing was lost.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether another attempt would have the whole body.
    pub(crate) fn is_whole(&self) -> bool {
        !self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_whole_until_something_was_taken_that_was_not_kept() {
        let mut replay = Replay::default();
        assert!(replay.is_whole());
        replay.note(b"", false);
        replay.note(b"abc", true);
        assert!(replay.is_whole());
        assert_eq!(replay.bytes(), b"abc");
        replay.note(b"d", false);
        assert!(!replay.is_whole());
        replay.note(b"e", true);
        assert_eq!(replay.bytes(), b"");
        replay.clear();
        assert!(replay.is_whole());
    }

    #[test]
    fn more_than_fits_is_lost() {
        let mut replay = Replay::default();
        replay.note(&[0; MOST], true);
        assert!(replay.is_whole());
        replay.note(&[0], true);
        assert!(!replay.is_whole());
    }
}
