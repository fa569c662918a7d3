//! Reading a table from disk.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::SCHEMA;
use super::frames::{Frame, Kind, Reading, Totals};
use super::header::Header;

/// Bytes that are read at once.
const BUFFER: usize = 64 * 1024;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[source] io::Error),
    /// It is something else.
    #[error("it is no table of a data plane")]
    Foreign,
    /// Another release wrote it.
    #[error("its schema is {found}, and this release reads {SCHEMA} only")]
    OtherSchema {
        /// The schema of the file.
        found: u32,
    },
    /// It ends too soon.
    #[error("it ends at byte {at}, before it is complete")]
    Truncated {
        /// Where.
        at: u64,
    },
    /// Its bytes are not those that were written.
    #[error("its checksum does not fit what it holds")]
    Damaged,
    /// A frame of a kind that is not known.
    #[error("the frame at byte {at} is of the unknown kind {kind}")]
    UnknownFrame {
        /// Where the frame begins.
        at: u64,
        /// Its kind.
        kind: u8,
    },
    /// A frame that claims more than any holds.
    #[error("the frame at byte {at} claims {length} bytes, more than any holds")]
    TooLarge {
        /// Where the frame begins.
        at: u64,
        /// What it claims.
        length: u32,
    },
    /// What it says about itself makes no sense.
    #[error("what it says about itself cannot be read: {0}")]
    Header(#[from] serde_json::Error),
    /// It was filled for other segments.
    #[error("it was filled under another filter of segments ({found:016x}, not {wanted:016x})")]
    OtherFilter {
        /// The digest of its filter.
        found: u64,
        /// The digest of ours.
        wanted: u64,
    },
    /// Nothing in it may be served any more.
    #[error("it was confirmed {} s ago, and may be used for {} s", age.as_secs(), most.as_secs())]
    TooOld {
        /// Its age.
        age: std::time::Duration,
        /// The bound.
        most: std::time::Duration,
    },
}

/// A table on disk that is whole, from its header to its checksum.
pub(crate) struct Saved<R> {
    header: Header,
    totals: Totals,
    reading: Reading<BufReader<R>>,
    ended: bool,
}

impl<R: Read + Seek> Saved<R> {
    /// Looks at all of it, and goes back to where its things begin.
    ///
    /// # Errors
    ///
    /// Why it cannot be used.
    pub(crate) fn open(mut from: R) -> Result<Self, Unusable> {
        let mut carried = Vec::new();
        let mut reading = Reading::begin(BufReader::with_capacity(BUFFER, &mut from))?;
        read_header(&mut reading, &mut carried)?;
        let totals = loop {
            match reading.frame(&mut carried)? {
                Kind::Header => return Err(Unusable::Damaged),
                Kind::Things | Kind::Orphans => {}
                Kind::End => break reading.end()?,
            }
        };
        from.seek(SeekFrom::Start(0)).map_err(Unusable::Io)?;
        let mut reading = Reading::begin(BufReader::with_capacity(BUFFER, from))?;
        Ok(Self {
            header: read_header(&mut reading, &mut carried)?,
            totals,
            reading,
            ended: false,
        })
    }
}

fn read_header<R: Read>(
    reading: &mut Reading<R>,
    carried: &mut Vec<u8>,
) -> Result<Header, Unusable> {
    match reading.frame(carried)? {
        Kind::Header => Ok(serde_json::from_slice(carried)?),
        Kind::Things | Kind::Orphans | Kind::End => Err(Unusable::Damaged),
    }
}

impl<R> Saved<R> {
    /// What it says about itself.
    pub(crate) const fn header(&self) -> &Header {
        &self.header
    }

    /// What it comes to.
    pub(crate) const fn totals(&self) -> Totals {
        self.totals
    }
}

/// Its things, frame by frame.
impl<R: Read> Iterator for Saved<R> {
    type Item = Result<Frame, Unusable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut carried = Vec::new();
        let frame = match self.reading.frame(&mut carried) {
            Ok(Kind::End) => {
                self.ended = true;
                return None;
            }
            Ok(kind) => Frame::of(kind, carried).ok_or(Unusable::Damaged),
            Err(error) => Err(error),
        };
        self.ended = frame.is_err();
        Some(frame)
    }
}
