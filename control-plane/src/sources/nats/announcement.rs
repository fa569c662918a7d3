//! What a router says about itself, in `router.start` and in answers to `router.greet`.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use uuid::Uuid;

/// How publishers are asked to behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// `INDEX-UUID`, the same for the life of the process (C-013).
    pub id: String,
    /// An address of this machine.
    pub host: IpAddr,
    /// How often publishers should repeat themselves; whole seconds are said (C-003).
    pub registration_interval: Duration,
    /// When a registration is stale; whole seconds are said (C-003).
    pub stale_threshold: Duration,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    id: &'a str,
    hosts: [IpAddr; 1],
    minimum_register_interval_in_seconds: u64,
    prune_threshold_in_seconds: u64,
}

impl Announcement {
    /// The announcement of a new process, the `index`th of its kind.
    #[must_use]
    pub fn new(index: u32, registration_interval: Duration, stale_threshold: Duration) -> Self {
        Self {
            id: format!("{index}-{}", Uuid::new_v4()),
            host: local_address(),
            registration_interval,
            stale_threshold,
        }
    }

    /// The payload, exactly as Gorouter writes it.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        let json = Json {
            id: &self.id,
            hosts: [self.host],
            minimum_register_interval_in_seconds: self.registration_interval.as_secs(),
            prune_threshold_in_seconds: self.stale_threshold.as_secs(),
        };
        // Texts and numbers always have a JSON form.
        serde_json::to_vec(&json).unwrap_or_default().into()
    }
}

/// The address that this machine would use towards the world; loopback on a machine without a way there. Connecting a
/// datagram socket sends nothing.
fn local_address() -> IpAddr {
    let towards_the_world = || {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.connect((Ipv4Addr::new(1, 2, 3, 4), 1))?;
        socket.local_addr()
    };
    towards_the_world().map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C-002: the id begins with the index, and there is a host
    /// C-003: interval and threshold are whole seconds
    #[test]
    fn the_payload_is_gorouters_to_the_letter() {
        let announcement = Announcement {
            host: Ipv4Addr::new(10, 0, 1, 5).into(),
            ..Announcement::new(4321, Duration::from_millis(15_999), Duration::from_secs(30))
        };
        let id = announcement.id.clone();
        assert!(
            id.starts_with("4321-") && id.len() == "4321-".len() + 36,
            "{id}"
        );
        assert_eq!(
            announcement.payload(),
            format!(
                r#"{{"id":"{id}","hosts":["10.0.1.5"],"minimumRegisterIntervalInSeconds":15,"pruneThresholdInSeconds":30}}"#
            )
        );
    }

    #[test]
    fn every_process_has_its_own_id_and_an_address() {
        let new = || Announcement::new(0, Duration::ZERO, Duration::ZERO);
        assert_ne!(new().id, new().id);
        assert!(!new().host.is_unspecified());
    }
}
