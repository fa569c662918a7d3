//! What one request in work needs beside its connection, reused from request to request.

use pointsman_http1::{RequestHead, ResponseHead};

use super::prepare::Prepared;
use super::record::Record;
use super::replay::Replay;

/// The room that one request works in: its head, which the exchange holds while the request is in
/// work, and a desk. A worker keeps as many as it has requests in work.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// The request's head.
    pub(crate) request: RequestHead,
    /// The rest.
    pub(crate) desk: Desk,
}

/// What a journey writes on.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// The head of the answer.
    pub(super) response: ResponseHead,
    /// What is sent to endpoints beside the head.
    pub(super) prepared: Prepared,
    /// What was taken of the body.
    pub(super) replay: Replay,
    /// Texts of the router's own.
    pub(super) text: Vec<u8>,
    /// What is known of a request whose journey was left before its end.
    pub(super) left: Option<Record>,
}

impl Desk {
    /// Forgets the last request, and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.replay.clear();
        self.text.clear();
        self.left = None;
    }
}
