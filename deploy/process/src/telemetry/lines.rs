//! Lines on their way to the standard output, written by a thread of their own.
//!
//! Whoever logs leaves its line in a buffer and goes on: neither a system call for each line nor a reader that has
//! stopped reading costs the work that is logged. The buffer is bounded; lines that find it full are dropped, counted, and
//! told of once there is room again. A process that is killed loses what came in the last 10 ms, and no more than a few
//! hundred KiB of that.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tracing_subscriber::fmt::MakeWriter;

use super::pieces::{KEPT, Pieces};

/// Bytes of lines that may wait.
const ROOM: usize = 4 * 1024 * 1024;

/// How long lines gather after some were written: the first one after a quiet time is written at once.
const GATHER: Duration = Duration::from_millis(10);

/// Bytes that are written without gathering more: a flood is written while it is still in the cache of its core.
const MANY: usize = 256 * 1024;

/// How long the end of a process waits for a reader of its lines.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where lines are left.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    queue: Arc<Queue>,
}

#[derive(Debug)]
struct Queue {
    waiting: Mutex<Waiting>,
    /// Lines came, or there will be no more of them.
    arrived: Condvar,
    /// Everything was written.
    written: Condvar,
    dropped: Counter,
    /// How long lines gather.
    gather: Duration,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Pieces,
    /// Some are being written.
    busy: bool,
    /// The thread sleeps until somebody wakes it.
    idle: bool,
    /// It sleeps while lines gather, until there are many.
    gathering: bool,
    /// What comes is to be written at once, because the process ends.
    ending: bool,
    /// Dropped, and not told yet.
    dropped: u64,
}

impl Lines {
    /// Starts the thread that writes. `dropped` counts the lines that find no room.
    pub(super) fn start(to: impl Write + Send + 'static, dropped: Counter) -> io::Result<Self> {
        Self::gathering_for(GATHER, to, dropped)
    }

    fn gathering_for(
        gather: Duration,
        to: impl Write + Send + 'static,
        dropped: Counter,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            written: Condvar::new(),
            dropped,
            gather,
        });
        let lines = Self {
            queue: Arc::clone(&queue),
        };
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || queue.write_on(to))?;
        Ok(lines)
    }

    /// Waits until what was logged is written, for a while. What is logged from now on is written without delay.
    pub(super) fn finish(&self) {
        let mut waiting = self.queue.lock();
        waiting.ending = true;
        self.queue.arrived.notify_one();
        let unwritten = |waiting: &mut Waiting| waiting.busy || !waiting.lines.is_empty();
        let _written = self
            .queue
            .written
            .wait_timeout_while(waiting, LAST_WORDS, unwritten);
    }
}

impl Waiting {
    /// Whether what has just come wakes the thread.
    fn wakes(&mut self) -> bool {
        let has_gathered = self.gathering && self.lines.len() >= MANY;
        self.gathering &= !has_gathered;
        std::mem::take(&mut self.idle) || has_gathered || self.ending
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No change leaves it half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, line: &[u8]) {
        let mut waiting = self.lock();
        if waiting.lines.len() + line.len() > ROOM {
            waiting.dropped += 1;
            drop(waiting);
            self.dropped.inc();
            return;
        }
        waiting.lines.push(line);
        let wake = waiting.wakes();
        drop(waiting);
        if wake {
            self.arrived.notify_one();
        }
    }

    /// What has come, once something has; and how much was dropped before that.
    fn take(&self, mut spare: Vec<u8>) -> (Pieces, u64) {
        let mut waiting = self.lock();
        waiting.busy = false;
        if waiting.lines.is_empty() {
            self.written.notify_all();
            let room = std::mem::take(&mut waiting.lines).into_room();
            waiting.lines = Pieces::in_room(kept(room, 0));
            spare = kept(spare, 0);
        }
        while waiting.lines.is_empty() {
            waiting.idle = true;
            let arrived = self.arrived.wait(waiting);
            waiting = arrived.unwrap_or_else(PoisonError::into_inner);
        }
        waiting.idle = false;
        waiting.busy = true;
        let lines = std::mem::replace(&mut waiting.lines, Pieces::in_room(spare));
        (lines, std::mem::take(&mut waiting.dropped))
    }

    /// Lets lines gather, unless there are many or the process ends.
    fn gather(&self) {
        let mut waiting = self.lock();
        if waiting.lines.is_empty() {
            waiting.busy = false;
            self.written.notify_all();
        }
        waiting.gathering = true;
        let gathers = |waiting: &mut Waiting| waiting.lines.len() < MANY && !waiting.ending;
        let over = self
            .arrived
            .wait_timeout_while(waiting, self.gather, gathers);
        let (mut waiting, _) = over.unwrap_or_else(PoisonError::into_inner);
        waiting.gathering = false;
    }

    /// Writes as long as the process lives.
    fn write_on(&self, mut to: impl Write) {
        let mut spare = Vec::new();
        loop {
            let (lines, dropped) = self.take(spare);
            // A log that cannot be written has nowhere to say so.
            let _ = lines.write_to(&mut to).and_then(|()| to.flush());
            if dropped > 0 {
                tracing::warn!(component = "log", dropped, "log-lines-dropped");
            }
            let used = lines.len();
            spare = kept(lines.into_room(), used);
            self.gather();
        }
    }
}

