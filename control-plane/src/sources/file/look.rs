//! What changed in a file, or in a folder of files.
//!
//! Files are looked at again and again, by what the file system says of them: that works wherever files come from, be it
//! an editor, a mount from another machine, or a `ConfigMap` of Kubernetes, whose files are links that are switched all at
//! once. What differs is read once it is the same at two looks, so that a file is not read while it is being written, and
//! one that is replaced by way of nothing is not taken for gone.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The largest file, in bytes.
const LARGEST: u64 = 32 * 1024 * 1024;

/// The most files of a folder.
const FILES: usize = 10_000;

/// What is seen of a file that is not as it was at the last look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// It reads like this now.
    Text(String),
    /// It cannot be read.
    Unreadable(String),
    /// It is gone.
    Gone,
}

/// One who looks.
#[derive(Debug)]
pub(super) struct Looker {
    path: PathBuf,
    files: BTreeMap<PathBuf, Seen>,
    /// Nothing was looked at yet: what is there is taken as it is.
    first: bool,
}

/// What is known of a file.
#[derive(Debug, Default)]
struct Seen {
    /// How it was when it was read.
    read: Option<Found>,
    /// How it was at the last look, where that was different.
    pending: Option<Found>,
    /// It was not there at the last look.
    missing: bool,
}

/// How a name of the folder was found: as a file, or why nothing can be said of what it leads to.
type Found = Result<Mark, String>;

/// What changes whenever a file does: which file it is, how long, and when it was written last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    file: (u64, u64),
    length: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Mark {
    fn of(metadata: &Metadata) -> Self {
        Self {
            file: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Looker {
    /// One who looks at a file, or at the files of a folder that end in `.yml` or `.yaml`.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            files: BTreeMap::new(),
            first: true,
        }
    }

    /// What is not as it was, in the order of the names.
    ///
    /// # Errors
    ///
    /// Why nothing can be said: then nothing is known to have changed.
    pub(super) fn look(&mut self) -> Result<Vec<(PathBuf, Sight)>, String> {
        let listed = self.list().map_err(|error| self.told(&error))?;
        let mut sights = self.missed(&listed);
        for (path, found) in listed {
            let seen = self.files.entry(path.clone()).or_default();
            if seen.read.as_ref() == Some(&found) {
                seen.pending = None;
                continue;
            }
            let settled = self.first || seen.pending.as_ref() == Some(&found);
            if settled && let Some(sight) = read(&path, &found) {
                seen.pending = None;
                seen.read = Some(found);
                sights.push((path, sight));
            } else {
                seen.pending = Some(found);
            }
        }
        self.first = false;
        sights.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(sights)
    }

    /// The files that were missed at two looks.
    fn missed(&mut self, listed: &BTreeMap<PathBuf, Found>) -> Vec<(PathBuf, Sight)> {
        let mut gone = Vec::new();
        self.files.retain(|path, seen| {
            let missing = !listed.contains_key(path);
            let twice = std::mem::replace(&mut seen.missing, missing) && missing;
            if twice && seen.read.is_some() {
                gone.push((path.clone(), Sight::Gone));
            }
            !twice
        });
        gone
    }

    fn told(&self, error: &io::Error) -> String {
        format!("{}: cannot be read: {error}", self.path.display())
    }

    /// The files that are there.
    fn list(&self) -> io::Result<BTreeMap<PathBuf, Found>> {
        let metadata = fs::metadata(&self.path)?;
        if !metadata.is_dir() {
            let found = Ok(Mark::of(&metadata));
            return Ok(BTreeMap::from([(self.path.clone(), found)]));
        }
        let mut listed = BTreeMap::new();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            if !is_route_file(&path) {
                continue;
            }
            if let Some(found) = find(&path) {
                listed.insert(path, found);
            }
            if listed.len() > FILES {
                let what = format!("more than {FILES} files");
                return Err(io::Error::other(what));
            }
        }
        Ok(listed)
    }
}

/// Hidden files are those of editors, or of whoever puts the others there.
fn is_route_file(path: &Path) -> bool {
    let hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let named = path.file_name().is_some_and(|name| !hidden(name));
    let extension = path.extension().and_then(|extension| extension.to_str());
    named && matches!(extension, Some("yml" | "yaml"))
}

/// What a name of the folder leads to, through links; `None` where it is no file. What goes away meanwhile is not there, and
/// what cannot be followed is a matter of this one name.
fn find(path: &Path) -> Option<Found> {
    match fs::metadata(path) {
        Ok(metadata) => metadata.is_file().then(|| Ok(Mark::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(format!("cannot be read: {error}"))),
    }
}

/// The text of a file that is as it was found before and after it was read; otherwise it is looked at again.
fn read(path: &Path, found: &Found) -> Option<Sight> {
    let mark = match found {
        Ok(mark) => *mark,
        Err(what) => return Some(Sight::Unreadable(what.clone())),
    };
    if mark.length > LARGEST {
        let what = format!("has {} bytes; {LARGEST} are the most", mark.length);
        return Some(Sight::Unreadable(what));
    }
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes),
        Err(error) => return Some(Sight::Unreadable(format!("cannot be read: {error}"))),
    };
    let after = fs::metadata(path).ok().map(|metadata| Mark::of(&metadata));
    if after != Some(mark) {
        return None;
    }
    Some(match text {
        Ok(text) => Sight::Text(text),
        Err(_) => Sight::Unreadable("is no text: it is not UTF-8".to_owned()),
    })
}

#[cfg(test)]
mod tests;
