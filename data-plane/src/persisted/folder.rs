//! The folder: two generations of the table, and the stamp.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::frames::{Totals, Writing};
use super::header::{Header, Stamp};
use super::moment::{Age, Moment};
use super::saved::{Saved, Unusable};

/// The generations of the table, in the order in which they are tried.
const TABLES: [&str; GENERATIONS as usize] = ["table", "table.previous"];

/// How many generations there are.
pub(crate) const GENERATIONS: u8 = 2;

/// What says when a table was confirmed.
const STAMP: &str = "stamp";

/// What is written beside its place ends so, and with the number of the process: a successor may
/// write while its predecessor still does.
const UNFINISHED: &str = "unfinished";

/// Bytes that are written at once.
const BUFFER: usize = 256 * 1024;

/// Where a data plane keeps its table.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// What was written.
pub(crate) type Written = Totals;

/// How long the endpoints of a table may be served after a control plane last confirmed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Those that are reached in clear text, so that nothing proves who answers.
    pub plain: Duration,
    /// Those that prove who they are.
    pub tls: Duration,
}

/// A table that may be served from.
pub(crate) struct Found {
    /// Which file it is.
    pub(crate) path: PathBuf,
    /// The table.
    pub(crate) saved: Saved<File>,
    /// How long ago a control plane last confirmed it.
    pub(crate) age: Duration,
    /// For how long its endpoints may still be served; nothing for those that may not.
    pub(crate) left: Lifetimes,
}

/// A file that was skipped, and why.
#[derive(Debug)]
pub(crate) struct Skipped {
    /// Which one.
    pub(crate) path: PathBuf,
    /// Why.
    pub(crate) why: Unusable,
}

impl Default for Lifetimes {
    /// An hour, because nothing proves who answers; a day for those that prove it.
    fn default() -> Self {
        Self {
            plain: Duration::from_secs(3600),
            tls: Duration::from_secs(24 * 3600),
        }
    }
}

impl Lifetimes {
    /// At any age.
    pub(crate) const FOR_EVER: Self = Self {
        plain: Duration::MAX,
        tls: Duration::MAX,
    };

    /// What is left of them for a table of this age. Where only the least age is known, nothing
    /// vouches for an address without a proof.
    fn left(self, age: Age) -> Self {
        let plain = match age {
            Age::Known(age) => self.plain.saturating_sub(age),
            Age::AtLeast(_) if self == Self::FOR_EVER => Duration::MAX,
            Age::AtLeast(_) => Duration::ZERO,
        };
        Self {
            plain,
            tls: self.tls.saturating_sub(age.least()),
        }
    }

    /// No longer than this.
    pub(crate) fn at_most(self, most: Duration) -> Self {
        Self {
            plain: self.plain.min(most),
            tls: self.tls.min(most),
        }
    }

    fn most(self) -> Duration {
        self.plain.max(self.tls)
    }
}

impl Folder {
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a table in the place of the last one, which stays as the previous one. `things` adds
    /// what is in it.
    ///
    /// # Errors
    ///
    /// What the operating system says. At least one generation is left then.
    pub(crate) fn write(
        &self,
        header: &Header,
        things: impl FnOnce(&mut Writing<BufWriter<File>>) -> io::Result<()>,
    ) -> io::Result<Written> {
        let [table, previous] = TABLES.map(|name| self.path.join(name));
        let header = serde_json::to_vec(header)?;
        self.replace(&table, Some(&previous), |file| {
            let buffered = BufWriter::with_capacity(BUFFER, file);
            let mut writing = Writing::begin(buffered, &header)?;
            things(&mut writing)?;
            let (buffered, written) = writing.end()?;
            let file = buffered
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            Ok((file, written))
        })
    }

    /// Writes when a table was confirmed.
    ///
    /// # Errors
    ///
    /// What the operating system says. The earlier stamp stays then.
    pub(crate) fn stamp(&self, stamp: &Stamp) -> io::Result<()> {
        let text = serde_json::to_vec(stamp)?;
        self.replace(&self.path.join(STAMP), None, |mut file| {
            file.write_all(&text)?;
            Ok((file, ()))
        })
    }

