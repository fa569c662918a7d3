//! From a connection over which the endpoint has chosen HTTP/2 to a trunk.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use pointsman_http1::ResponseLimits;
use pointsman_routing::EndpointIndex;

use super::below::{Below, Pipe};
use super::drive::drive;
use super::trunk::{Rules, Trunk};
use super::{SEND_BUFFER, STREAM_WINDOW, TRUNK_WINDOW};
use crate::io::Io;
use crate::proxy::Reason;
use crate::worker::Worker;

/// Streams that were given up and whose last frames may still come, and for how long they are expected. What comes
/// later is answered as an error of the endpoint, and of these a connection bears a bounded number.
const GIVEN_UP: usize = 1000;
const GIVEN_UP_FOR: Duration = Duration::from_secs(5);

/// Makes a trunk, and has it driven for as long as it lasts. It stands once the endpoint has said how many streams it
/// takes; what was not greeted back has carried nothing of a request.
///
/// # Errors
/// Why the endpoint does not speak HTTP/2 after all.
pub(crate) async fn greet(
    io: Io,
    worker: &Rc<Worker>,
    endpoint: EndpointIndex,
) -> Result<Rc<Trunk>, Reason> {
    let settings = &worker.settings;
    let below = Below::new(io);
    let greeted = exchange_settings(Pipe(Rc::clone(&below)), settings.limits.response).await;
    let Some((opener, connection)) = greeted else {
        let reason = poll_fn(|cx| below.poll_last_words(cx)).await;
        return Err(match reason {
            None | Some(Reason::Closed) => Reason::HandshakeBroken,
            Some(reason) => reason,
        });
    };
    let rules = Rules {
        requests: settings.upstream.connection_requests,
        life: settings.upstream.connection_age,
        rest: settings.timeouts.endpoint_idle,
    };
    let trunk = Trunk::new(
        endpoint,
        (opener, below),
        rules,
        &worker.trunks.owner(worker),
    );
    let driven = drive(connection, Rc::clone(&trunk), Rc::clone(worker));
    tokio::task::spawn_local(driven);
    Ok(trunk)
}

/// What sends requests and what drives them, once the endpoint has sent its settings; `None` where it did not.
async fn exchange_settings(
    pipe: Pipe,
    limits: ResponseLimits,
) -> Option<(SendRequest<Bytes>, Connection<Pipe, Bytes>)> {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(TRUNK_WINDOW)
        // Until it has said how many it takes.
        .initial_max_send_streams(0)
        // Here every field counts for 32 bytes more than in L-26, which is looked at with the head.
        .max_header_list_size(limits.head.saturating_mul(2))
        .max_send_buffer_size(SEND_BUFFER)
        .max_concurrent_reset_streams(GIVEN_UP)
        .reset_stream_duration(GIVEN_UP_FOR);
    let (opener, mut connection) = builder.handshake(pipe).await.ok()?;
    let lasts = poll_fn(|cx| {
        let ended = Pin::new(&mut connection).poll(cx).is_ready();
        if ended || connection.max_concurrent_send_streams() > 0 {
            return Poll::Ready(!ended);
        }
        Poll::Pending
    });
    lasts.await.then_some((opener, connection))
}
