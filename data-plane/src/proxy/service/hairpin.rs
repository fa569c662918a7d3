//! A request at a route service within the platform: it makes a second journey through the same
//! table, as if it had come in by a connection of the router's own. There is no such connection, and
//! no port for it.

use std::pin::Pin;
use std::rc::Rc;

use pointsman_http1::RequestHead;

use super::{Detour, Outward};
use crate::deadlines::{Deadline, Tick};
use crate::downstream::Exchange;
use crate::proxy::{Desk, Ending, Journey, Trouble};
use crate::worker::Worker;

/// A journey within another one, which ends with an ending and a status.
type Within<'a> = Pin<Box<dyn Future<Output = (Ending, u16)> + 'a>>;

impl Journey<'_, '_> {
    /// Serves the request for the service. It carries a signature, and so goes to an endpoint or
    /// nowhere: there is no third journey.
    pub(super) async fn visit_within(
        &mut self,
        head: RequestHead,
        outward: &Outward,
    ) -> Result<(), Trouble> {
        let worker = self.worker;
        let mut room = worker.room();
        let sent = std::mem::replace(&mut *self.exchange.request, head);
        self.detour.get_or_insert_default().sent = Some(sent);
        let (exchange, when) = (&mut *self.exchange, (self.deadline, self.ends_by));
        let (ending, status) = within(worker, exchange, &mut room.desk, when).await;
        worker.take_room(room);
        self.take_back_request();
        self.record.status = status;
        self.tell_answer(outward, status);
        match ending {
            Ending::Complete => Ok(()),
            ending => Err(Trouble::Ended(ending)),
        }
    }

    /// The exchange is again about what the client has sent.
    pub(in crate::proxy) fn take_back_request(&mut self) {
        let sent = self.detour.as_mut().and_then(|detour| detour.sent.take());
        if let Some(sent) = sent {
            *self.exchange.request = sent;
        }
    }
}

fn within<'a>(
    worker: &'a Rc<Worker>,
    exchange: &'a mut Exchange<'_>,
    desk: &'a mut Desk,
    (deadline, ends_by): (&'a Deadline, Tick),
) -> Within<'a> {
    worker.counters.requests.increment();
    let mut journey = Journey::new(worker, exchange, desk, deadline);
    journey.ends_by = ends_by;
    journey.detour = Some(Box::new(Detour {
        is_own: true,
        ..Detour::default()
    }));
    Box::pin(async move {
        let ending = journey.run().await;
        (ending, journey.record.status)
    })
}
