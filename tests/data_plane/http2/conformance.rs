//! Frames and heads that are not what they should be, each with what the client is told (RFC 9113).

mod connections;
mod requests;
mod streams;

/// A name, what is sent, and which codes may end the connection or the stream.
type Case = (&'static str, Vec<u8>, &'static [u32]);

fn joined(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}