    /// The latest table that can be served from now, and those that were skipped before it.
    pub(crate) fn find(
        &self,
        filter: u64,
        lifetimes: Lifetimes,
        now: &Moment,
    ) -> (Option<Found>, Vec<Skipped>) {
        let stamp = self.read_stamp();
        let mut skipped = Vec::new();
        for name in TABLES {
            let path = self.path.join(name);
            match look_at(&path, (filter, lifetimes), stamp.as_ref(), now) {
                Ok(Some(found)) => return (Some(found), skipped),
                Ok(None) => {}
                Err(why) => skipped.push(Skipped { path, why }),
            }
        }
        (None, skipped)
    }

    /// One generation of the table, 1 for the last that was written; nothing where there is no such file.
    ///
    /// # Errors
    ///
    /// Why it cannot be served from.
    pub(crate) fn generation(
        &self,
        number: u8,
        (filter, lifetimes): (u64, Lifetimes),
        now: &Moment,
    ) -> Result<Option<Found>, Unusable> {
        let at = usize::from(number).checked_sub(1);
        let Some(name) = at.and_then(|at| TABLES.get(at)) else {
            return Ok(None);
        };
        let stamp = self.read_stamp();
        let path = self.path.join(name);
        look_at(&path, (filter, lifetimes), stamp.as_ref(), now)
    }

    /// Removes what processes that are gone left unfinished.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or a file in it not be removed.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            let process = path.extension().and_then(|number| number.to_str());
            let stem = path.file_stem().map(Path::new).and_then(Path::extension);
            if let (Some(process), Some(stem)) = (process, stem)
                && stem == UNFINISHED
                && process.bytes().all(|byte| byte.is_ascii_digit())
                && !Path::new("/proc").join(process).exists()
            {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// A stamp that cannot be read says nothing: each table says itself when it was confirmed.
    fn read_stamp(&self) -> Option<Stamp> {
        let text = fs::read(self.path.join(STAMP)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes a file beside its place, forces it to the disk, and renames it into its place; what
    /// stood there goes to `previous`.
    fn replace<T>(
        &self,
        place: &Path,
        previous: Option<&Path>,
        write: impl FnOnce(File) -> io::Result<(File, T)>,
    ) -> io::Result<T> {
        if !self.path.is_dir() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.path)?;
        }
        let mut unfinished = place.as_os_str().to_owned();
        unfinished.push(format!(".{UNFINISHED}.{}", std::process::id()));
        let unfinished = PathBuf::from(unfinished);
        let done = write_new(&unfinished, write).and_then(|done| {
            if let Some(previous) = previous {
                match fs::rename(place, previous) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    Ok(()) | Err(_) => {}
                }
            }
            fs::rename(&unfinished, place)?;
            // The names are on the disk only once the folder is.
            File::open(&self.path)?.sync_all()?;
            Ok(done)
        });
        if done.is_err() {
            // It may not exist; and what else keeps it there will be said by the next try.
            let _ = fs::remove_file(&unfinished);
        }
        done
    }
}

/// Creates a file for its owner alone, and forces what is written to the disk.
fn write_new<T>(path: &Path, write: impl FnOnce(File) -> io::Result<(File, T)>) -> io::Result<T> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let (file, done) = write(file)?;
    file.sync_all()?;
    Ok(done)
}

/// Nothing where there is no such file.
fn look_at(
    path: &Path,
    (filter, lifetimes): (u64, Lifetimes),
    stamp: Option<&Stamp>,
    now: &Moment,
) -> Result<Option<Found>, Unusable> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unusable::Io(error)),
    };
    let saved = Saved::open(file)?;
    let found = saved.header().filter;
    if found != filter {
        let wanted = filter;
        return Err(Unusable::OtherFilter { found, wanted });
    }
    let stamp = stamp.filter(|stamp| stamp.table == saved.totals().checksum);
    let confirmed = stamp.map_or(&saved.header().confirmed, |stamp| &stamp.confirmed);
    let age = now.since(confirmed);
    let left = lifetimes.left(age);
    if left.most().is_zero() {
        return Err(Unusable::TooOld {
            age: age.least(),
            most: lifetimes.most(),
        });
    }
    Ok(Some(Found {
        path: path.to_owned(),
        saved,
        age: age.least(),
        left,
    }))
}
