//! Answers to `router.greet`: how a publisher learns at which interval it shall repeat itself.

use async_nats::{Client, Subscriber};
use tokio_stream::StreamExt as _;

use super::{Error, Shared};

/// Answers every greeting that says where to, whatever else it says.
///
/// A reply subject that is a router subject itself is not answered: it would make this router talk to all others, and
/// them to it.
pub(super) async fn answer(
    shared: &Shared,
    mut greetings: Subscriber,
    client: &Client,
) -> Result<(), Error> {
    let payload = shared.announcement.payload();
    while let Some(greeting) = greetings.next().await {
        match greeting.reply {
            Some(reply) if !is_router_subject(&reply) => {
                shared.metrics.greetings.inc();
                if let Err(error) = client.publish(reply, payload.clone()).await {
                    // The publisher asks again within a second.
                    tracing::debug!(component = "subscriber", error = %error, "failed-to-answer-greeting");
                }
            }
            Some(_) | None => drop(shared.metrics.ignored.inc()),
        }
    }
    Err(Error::Closed)
}

/// Whether a message there would be for routers.
pub(super) fn is_router_subject(subject: &str) -> bool {
    subject.split('.').next() == Some("router")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// a reply subject that is a router subject is not answered
    #[test]
    fn router_subjects_are_told_from_others() {
        for (subject, is) in [
            ("router", true),
            ("router.register", true),
            ("router.a.b", true),
            ("_INBOX.router.1", false),
            ("routers.a", false),
        ] {
            assert_eq!(is_router_subject(subject), is, "{subject}");
        }
    }
}
