//! HTTP/2 with clients.

use std::fmt;

/// What is spoken over HTTP/2, and how much a client may send and hold (L-15 to L-20).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Http2 {
    /// Whether listeners that speak TLS offer it.
    pub enabled: bool,
    /// Whether it is spoken in clear text with clients that begin with it.
    pub cleartext: bool,
    /// Streams that may be open on one connection; further ones are refused (L-15).
    pub streams: u32,
    /// Bytes of a request body that may wait for an endpoint (L-16).
    pub stream_window: u32,
    /// The same of all streams of a connection together (L-16).
    pub connection_window: u32,
    /// Bytes of an answer that may wait, in a stream, for its connection: what waits in its windows beside what waits at
    /// its endpoint stays below L-10.
    pub unsent: usize,
    /// Resets within half a minute, beyond two for each stream that may be open (L-17).
    pub resets: u32,
    /// Resets that a client has made us send in the life of its connection (L-18).
    pub errors: u32,
    /// Frames of control within ten seconds that nothing else comes with (L-19).
    pub control_frames: u32,
    /// Those of them that are SETTINGS or PING (L-19).
    pub answered_frames: u32,
    /// CONTINUATION frames of one header block (L-20).
    pub continuations: u32,
}

impl Default for Http2 {
    fn default() -> Self {
        Self {
            enabled: true,
            cleartext: false,
            streams: 100,
            stream_window: 256 * 1024,
            connection_window: 1024 * 1024,
            unsent: 32 * 1024,
            resets: 200,
            errors: 100,
            control_frames: 1000,
            answered_frames: 100,
            continuations: 8,
        }
    }
}

/// A bound of [`Http2`] that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadHttp2 {
    /// Which one.
    pub name: &'static str,
    /// What it is.
    pub value: u32,
    /// The least that it may be.
    pub least: u32,
    /// The most.
    pub most: u32,
}

impl fmt::Display for BadHttp2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            value,
            least,
            most,
        } = self;
        write!(
            f,
            "{name} is {value}, but must be between {least} and {most}"
        )
    }
}

impl std::error::Error for BadHttp2 {}

impl Http2 {
    /// Whether every bound is one that a connection can keep.
    ///
    /// # Errors
    /// The first bound that is not.
    pub fn check(&self) -> Result<(), BadHttp2> {
        self.bad().next().map_or(Ok(()), Err)
    }

    /// The bounds that no connection can keep.
    pub fn bad(&self) -> impl Iterator<Item = BadHttp2> + use<> {
        const MIB: u32 = 1024 * 1024;
        // A connection begins with a window of 64 KiB, whatever is said (RFC 9113, section 6.9.2).
        let least_window = 64 * 1024;
        let bounds = [
            ("streams", self.streams, 1, 1000),
            ("stream_window", self.stream_window, least_window, 16 * MIB),
            (
                "connection_window",
                self.connection_window,
                least_window,
                16 * MIB,
            ),
            ("resets", self.resets, 1, 100_000),
            ("errors", self.errors, 1, 1024),
        ];
        let bounds = bounds.into_iter();
        bounds
            .filter(|(_, value, least, most)| !(least..=most).contains(&value))
            .map(|(name, value, least, most)| BadHttp2 {
                name,
                value,
                least,
                most,
            })
    }
}
