//! Registrations as route-emitter sends them, made fast: by the hundred thousand, ready before the clock starts.

use std::io::Write;
use std::net::SocketAddr;

use pointsman_tests::publisher::{Emitted, Message};

/// What stands in a message for the number of its route, seven digits.
const ROUTE: &str = "0000000";
/// What stands in it for its turn, eight digits.
const TURN: &str = "99999999";
/// What stands in it for the instance's address.
const HOST: &str = "255.255.255.255";
/// What stands in it for the instance's port.
const PORT: &str = "61001";
/// What stands in it for the time of its change.
const CHANGED: &str = "1700000000000000000";

/// Machines that instances run on.
const CELLS: u32 = 500;
/// The port of the first instance of a machine.
const FIRST_PORT: u32 = 61_001;

/// A message that is cut where it differs from route to route.
#[derive(Debug)]
pub(crate) struct Messages {
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    Route,
    Turn,
    Host,
    Port,
    Changed,
}

impl Messages {
    /// Routes of one URI and full tags to instances that are reached over TLS, each at a port of its own.
    pub(crate) fn tls() -> Self {
        Self::tls_in("")
    }

    /// The same in an isolation segment; the empty one is the shared one.
    pub(crate) fn tls_in(segment: &str) -> Self {
        let anywhere = SocketAddr::new(HOST.parse().expect("an address"), 61_001);
        let san = format!("{ROUTE}-5a5a-4b4b-{TURN}");
        Self::of(&Emitted {
            tags: tags(),
            app: Some(app()),
            isolation_segment: (!segment.is_empty()).then(|| segment.to_owned()),
            ..Emitted::tls(&uri(), anywhere, 0, &san)
        })
    }

    /// Routes of one URI and full tags, all to one backend without TLS.
    pub(crate) fn plain(backend: SocketAddr) -> Self {
        Self::of(&Emitted {
            tags: tags(),
            app: Some(app()),
            private_instance_id: Some(format!("{ROUTE}-5a5a-4b4b-{TURN}")),
            ..Emitted::plain(&uri(), backend, 0)
        })
    }

    fn of(message: &Emitted) -> Self {
        let payload = message.payload();
        let mut rest = std::str::from_utf8(&payload).expect("JSON is text");
        let mut pieces = Vec::new();
        while let Some((at, mark)) = first_mark(rest) {
            pieces.push(Piece::Text(rest[..at].to_owned()));
            rest = &rest[at + mark.len()..];
            pieces.push(match mark {
                ROUTE => Piece::Route,
                TURN => Piece::Turn,
                HOST => Piece::Host,
                PORT => Piece::Port,
                _ => Piece::Changed,
            });
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Self { pieces }
    }

    /// Writes the registration of a route in its n-th form: another turn is another instance at the same address.
    pub(crate) fn write(&self, route: u32, turn: u32, out: &mut Vec<u8>) {
        for piece in &self.pieces {
            // Writing to memory does not fail.
            let _written = match piece {
                Piece::Text(text) => out.write_all(text.as_bytes()),
                Piece::Route => write!(out, "{route:07}"),
                Piece::Turn => write!(out, "{turn:08}"),
                Piece::Host => {
                    let [high, low] = (route % CELLS).to_be_bytes()[2..] else {
                        continue;
                    };
                    write!(out, "10.1.{high}.{low}")
                }
                Piece::Port => write!(out, "{}", FIRST_PORT + route / CELLS),
                Piece::Changed => write!(out, "{}", 1_700_000_000_000_000_000 + u64::from(turn)),
            };
        }
    }
}

fn first_mark(text: &str) -> Option<(usize, &'static str)> {
    [ROUTE, TURN, HOST, PORT, CHANGED]
        .into_iter()
        .filter_map(|mark| Some((text.find(mark)?, mark)))
        .min()
}

fn uri() -> String {
    crate::client::host(0)
}

fn app() -> String {
    format!("{ROUTE}-2222-4333-8444-555555555555")
}

/// The tags that Cloud Foundry sets; those of the app and the instance are their own, organization and space are
/// shared.
fn tags() -> std::collections::BTreeMap<String, String> {
    let (app, instance) = (app(), format!("{ROUTE}-5a5a-4b4b-{TURN}"));
    let tags = [
        ("app_id", app.as_str()),
        ("app_name", "some-app-name"),
        ("component", "route-emitter"),
        ("instance_id", "0"),
        ("organization_id", "aaaaaaaa-2222-4333-8444-555555555555"),
        ("organization_name", "some-organization"),
        ("process_id", app.as_str()),
        ("process_instance_id", instance.as_str()),
        ("process_type", "web"),
        ("source_id", app.as_str()),
        ("space_id", "bbbbbbbb-2222-4333-8444-555555555555"),
        ("space_name", "some-space"),
    ];
    tags.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

#[cfg(test)]
mod tests {
    use super::Messages;

    fn written(messages: &Messages, route: u32, turn: u32) -> serde_json::Value {
        let mut bytes = Vec::new();
        messages.write(route, turn, &mut bytes);
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_tls_route_is_written_with_its_own_names() {
        let value = written(&Messages::tls(), 4711, 2);
        assert_eq!(
            value["uris"],
            serde_json::json!(["app-0004711.apps.example.com"])
        );
        assert_eq!(value["host"], "10.1.0.211");
        assert_eq!(value["tls_port"], 61_010);
        assert_eq!(
            value["server_cert_domain_san"],
            "0004711-5a5a-4b4b-00000002"
        );
        assert_eq!(
            value["endpoint_updated_at_ns"],
            1_700_000_000_000_000_002_u64
        );
        assert_eq!(
            value["tags"]["process_instance_id"],
            value["private_instance_id"]
        );
        assert_eq!(value["tags"].as_object().unwrap().len(), 12);
    }

    #[test]
    fn plain_routes_share_their_backend() {
        let messages = Messages::plain("127.0.0.1:8080".parse().unwrap());
        for route in [0, 999_999] {
            let value = written(&messages, route, 0);
            assert_eq!(
                (&value["host"], &value["port"]),
                (&"127.0.0.1".into(), &8080.into())
            );
            assert!(value.get("tls_port").is_none());
        }
    }
}
