//! Requests that ask for another protocol on their connection, and what an endpoint says to that
//! (D-515 to D-528).

use pointsman_http1::{Known, Method, RequestHead, ResponseHead};

use super::attempt::Relaying;
use super::choose::Chosen;
use super::prepare::Prepared;
use super::{Journey, Trouble};
use crate::settings::Tunnels;
use crate::upstream::Carrier;

/// The status of an endpoint that switches.
const SWITCHING: u16 = 101;

/// The protocol that a request asks for, where it may have it: one that is allowed, named once, in a
/// `GET` over HTTP/1.1 without a body whose `Connection` says so. Any other request is an
/// ordinary one.
#[inline]
pub(super) fn asked(head: &RequestHead, tunnels: &Tunnels) -> Option<Box<[u8]>> {
    if head.connection().upgrade {
        allowed(head, tunnels)
    } else {
        None
    }
}

#[cold]
fn allowed(head: &RequestHead, tunnels: &Tunnels) -> Option<Box<[u8]>> {
    let protocol = head.upgrade()?;
    let once = head.fields().get_all(Known::Upgrade).nth(1).is_none();
    let plain = head.method() == Method::Get && head.body().is_empty();
    (once && plain && tunnels.allow(protocol)).then(|| protocol.into())
}

impl Prepared {
    /// Whether a final head is what was asked for as far as protocols go: no switch, or the switch
    /// to the protocol that the request asked for.
    #[inline]
    pub(super) fn permits(&self, response: &ResponseHead) -> bool {
        response.status() != SWITCHING || self.grants(response)
    }

    #[cold]
    fn grants(&self, response: &ResponseHead) -> bool {
        match (self.upgrade.as_deref(), response.upgrade()) {
            (Some(asked), Some(given)) => asked.eq_ignore_ascii_case(given),
            _ => false,
        }
    }
}

impl Journey<'_, '_> {
    /// What becomes of the answer to a request that asked for another protocol: a tunnel, or an
    /// answer as any other (D-522). Without an endpoint it is the answer of a route service (D-640).
    pub(super) async fn switch(
        &mut self,
        upstream: Carrier,
        relaying: Relaying<'_>,
        chosen: Option<Chosen>,
    ) -> Result<(), Trouble> {
        self.worker.counters.websocket_upgrades.increment();
        match upstream {
            Carrier::Http1(connection) if self.desk.response.status() == SWITCHING => {
                self.tunnel(connection, chosen).await
            }
            upstream => self.relay(upstream, relaying, chosen.as_ref()).await,
        }
    }

    /// A request that asked for another protocol got an answer of the router's own.
    pub(super) fn count_failed_upgrade(&self) {
        if self.record.prepared && self.desk.prepared.upgrade.is_some() {
            self.worker.counters.websocket_failures.increment();
        }
    }
}

#[cfg(test)]
mod tests {
    use pointsman_http1::{RequestLimits, RequestParser};

    use super::*;

    fn asks(line: &str, fields: &str, tunnels: &Tunnels) -> bool {
        let mut head = RequestHead::new();
        let text = format!("{line}\r\nHost: app.test\r\n{fields}\r\n");
        let parsed = RequestParser::new(RequestLimits::DEFAULT).parse(text.as_bytes(), &mut head);
        assert_eq!(parsed, Ok(Some(text.len())), "{text}");
        asked(&head, tunnels).is_some()
    }

    /// A request line, fields, and whether the request may switch.
    type Case = (&'static str, &'static str, bool);

    #[rustfmt::skip]
    const CASES: &[Case] = &[
        ("GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true),
        ("GET / HTTP/1.1", "Connection: foo,Upgrade\r\nUpgrade: WebSocket\r\n", true),
        ("GET / HTTP/1.1", "Connection: foo\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", true),
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", true),
        ("GET / HTTP/1.1", "Upgrade: websocket\r\n", false),
        ("GET / HTTP/1.1", "Connection: upgrades\r\nUpgrade: websocket\r\n", false),
        ("GET / HTTP/1.1", "Connection: upgrade\r\n", false),
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", false),
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: TLS/1.0\r\n", false),
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: foo\r\n", false),
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket, foo\r\n", false),
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", false),
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n", false),
        ("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", false),
        ("POST / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n", false),
        ("GET / HTTP/1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false),
    ];

    /// only `websocket`, only where `Connection` says so, in a GET over HTTP/1.1 without a body.
    #[test]
    fn only_some_requests_may_switch() {
        let default = Tunnels::default();
        for (line, fields, expected) in CASES {
            assert_eq!(asks(line, fields, &default), *expected, "{line} {fields}");
        }
        let other = Tunnels {
            protocols: vec!["foo".to_owned()],
            ..default
        };
        let foo = "Connection: upgrade\r\nUpgrade: Foo\r\n";
        assert!(asks("GET / HTTP/1.1", foo, &other));
        let websocket = "Connection: upgrade\r\nUpgrade: websocket\r\n";
        assert!(!asks("GET / HTTP/1.1", websocket, &other));
    }
}
