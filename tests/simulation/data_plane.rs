//! A data plane: what is held and published, and what its clients would notice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pointsman_data_plane::subscription::{Follower, Identity, Received};
use pointsman_proto::v1;
use pointsman_route_key::RouteKey;
use pointsman_routing::{Table, Time};

use crate::draw::Draw;
use crate::publishers::{ADDRESSES, Name, URIS, address};
use crate::wire::Wire;

#[derive(Debug)]
pub(crate) struct DataPlane {
    pub(crate) follower: Follower,
    /// The control plane that is followed.
    pub(crate) follows: Option<usize>,
    /// It does not read.
    pub(crate) stopped: bool,
    pub(crate) segments: Vec<&'static str>,
    /// Endpoints that have been live and served ever since.
    pub(crate) served: BTreeSet<usize>,
}

/// What came of a message.
pub(crate) enum Came {
    Nothing,
    /// A closing step: the table is what the control plane had at a revision.
    Closed(u64),
}

impl DataPlane {
    /// A data plane that sees these segments; all of them where none is named.
    pub(crate) fn new(number: usize, segments: Vec<&'static str>) -> Self {
        let mode = if segments.is_empty() {
            v1::SegmentMode::All
        } else {
            v1::SegmentMode::SharedAndSegments
        };
        let identity = Identity {
            id: format!("dp-{number}"),
            name: format!("dp-{number}"),
            zone: String::new(),
            filter: v1::SegmentFilter {
                mode: mode.into(),
                segments: segments.iter().map(|&name| name.to_owned()).collect(),
            },
        };
        Self {
            follower: Follower::new(identity, number as u64),
            follows: None,
            stopped: false,
            segments,
            served: BTreeSet::new(),
        }
    }

    pub(crate) fn sees(&self, segment: &str) -> bool {
        self.segments.is_empty() || segment.is_empty() || self.segments.contains(&segment)
    }

    /// Begins a session.
    pub(crate) fn connect(&mut self, control_plane: usize, wire: &mut Wire) {
        self.follows = Some(control_plane);
        self.follower.begin();
        wire.send_up(&self.follower.hello());
    }

    /// Reads one message, and says what follows from it.
    pub(crate) fn read(&mut self, wire: &mut Wire, draw: &mut Draw, now: Time) -> Came {
        let Some(message) = wire.take_down() else {
            return Came::Nothing;
        };
        let closing = match &message.message {
            Some(v1::follow_response::Message::ClosingStep(step)) => {
                (!step.continues).then_some(step.revision)
            }
            _ => None,
        };
        let is_batch = matches!(
            message.message,
            Some(v1::follow_response::Message::Batch(_))
        );
        let before = self.holds();
        let received = self
            .follower
            .receive(message, now)
            .expect("both ends agree");
        if draw.percent(70) || closing.is_some() {
            self.follower.publish();
        }
        if is_batch {
            let holds = self.holds();
            assert!(
                before.keys().all(|name| holds.contains_key(name)),
                "a batch removed something"
            );
        }
        if let Some(ack) = self.follower.ack() {
            wire.send_up(&ack);
        }
        if let Some(revision) = closing {
            assert_eq!(received, Received::Agreed);
            return Came::Closed(revision);
        }
        Came::Nothing
    }

    pub(crate) fn table(&self) -> &Arc<Table> {
        self.follower.table()
    }

    /// What the published table holds.
    pub(crate) fn holds(&self) -> BTreeMap<Name, String> {
        let table = self.table();
        let mut holds = BTreeMap::new();
        for (uri, text) in URIS.iter().enumerate() {
            let Some(route) = table.get(&key(text)) else {
                continue;
            };
            for endpoint in route.endpoints() {
                let number = (0..ADDRESSES)
                    .find(|&number| address(number) == endpoint.address().as_str())
                    .expect("a known address");
                holds.insert((uri, number), endpoint.segment().to_owned());
            }
        }
        let endpoints: usize = table.iter().map(|route| route.endpoints().len()).sum();
        assert_eq!(endpoints, holds.len(), "nothing else is served");
        holds
    }
}

pub(crate) fn key(uri: &str) -> RouteKey {
    RouteKey::from_uri(uri).expect("a URI")
}
