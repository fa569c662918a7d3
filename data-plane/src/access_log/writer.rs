//! The thread that writes the access log.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::extra::Extra;
use super::lines::{Batch, Shown};
use super::{AccessLog, Lines};
use crate::counters::Counters;

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
    shown: Shown,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Opens the log and starts to write.
    ///
    /// # Errors
    /// The file cannot be opened, or the thread cannot be started.
    pub(crate) fn start(log: AccessLog, counters: Arc<Counters>) -> io::Result<Self> {
        let shown = Shown {
            hide_source_ip: log.hide_source_ip,
            hide_forwarded_for: log.hide_forwarded_for,
            extra: log
                .extra_fields
                .iter()
                .map(|name| Extra::new(name))
                .collect(),
        };
        let output = match log.sink {
            Sink::File(path) => Output::File(OpenFile::open(path)?),
            Sink::Writer(writer) => Output::Writer(writer),
        };
        let (batches, waiting) = sync_channel(WAITING_MOST);
        let thread = thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_all(&waiting, output, &counters))?;
        Ok(Self {
            batches,
            shown,
            thread,
        })
    }

    /// The lines of one worker.
    pub(crate) fn lines(&self) -> Lines {
        Lines::new(self.batches.clone(), self.shown.clone())
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
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::File(file) => &mut file.file,
            Self::Writer(writer) => writer,
        }
    }

    /// Whether another file was begun.
    fn follow(&mut self) -> bool {
        let Self::File(file) = self else {
            return false;
        };
        file.follow().unwrap_or_else(|error| {
            warn!(path = %file.path.display(), %error, "access log cannot be opened again");
            false
        })
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

    /// Begins a new file if the path leads elsewhere by now, and answers whether it did.
    fn follow(&mut self) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        let same = self
            .path
            .metadata()
            .is_ok_and(|there| there.ino() == ours.ino() && there.dev() == ours.dev());
        if !same {
            self.file = append_to(&self.path)?;
        }
        Ok(!same)
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .open(path)
}

/// Writes until nobody is left to send.
fn write_all(batches: &Receiver<Batch>, output: Output, counters: &Counters) {
    let mut log = Log {
        output,
        rest: Vec::new(),
        lost: None,
        counters,
    };
    let mut looked = Instant::now();
    loop {
        match batches.recv_timeout(LOOK_AT_PATH) {
            Ok(batch) => log.write(&batch),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if looked.elapsed() >= LOOK_AT_PATH {
            looked = Instant::now();
            log.follow();
        }
    }
}

/// The log as it is written: whole lines, whatever the disk takes. What it does not take is
/// dropped, and told once.
struct Log<'a> {
    output: Output,
    /// The end of a line whose beginning was written before the disk was full.
    rest: Vec<u8>,
    /// While it cannot be written: how many lines were lost.
    lost: Option<u64>,
    counters: &'a Counters,
}

impl Log<'_> {
    fn write(&mut self, batch: &Batch) {
        let (written, result) = write_some(self.output.writer(), &self.rest);
        self.rest.drain(..written);
        let (written, result) = match result {
            Ok(()) => write_some(self.output.writer(), &batch.bytes),
            Err(error) => (0, Err(error)),
        };
        let (done, open) = batch.bytes.split_at(written);
        match result.and_then(|()| self.output.writer().flush()) {
            Ok(()) => self.works(),
            Err(error) => {
                let mut lost = batch.lines - count_lines(done);
                if done.last().is_some_and(|&byte| byte != b'\n') {
                    // This line is finished when there is room again.
                    self.rest.extend(
                        open.split_inclusive(|&byte| byte == b'\n')
                            .next()
                            .into_iter()
                            .flatten(),
                    );
                    lost -= 1;
                }
                self.fails(&error, lost);
            }
        }
    }

    fn works(&mut self) {
        if let Some(lost) = self.lost.take() {
            warn!(lost, "access log is written again");
        }
    }

    fn fails(&mut self, error: &io::Error, lost: u64) {
        self.counters.access_log_dropped.add(lost);
        if self.lost.is_none() {
            warn!(%error, "access log cannot be written");
        }
        *self.lost.get_or_insert(0) += lost;
    }

    fn follow(&mut self) {
        if self.output.follow() && !self.rest.is_empty() {
            // Its beginning stands in the file before.
            self.rest.clear();
            self.counters.access_log_dropped.increment();
        }
    }
}

/// Writes as much as can be written, and answers how much that was.
fn write_some(writer: &mut dyn Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while let Some(left @ [_, ..]) = bytes.get(written..) {
        match writer.write(left) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests;
