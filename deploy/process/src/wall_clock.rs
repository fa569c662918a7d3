//! The time on the wall, read once for what happens at one moment.
//!
//! A registration is told in two lines of the log, in the history and in a metric, within a few microseconds: to ask the
//! system each time costs more than to write it down. What reads the clock outside of such a moment reads it anew.

use std::cell::Cell;

use jiff::Timestamp;

/// How often one reading is used at most. What is done between two of them takes some microseconds, so that no reading
/// grows much older than a tenth of a millisecond, however much there is to tell of one moment.
const USES: u32 = 32;

/// What a thread knows of the time.
#[derive(Clone, Copy)]
enum Known {
    /// Nothing: each use is a reading.
    Nothing,
    /// A moment has begun, of which the time is not read yet, or was used too often.
    Begun,
    /// The time of this moment, and how often it may be used.
    Read(Timestamp, u32),
}

thread_local! {
    static KNOWN: Cell<Known> = const { Cell::new(Known::Nothing) };
}

/// Ends a moment, however it ends.
struct End(Known);

impl Drop for End {
    fn drop(&mut self) {
        KNOWN.set(self.0);
    }
}

/// Does something at one moment: whatever this thread calls [`now`] for meanwhile shares a reading, which is taken when it
/// is needed first, and forgotten at the end. It should be short, and is not meant to wait.
pub fn at_one_moment<R>(work: impl FnOnce() -> R) -> R {
    let _end = match KNOWN.get() {
        Known::Nothing => Some(End(KNOWN.replace(Known::Begun))),
        // Within another moment it is the same one.
        Known::Begun | Known::Read(..) => None,
    };
    work()
}

/// The time.
#[must_use]
pub fn now() -> Timestamp {
    match KNOWN.get() {
        Known::Read(time, left @ 1..) => {
            KNOWN.set(Known::Read(time, left - 1));
            time
        }
        Known::Nothing => Timestamp::now(),
        Known::Begun | Known::Read(..) => {
            let time = Timestamp::now();
            KNOWN.set(Known::Read(time, USES - 1));
            time
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time, once it differs from this one.
    fn later(than: Timestamp) -> Timestamp {
        loop {
            let time = Timestamp::now();
            if time > than {
                return time;
            }
        }
    }

    #[test]
    fn a_moment_has_one_time_and_it_is_not_before_it() {
        let before = Timestamp::now();
        let first = at_one_moment(|| {
            let begun = later(before);
            let first = now();
            assert!(first >= begun, "it is read when it is needed");
            later(first);
            assert_eq!(now(), first);
            assert_eq!(at_one_moment(now), first);
            assert_eq!(now(), first, "a moment within has not ended it");
            first
        });
        later(first);
        assert!(now() > first, "the moment is over");
        let again = at_one_moment(now);
        assert!(again > first, "another moment");
    }

    #[test]
    fn a_reading_is_not_used_for_ever() {
        at_one_moment(|| {
            let first = now();
            later(first);
            for _ in 1..USES {
                assert_eq!(now(), first);
            }
            let second = now();
            assert!(second > first);
            assert_eq!(now(), second);
        });
    }

    #[test]
    fn a_moment_ends_with_a_panic_as_well() {
        let first = std::panic::catch_unwind(|| at_one_moment(|| std::panic::panic_any(now())));
        let first = *first.unwrap_err().downcast::<Timestamp>().unwrap();
        later(first);
        let second = now();
        assert!(second > first);
        later(second);
        assert!(now() > second);
    }
}
