//! What becomes of a request whose journey was left before its end: by a fault of the router, or
//! because the time of the drain was over.

use std::rc::Rc;

use super::answer::Answer;
use super::reason::RouterError;
use super::refusal::TEXT;
use super::{Desk, Ending, Journey};
use crate::deadlines::Deadline;
use crate::downstream::Exchange;
use crate::worker::Worker;

/// Why a journey was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The process ends now.
    Cut,
    /// A fault of the router.
    Fault,
}

impl Broken {
    /// An endpoint may have acted on a request that was cut, so that it must not look like one
    /// that was not taken.
    fn status(self) -> u16 {
        match self {
            Self::Cut => 502,
            Self::Fault => 500,
        }
    }

    fn router_error(self) -> RouterError {
        match self {
            Self::Cut => RouterError::EndpointFailure("the router has ended before the answer"),
            Self::Fault => RouterError::Plain("unknown_failure"),
        }
    }

    fn text(self) -> &'static [u8] {
        match self {
            Self::Cut => b"502 Bad Gateway: The router has ended before the answer.\n",
            Self::Fault => b"500 Internal Server Error: The router has failed.\n",
        }
    }
}

/// Answers where nothing was sent, and records. The connection ends afterwards.
pub(crate) async fn answer_broken(
    worker: &Rc<Worker>,
    exchange: &mut Exchange<'_>,
    desk: &mut Desk,
    deadline: &Deadline,
    broken: Broken,
) -> Ending {
    let left = desk.left.take();
    let mut journey = Journey::new(worker, exchange, desk, deadline);
    if let Some(left) = left {
        journey.record = left;
    }
    if broken == Broken::Fault {
        let request = &*journey.exchange.request;
        tracing::error!(
            host = %String::from_utf8_lossy(request.authority()),
            vcap_request_id = %String::from_utf8_lossy(&journey.record.request_id),
            "recovered-from-panic"
        );
    }
    let ending = if journey.exchange.has_begun() {
        journey.record.router_error = Some(broken.router_error());
        Ending::Short
    } else {
        journey.exchange.close_after();
        journey.desk.text.clear();
        journey.desk.text.extend_from_slice(broken.text());
        let answer = Answer {
            status: broken.status(),
            router_error: Some(broken.router_error()),
            cache_control: None,
            extra: None,
            content_type: Some(TEXT),
        };
        journey.send_own(answer).await
    };
    journey.record(ending);
    ending
}
