//! Other routers at the same NATS, as far as they concern this one.
//!
//! Publishers repeat themselves as often as the router that spoke last asked for. Where routers differ in that, one of
//! them lets registrations go stale that are only repeated as another one asked.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;

use super::Announcement;

/// Bytes of an announcement that are looked at; those of routers have less than a kilobyte.
const LONGEST: usize = 4096;

/// Differences that are remembered, so that each is told once. More are not told.
const TOLD: usize = 256;

/// What another router says, as far as it is looked at.
#[derive(Debug, Deserialize)]
struct Said {
    id: String,
    #[serde(rename = "minimumRegisterIntervalInSeconds")]
    interval: u64,
}

/// The other routers that ask for another interval.
#[derive(Debug, Default)]
pub(super) struct Others {
    told: HashSet<(String, u64)>,
}

impl Others {
    /// Looks at a `router.start`, our own included. Tells of a difference when it is new.
    pub(super) fn heard(&mut self, payload: &[u8], own: &Announcement) {
        let Some((id, interval)) = self.difference(payload, own) else {
            return;
        };
        tracing::warn!(
            component = "subscriber",
            router = id.escape_debug().to_string(),
            interval_seconds = interval,
            own_interval_seconds = own.registration_interval.as_secs(),
            "another-router-asks-for-another-interval"
        );
    }

    fn difference(&mut self, payload: &[u8], own: &Announcement) -> Option<(String, u64)> {
        // What is no announcement is nobody's mistake here: the subject is open to all.
        let said: Said = (payload.len() <= LONGEST)
            .then(|| serde_json::from_slice(payload).ok())
            .flatten()?;
        let differs = Duration::from_secs(said.interval).as_secs()
            != own.registration_interval.as_secs()
            && said.id != own.id;
        let difference = (said.id, said.interval);
        if !differs || self.told.len() >= TOLD || !self.told.insert(difference.clone()) {
            return None;
        }
        Some(difference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Announcement {
        let (interval, threshold) = (Duration::from_secs(20), Duration::from_secs(120));
        Announcement::new(0, interval, threshold)
    }

    fn announced(id: &str, interval: u64) -> Vec<u8> {
        format!(
            r#"{{"id":"{id}","hosts":["10.0.1.5"],"minimumRegisterIntervalInSeconds":{interval},"pruneThresholdInSeconds":120}}"#
        )
        .into_bytes()
    }

    #[test]
    fn each_difference_is_told_once() {
        let (own, mut others) = (own(), Others::default());
        let mut told = |id: &str, interval| {
            let difference = others.difference(&announced(id, interval), &own);
            difference.is_some()
        };
        assert!(!told("1-a", 20), "the same interval is no difference");
        assert!(!told(&own.id, 30), "nor is what was said by ourselves");
        assert!(told("1-a", 30));
        assert!(!told("1-a", 30));
        assert!(told("1-a", 40));
        assert!(told("2-b", 30));
    }

    #[test]
    fn nonsense_is_left_alone_and_memory_is_bounded() {
        let (own, mut others) = (own(), Others::default());
        let long = announced(&"a".repeat(LONGEST), 30);
        for payload in [&b""[..], b"null", b"{}", b"\xff", br#"{"id":1}"#, &long] {
            assert_eq!(others.difference(payload, &own), None);
        }
        for number in 0..2 * TOLD {
            others.difference(&announced(&format!("{number}-x"), 30), &own);
        }
        assert_eq!(others.told.len(), TOLD);
    }
}
