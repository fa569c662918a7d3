//! The log on disks that are full, renamed, or not there.

use std::fs;
use std::sync::Mutex;

use super::*;

fn log(path: &Path) -> AccessLog {
    AccessLog {
        sink: Sink::File(path.to_owned()),
        hide_source_ip: false,
        hide_forwarded_for: false,
        extra_fields: Vec::new(),
    }
}

#[test]
fn what_was_handed_over_is_in_the_file_when_the_writer_has_finished() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    fs::write(&path, "before\n").expect("an existing log");
    let writer = Writer::start(log(&path), Arc::default()).expect("the writer starts");
    let mut lines = writer.lines();
    lines.push(super::super::line::Line {
        host: b"one",
        ..Default::default()
    });
    drop(lines);
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
    assert!(
        Writer::start(
            log(&folder.path().join("missing/access.log")),
            Arc::default()
        )
        .is_err()
    );
}

/// A disk that takes so many bytes more, and nothing then.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

impl Disk {
    fn free(&self, bytes: usize) {
        self.0.lock().expect("whole").1 = bytes;
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("whole").0.clone()).expect("UTF-8")
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (written, free) = &mut *self.0.lock().expect("whole");
        let count = bytes.len().min(*free);
        if count == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        *free -= count;
        written.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn batch(text: &str) -> Batch {
    Batch {
        bytes: text.as_bytes().to_vec(),
        lines: text.lines().count() as u64,
    }
}

#[test]
fn a_full_disk_costs_whole_lines_which_are_counted_and_the_log_goes_on() {
    // Wherever it is full, the lines that are there are whole.
    for free in 0..40 {
        let (disk, counters) = (Disk::default(), Counters::default());
        let mut log = Log {
            output: Output::Writer(Box::new(disk.clone())),
            rest: Vec::new(),
            lost: None,
            counters: &counters,
        };
        disk.free(free);
        log.write(&batch("first line\nsecond line\n"));
        log.write(&batch("third line\n"));
        disk.free(1000);
        log.write(&batch("fourth line\n"));
        let text = disk.text();
        let known = ["first line", "second line", "third line", "fourth line"];
        assert!(
            text.lines().all(|line| known.contains(&line)),
            "{free}: {text:?}"
        );
        assert!(text.ends_with("fourth line\n"), "{free}: {text:?}");
        let lost = 4 - text.lines().count() as u64;
        assert_eq!(counters.access_log_dropped.get(), lost, "{free}: {text:?}");
        assert_eq!(log.lost, None);
    }
}

#[test]
fn a_disk_that_is_full_all_the_time_holds_nobody_up() {
    let counters: Arc<Counters> = Arc::default();
    let writer = Writer::start(log(Path::new("/dev/full")), Arc::clone(&counters));
    let writer = writer.expect("it can be opened");
    let mut lines = writer.lines();
    for _ in 0..10 {
        lines.push(super::super::line::Line::default());
        lines.flush();
    }
    drop(lines);
    writer.finish();
    assert_eq!(counters.access_log_dropped.get(), 10);
}
