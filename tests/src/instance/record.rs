//! The record that an instance keeps of what it got.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::Moment;

/// One request at an instance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Received {
    /// When its head had been read.
    pub at: Moment,
    /// The port that it came in on.
    pub port: u16,
    /// Its method.
    pub method: String,
    /// Its id: the path without its slash.
    pub id: String,
    /// Its host.
    pub host: String,
}

/// The record of one instance, over all its lives.
#[derive(Debug)]
pub struct Record {
    path: PathBuf,
    file: Option<File>,
    /// The beginning of a line whose end was not there yet.
    rest: String,
}

impl Record {
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: None,
            rest: String::new(),
        }
    }

    /// How many bytes there are in all: the same as before, if nothing came meanwhile.
    ///
    /// # Panics
    ///
    /// When there is no record.
    #[must_use]
    pub fn length(&self) -> u64 {
        let metadata = std::fs::metadata(&self.path);
        metadata.expect("the record of an instance").len()
    }

    /// What was added since the last reading.
    ///
    /// # Panics
    ///
    /// When the record cannot be read, or a line is none.
    pub fn read(&mut self) -> Vec<Received> {
        let path = &self.path;
        let file = self
            .file
            .get_or_insert_with(|| File::open(path).expect("the record of an instance"));
        file.read_to_string(&mut self.rest)
            .expect("the record of an instance");
        let whole = self.rest.rfind('\n').map_or(0, |at| at + 1);
        let rest = self.rest.split_off(whole);
        let lines = std::mem::replace(&mut self.rest, rest);
        lines.lines().map(Received::parse).collect()
    }
}

impl Received {
    fn parse(line: &str) -> Self {
        let mut words = line.split(' ');
        let mut word = || {
            let word = words.next();
            word.unwrap_or_else(|| panic!("no line of a record: {line:?}"))
        };
        Self {
            at: Moment::from_nanoseconds(word().parse().expect("nanoseconds")),
            port: word().parse().expect("a port"),
            method: word().to_owned(),
            id: word().to_owned(),
            host: word().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::Record;

    #[test]
    fn reads_whole_lines_from_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        let mut file = File::create(&path).unwrap();
        let mut record = Record::of(&path);
        assert!(record.read().is_empty());
        file.write_all(b"5 80 GET 17 app.example.com\n6 81 PO")
            .unwrap();
        let read = record.read();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].port, &*read[0].id), (80, "17"));
        file.write_all(b"ST 18 other.example.com\n").unwrap();
        assert_eq!(record.read()[0].method, "POST");
    }
}
