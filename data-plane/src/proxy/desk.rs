//! What one request in work needs beside its connection, reused from request to request.

use pointsman_http1::{RequestHead, ResponseHead};

use super::prepare::Prepared;
use super::replay::Replay;

/// The room that one request works in. A worker keeps as many as it has requests in work.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// The request's head; the exchange holds it while the request is in work.
    pub(crate) request: RequestHead,
    /// The head of the answer.
    pub(super) response: ResponseHead,
    /// What is sent to endpoints beside the head.
    pub(super) prepared: Prepared,
    /// What was taken of the body.
    pub(super) replay: Replay,
    /// Texts of the router's own.
    pub(super) text: Vec<u8>,
}

impl Desk {
    /// Forgets the last request, and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.replay.clear();
        self.text.clear();
    }
}
