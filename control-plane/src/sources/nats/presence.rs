//! Whether we hear everything that is said, and since when not.

use tokio::time::Instant;

/// What the connection's counters say at one instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// Whether a server is connected.
    pub(super) connected: bool,
    /// Connections that were made so far.
    pub(super) connections: u64,
    /// Bytes that were received so far.
    pub(super) bytes: u64,
    /// When the sample was taken.
    pub(super) at: Instant,
}

/// What a sample has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The connection is gone; this is when the last byte was heard.
    Lost(Instant),
    /// It is back.
    Returned,
    /// It was gone and is back; this is when the last byte was heard before.
    Replaced(Instant),
}

/// Follows the samples of one connection, which is up at first.
///
/// The library's events are hints to take a sample: a burst of them may lose some, the counters do not.
#[derive(Debug)]
pub(super) struct Presence {
    connected: bool,
    connections: u64,
    bytes: u64,
    /// The last sample that showed more bytes than the one before.
    heard_at: Instant,
    looked_at: Instant,
}

impl Presence {
    /// Follows a connection that was made just now. That it is gone already is a change, like any other.
    pub(super) fn new(first: Sample) -> Self {
        Self {
            connected: true,
            connections: first.connections,
            bytes: first.bytes,
            heard_at: first.at,
            looked_at: first.at,
        }
    }

    pub(super) fn look(&mut self, sample: Sample) -> Change {
        // Bytes that came between two samples came at the earlier one, as far as we can promise.
        let heard_before = self.heard_at;
        if sample.bytes != self.bytes {
            self.bytes = sample.bytes;
            self.heard_at = self.looked_at;
        }
        self.looked_at = sample.at;
        let replaced = sample.connections != self.connections;
        self.connections = sample.connections;
        match (
            std::mem::replace(&mut self.connected, sample.connected),
            sample.connected,
        ) {
            (true, false) => Change::Lost(self.heard_at),
            (false, true) => Change::Returned,
            (true, true) if replaced => Change::Replaced(heard_before),
            (true, true) | (false, false) => Change::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Samples(Sample);

    impl Samples {
        fn after(&mut self, seconds: u64, connected: bool, connections: u64, bytes: u64) -> Sample {
            let at = self.0.at + Duration::from_secs(seconds);
            self.0 = Sample {
                connected,
                connections,
                bytes,
                at,
            };
            self.0
        }
    }

    fn start() -> (Samples, Presence, Instant) {
        let first = Sample {
            connected: true,
            connections: 1,
            bytes: 100,
            at: Instant::now(),
        };
        (Samples(first), Presence::new(first), first.at)
    }

    #[tokio::test(start_paused = true)]
    async fn a_loss_dates_back_to_the_last_byte() {
        let (mut samples, mut presence, start) = start();
        assert_eq!(presence.look(samples.after(1, true, 1, 200)), Change::None);
        assert_eq!(presence.look(samples.after(1, true, 1, 300)), Change::None);
        assert_eq!(presence.look(samples.after(40, true, 1, 300)), Change::None);
        let lost = presence.look(samples.after(5, false, 1, 300));
        assert_eq!(lost, Change::Lost(start + Duration::from_secs(1)));
        assert_eq!(presence.look(samples.after(1, false, 1, 300)), Change::None);
        assert_eq!(
            presence.look(samples.after(1, true, 2, 310)),
            Change::Returned
        );
        assert_eq!(presence.look(samples.after(1, true, 2, 310)), Change::None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_gone_at_the_first_look_is_lost() {
        let at = Instant::now();
        let gone = Sample {
            connected: false,
            connections: 1,
            bytes: 9,
            at,
        };
        assert_eq!(Presence::new(gone).look(gone), Change::Lost(at));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_was_replaced_between_two_looks_is_noticed() {
        let (mut samples, mut presence, start) = start();
        let replaced = presence.look(samples.after(1, true, 2, 500));
        assert_eq!(replaced, Change::Replaced(start));
        assert_eq!(presence.look(samples.after(1, true, 2, 500)), Change::None);
    }
}