/// The room of an empty buffer that has held so much, where what comes next may need it. What a flood took is given back
/// whole: to take a smaller room here would tie memory to this thread, which sleeps most of the time.
fn kept(buffer: Vec<u8>, used: usize) -> Vec<u8> {
    let likely = 4 * used;
    if buffer.capacity() > likely.max(KEPT) {
        return Vec::new();
    }
    buffer
}

/// A line of a library comes in one piece.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.queue.leave(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Takes what is written only when it is asked.
    struct Slow(SyncSender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines() -> (Lines, Receiver<Vec<u8>>, Counter) {
        lines_that_gather_for(GATHER)
    }

    fn lines_that_gather_for(gather: Duration) -> (Lines, Receiver<Vec<u8>>, Counter) {
        let (to, written) = sync_channel(0);
        let dropped = Counter::default();
        let lines = Lines::gathering_for(gather, Slow(to), dropped.clone()).unwrap();
        (lines, written, dropped)
    }

    fn log(lines: &Lines, line: &[u8]) {
        lines.make_writer().write_all(line).unwrap();
    }

    fn next(written: &Receiver<Vec<u8>>) -> Vec<u8> {
        written.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    /// Lines keep their order, and those that came during a write are the next one.
    #[test]
    fn lines_gather_while_earlier_ones_are_written() {
        let (lines, written, dropped) = lines();
        log(&lines, b"0\n");
        let mut expected = b"0\n".to_vec();
        for number in 1..1000 {
            let line = format!("{number}\n");
            log(&lines, line.as_bytes());
            expected.extend_from_slice(line.as_bytes());
        }
        let (mut all, mut writes) = (Vec::new(), 0);
        while all.len() < expected.len() {
            all.extend(next(&written));
            writes += 1;
        }
        assert_eq!(all, expected);
        assert!(writes <= 3, "{writes} writes");
        assert_eq!(dropped.get(), 0);
    }

    /// However long they would gather otherwise.
    #[test]
    fn many_lines_are_written_before_their_time() {
        let (lines, written, _) = lines_that_gather_for(Duration::from_secs(3600));
        log(&lines, b"first\n");
        assert_eq!(next(&written), b"first\n");
        let line = [b'x'; 1024];
        for _ in 1..MANY / line.len() {
            log(&lines, &line);
        }
        assert!(written.recv_timeout(20 * GATHER).is_err());
        log(&lines, &line);
        let mut all = 0;
        while all < MANY {
            all += next(&written).len();
        }
        assert_eq!(all, MANY);
        lines.finish();
    }

    /// A reader that has stopped costs lines, whole ones, and nobody's time.
    #[test]
    fn what_finds_no_room_is_dropped_and_counted() {
        let (lines, written, dropped) = lines();
        let line = [b'x'; 1023];
        let line = [&line[..], b"\n"].concat();
        let twice = 2 * ROOM / line.len();
        for _ in 0..twice {
            log(&lines, &line);
        }
        let mut kept = 0;
        while kept + dropped.get() < twice as u64 {
            let bytes = next(&written);
            assert_eq!(bytes.len() % line.len(), 0);
            kept += (bytes.len() / line.len()) as u64;
        }
        assert!(kept >= (ROOM / line.len()) as u64, "{kept} were kept");
        assert!(dropped.get() > 0);
        log(&lines, b"room again\n");
        assert_eq!(next(&written), b"room again\n");
    }

    #[test]
    fn what_a_flood_took_is_given_back() {
        let (lines, written, _) = lines();
        let flood = vec![b'x'; 8 * KEPT];
        for line in flood.chunks(1024) {
            log(&lines, line);
        }
        let mut all = 0;
        while all < flood.len() {
            all += next(&written).len();
        }
        // What comes next changes the places of what was filled and what was written.
        log(&lines, b"later\n");
        assert_eq!(next(&written), b"later\n");
        let bound = Duration::from_secs(20);
        let works = |waiting: &mut Waiting| !waiting.idle;
        let written = &lines.queue.written;
        let quiet = written.wait_timeout_while(lines.queue.lock(), bound, works);
        let (waiting, _) = quiet.unwrap();
        assert!(waiting.idle && waiting.lines.capacity() <= KEPT);
    }

    #[test]
    fn the_end_of_a_process_waits_for_its_lines_for_a_while() {
        let (lines, written, _) = lines();
        log(&lines, b"first\n");
        let reader = thread::spawn(move || {
            let mut all = Vec::new();
            while !all.ends_with(b"last\n") {
                all.extend(next(&written));
            }
            (all, written)
        });
        log(&lines, b"last\n");
        lines.finish();
        let waiting = lines.queue.lock();
        assert!(waiting.lines.is_empty() && !waiting.busy);
        drop(waiting);
        let (all, _unread) = reader.join().unwrap();
        assert_eq!(all, b"first\nlast\n");
        // Nobody reads any more, and that holds the end up for a while only.
        log(&lines, b"unheard\n");
        lines.finish();
        assert!(lines.queue.lock().busy);
    }
}
