//! One stream between a control plane and a data plane: ordered, encoded, and gone when it is cut.

use std::collections::VecDeque;

use pointsman_proto::v1::{FollowRequest, FollowResponse};
use prost::Message;

/// How many messages lie in the stream before the sender has to wait.
const ROOM: usize = 3;

/// The messages under way, in both directions.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    down: VecDeque<Vec<u8>>,
    up: VecDeque<Vec<u8>>,
}

impl Wire {
    pub(crate) fn has_room(&self) -> bool {
        self.down.len() < ROOM
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.down.is_empty() && self.up.is_empty()
    }

    pub(crate) fn send_down(&mut self, message: &FollowResponse) {
        self.down.push_back(message.encode_to_vec());
    }

    /// A message that is encoded already.
    pub(crate) fn send_down_encoded(&mut self, message: &[u8]) {
        self.down.push_back(message.to_vec());
    }

    pub(crate) fn send_up(&mut self, message: &FollowRequest) {
        self.up.push_back(message.encode_to_vec());
    }

    pub(crate) fn take_down(&mut self) -> Option<FollowResponse> {
        let bytes = self.down.pop_front()?;
        Some(FollowResponse::decode(&*bytes).expect("what was encoded can be decoded"))
    }

    pub(crate) fn take_up(&mut self) -> Option<FollowRequest> {
        let bytes = self.up.pop_front()?;
        Some(FollowRequest::decode(&*bytes).expect("what was encoded can be decoded"))
    }
}
