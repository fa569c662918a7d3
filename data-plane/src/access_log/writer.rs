//! The thread that writes the access log.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::warn;

use super::lines::Batch;
use super::{AccessLog, Lines};

/// Batches that may wait for the writer: with full ones 2 MiB.
const WAITING_MOST: usize = 64;

/// How often a file is compared with its path, so that a rotation by renaming is followed.
const LOOK_AT_PATH: Duration = Duration::from_secs(1);

/// Where the access log goes.
pub enum Sink {
    /// A file, created with mode 0644 if it is not there, and appended to. When it is renamed or
    /// removed, a new one is begun.
    File(PathBuf),
    /// Anything else that takes bytes, such as the standard output.
    Writer(Box<dyn Write + Send + Sync>),
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Writer(_) => f.write_str("Writer"),
        }
    }
}

/// The writer of all workers' lines.
#[derive(Debug)]
pub(crate) struct Writer {
    batches: SyncSender<Batch>,
    hide: (bool, bool),
    thread: JoinHandle<()>,
}

impl Writer {
    /// Opens the log and starts to write.
    ///
    /// # Errors
    /// The file cannot be opened, or the thread cannot be started.
    pub(crate) fn start(log: AccessLog) -> io::Result<Self> {
        let output = match log.sink {
            Sink::File(path) => Output::File(OpenFile::open(path)?),
            Sink::Writer(writer) => Output::Writer(writer),
        };
        let (batches, waiting) = sync_channel(WAITING_MOST);
        let thread = thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_all(&waiting, output))?;
        Ok(Self {
            batches,
            hide: (log.hide_source_ip, log.hide_forwarded_for),
            thread,
        })
    }

    /// The lines of one worker.
    pub(crate) fn lines(&self) -> Lines {
        Lines::new(self.batches.clone(), self.hide)
    }

    /// Waits until all that was handed over is written. Every [`Lines`] has to be gone.
    pub(crate) fn finish(self) {
        drop(self.batches);
        // A writer that panicked has lost its lines already; the process ends anyway.
        let _ = self.thread.join();
    }
}

enum Output {
    File(OpenFile),
    Writer(Box<dyn Write + Send + Sync>),
}

impl Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::File(file) => file.file.write_all(bytes),
            Self::Writer(writer) => writer.write_all(bytes).and_then(|()| writer.flush()),
        }
    }

    fn follow(&mut self) {
        if let Self::File(file) = self
            && let Err(error) = file.follow()
        {
            warn!(path = %file.path.display(), %error, "access log cannot be opened again");
        }
    }
}

/// A file and the path that it should be found under.
struct OpenFile {
    path: PathBuf,
    file: File,
}

impl OpenFile {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = append_to(&path)?;
        Ok(Self { path, file })
    }

    /// Begins a new file if the path leads elsewhere by now.
    fn follow(&mut self) -> io::Result<()> {
        let ours = self.file.metadata()?;
        let same = self
            .path
            .metadata()
            .is_ok_and(|there| there.ino() == ours.ino() && there.dev() == ours.dev());
        if !same {
            self.file = append_to(&self.path)?;
        }
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .open(path)
}

/// Writes until nobody is left to send. A failure is told once, not for every batch.
fn write_all(batches: &Receiver<Batch>, mut output: Output) {
    let mut failing = false;
    loop {
        match batches.recv_timeout(LOOK_AT_PATH) {
            Ok(batch) => match output.write(&batch.bytes) {
                Ok(()) => failing = false,
                Err(error) if !failing => {
                    failing = true;
                    warn!(%error, lines = batch.lines, "access log cannot be written");
                }
                Err(_) => {}
            },
            Err(RecvTimeoutError::Timeout) => output.follow(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn log(path: &Path) -> AccessLog {
        AccessLog {
            sink: Sink::File(path.to_owned()),
            hide_source_ip: false,
            hide_forwarded_for: false,
        }
    }

    #[test]
    fn what_was_handed_over_is_in_the_file_when_the_writer_has_finished() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("access.log");
        fs::write(&path, "before\n").expect("an existing log");
        let writer = Writer::start(log(&path)).expect("the writer starts");
        let mut lines = writer.lines();
        lines.push(super::super::line::Line {
            host: b"one",
            ..Default::default()
        });
        lines.finish();
        writer.finish();
        let text = fs::read_to_string(&path).expect("the log");
        assert!(text.starts_with("before\none - ["), "{text}");
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn a_renamed_file_is_followed_by_a_new_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("access.log");
        let mut file = OpenFile::open(path.clone()).expect("a log");
        file.follow().expect("nothing to do");
        fs::rename(&path, folder.path().join("access.log.1")).expect("rotation");
        file.follow().expect("a new file");
        file.file.write_all(b"new").expect("a write");
        assert_eq!(fs::read(&path).expect("the new file"), b"new");
    }

    #[test]
    fn a_log_that_cannot_be_opened_is_an_error_at_the_start() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Writer::start(log(&folder.path().join("missing/access.log"))).is_err());
    }
}
