//! Frames as they are written and read, with the checksum over all of them.

use std::io::{self, Read, Write};
use std::time::Duration;

use xxhash_rust::xxh3::Xxh3Default;

use super::{MAGIC, SCHEMA, Unusable};

/// The most that a frame carries: a message of a control plane has half of it at most.
const LARGEST: u32 = 8 * 1024 * 1024;

/// What the last frame carries, in bytes: the count of things and the checksum.
const END: u32 = 16;

/// What a frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What the file says about itself.
    Header = 1,
    /// Things that the last confirmation covers.
    Things = 2,
    /// Things that are kept though no control plane confirms them.
    Orphans = 3,
    /// The count of things, and the checksum.
    End = 4,
}

impl Kind {
    const fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Header),
            2 => Some(Self::Things),
            3 => Some(Self::Orphans),
            4 => Some(Self::End),
            _ => None,
        }
    }
}

/// Things as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Things that the last confirmation covers.
    Things(Vec<u8>),
    /// Things that are kept though no control plane confirms them.
    Orphans {
        /// How long they were still to be kept when the file was written.
        left: Duration,
        /// The things.
        carried: Vec<u8>,
    },
}

/// What a whole file comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    /// How many things it holds.
    pub(crate) things: u64,
    /// How many bytes it has.
    pub(crate) bytes: u64,
    /// The checksum of all but the last eight of them.
    pub(crate) checksum: u64,
}

impl Frame {
    /// Things that a frame of this kind carried; nothing where no kind of things has this form.
    pub(super) fn of(kind: Kind, mut carried: Vec<u8>) -> Option<Self> {
        match kind {
            Kind::Things => Some(Self::Things(carried)),
            Kind::Orphans => {
                let left = u64::from_le_bytes(*carried.first_chunk()?);
                carried.drain(..size_of::<u64>());
                let left = Duration::from_millis(left);
                Some(Self::Orphans { left, carried })
            }
            Kind::Header | Kind::End => None,
        }
    }
}

/// A table that is being written.
pub(crate) struct Writing<W> {
    to: W,
    sum: Xxh3Default,
    bytes: u64,
    things: u64,
}

impl<W: Write> Writing<W> {
    /// Begins with what the file says about itself.
    pub(super) fn begin(to: W, header: &[u8]) -> io::Result<Self> {
        let mut writing = Self {
            to,
            sum: Xxh3Default::new(),
            bytes: 0,
            things: 0,
        };
        writing.put(MAGIC)?;
        writing.put(&SCHEMA.to_le_bytes())?;
        writing.frame(Kind::Header, header)?;
        Ok(writing)
    }

    /// Adds things that the last confirmation covers.
    pub(crate) fn things(&mut self, count: u64, carried: &[u8]) -> io::Result<()> {
        self.things += count;
        self.frame(Kind::Things, carried)
    }

    /// Adds things that are kept for so long though no control plane confirms them.
    pub(crate) fn orphans(&mut self, left: Duration, count: u64, carried: &[u8]) -> io::Result<()> {
        self.things += count;
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let mut framed = Vec::with_capacity(8 + carried.len());
        framed.extend_from_slice(&left.to_le_bytes());
        framed.extend_from_slice(carried);
        self.frame(Kind::Orphans, &framed)
    }

    /// Ends the file; says its checksum, how many things it holds, and in how many bytes.
    pub(super) fn end(mut self) -> io::Result<(W, Totals)> {
        self.put(&END.to_le_bytes())?;
        self.put(&[Kind::End as u8])?;
        self.put(&self.things.to_le_bytes())?;
        let checksum = self.sum.digest();
        self.put(&checksum.to_le_bytes())?;
        let totals = Totals {
            things: self.things,
            bytes: self.bytes,
            checksum,
        };
        Ok((self.to, totals))
    }

    fn frame(&mut self, kind: Kind, carried: &[u8]) -> io::Result<()> {
        let length = u32::try_from(carried.len()).ok();
        let length = length.filter(|length| *length <= LARGEST).ok_or_else(|| {
            let told = format!("{} bytes are too many for one frame", carried.len());
            io::Error::new(io::ErrorKind::InvalidInput, told)
        })?;
        self.put(&length.to_le_bytes())?;
        self.put(&[kind as u8])?;
        self.put(carried)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
        self.to.write_all(bytes)
    }
}

/// A table that is being read.
pub(super) struct Reading<R> {
    from: R,
    sum: Xxh3Default,
    at: u64,
}

impl<R: Read> Reading<R> {
    /// Begins at the first byte, and reads up to the first frame.
    pub(super) fn begin(from: R) -> Result<Self, Unusable> {
        let mut reading = Self {
            from,
            sum: Xxh3Default::new(),
            at: 0,
        };
        let magic: [u8; MAGIC.len()] = reading.take_array()?;
        if magic != *MAGIC {
            return Err(Unusable::Foreign);
        }
        let found = u32::from_le_bytes(reading.take_array()?);
        if found != SCHEMA {
            return Err(Unusable::OtherSchema { found });
        }
        Ok(reading)
    }

    /// The next frame, which `carried` holds then.
    pub(super) fn frame(&mut self, carried: &mut Vec<u8>) -> Result<Kind, Unusable> {
        let at = self.at;
        let length = u32::from_le_bytes(self.take_array()?);
        let [kind] = self.take_array()?;
        let kind = Kind::of(kind).ok_or(Unusable::UnknownFrame { at, kind })?;
        if length > LARGEST {
            return Err(Unusable::TooLarge { at, length });
        }
        if kind == Kind::End && length != END {
            return Err(Unusable::Damaged);
        }
        carried.clear();
        if kind != Kind::End {
            self.take(length, carried)?;
        }
        Ok(kind)
    }

    /// What the last frame carries, once its kind was read; nothing may follow it.
    pub(super) fn end(&mut self) -> Result<Totals, Unusable> {
        let things = u64::from_le_bytes(self.take_array()?);
        let checksum = self.sum.digest();
        let claimed = u64::from_le_bytes(self.take_array()?);
        let mut more = [0];
        let ends = self.from.read(&mut more).map_err(Unusable::Io)? == 0;
        if claimed != checksum || !ends {
            return Err(Unusable::Damaged);
        }
        Ok(Totals {
            things,
            bytes: self.at,
            checksum,
        })
    }

    fn take(&mut self, length: u32, carried: &mut Vec<u8>) -> Result<(), Unusable> {
        // As many bytes as there are, and never room for more than that.
        let mut limited = (&mut self.from).take(u64::from(length));
        let read = limited.read_to_end(carried).map_err(Unusable::Io)?;
        self.sum.update(carried);
        self.at += read as u64;
        if read < length as usize {
            return Err(Unusable::Truncated { at: self.at });
        }
        Ok(())
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], Unusable> {
        let mut bytes = [0; N];
        match self.from.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Unusable::Truncated { at: self.at });
            }
            Err(error) => return Err(Unusable::Io(error)),
        }
        self.sum.update(&bytes);
        self.at += N as u64;
        Ok(bytes)
    }
}
