//! Questions to the data plane that are on their way.

use std::collections::BTreeMap;

use pointsman_proto::v1::{self, follow_response, question};
use tokio::sync::oneshot;

use crate::distribution::{from_proto, to_proto};
use crate::registry_task::{Answer, Ask, OPEN, Question};

/// The questions of one session, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Questions {
    last: u64,
    /// The next one to be sent.
    next: Option<Ask>,
    /// Sent, and not answered yet.
    open: BTreeMap<u64, oneshot::Sender<Answer>>,
}

impl Questions {
    /// Whether another one may be taken.
    pub(super) fn has_room(&mut self) -> bool {
        // Whoever asked may have given up.
        self.open.retain(|_, answer| !answer.is_closed());
        self.next.is_none() && self.open.len() < OPEN
    }

    pub(super) fn take(&mut self, ask: Ask) {
        self.next = Some(ask);
    }

    pub(super) fn is_due(&self) -> bool {
        self.next.is_some()
    }

    /// The question that is due, as it is sent.
    pub(super) fn send(&mut self) -> Option<v1::FollowResponse> {
        let Ask { question, answer } = self.next.take()?;
        self.last += 1;
        self.open.insert(self.last, answer);
        let kind = match question {
            Question::Explain(url) => question::Kind::ExplainUrl(url),
            Question::Route(key) => question::Kind::Route(to_proto::key(&key)),
            Question::Digest => question::Kind::Digest(v1::DigestQuestion {}),
        };
        Some(to_proto::response(follow_response::Message::Question(
            v1::Question {
                id: self.last,
                kind: Some(kind),
            },
        )))
    }

    /// Hands an answer to who asked. `false` where nobody ever did; one that comes too late is nobody's fault.
    pub(super) fn answered(&mut self, answer: v1::Answer) -> bool {
        if answer.id == 0 || answer.id > self.last {
            return false;
        }
        if let Some(asked) = self.open.remove(&answer.id) {
            let _ = asked.send(from_proto::answer(answer));
        }
        true
    }
}
