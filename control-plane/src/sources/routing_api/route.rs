//! A route as the API writes it, and in the words of the registry.

use std::sync::Arc;

use pointsman_registry::{Description, Fields, ModificationTag, Registration};
use serde::{Deserialize, Serialize};

use super::sse;
use crate::sources::message::{self, Cause, Policy, Refusal};

/// One route object. A key that is absent or null has its empty value, as in Go; of others nothing is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Route {
    pub(super) route: String,
    pub(super) port: u16,
    pub(super) ip: String,
    /// Seconds.
    pub(super) ttl: Option<i64>,
    pub(super) log_guid: String,
    pub(super) route_service_url: Option<String>,
    pub(super) modification_tag: Tag,
    /// Why nothing else is known of it than which one it is.
    #[serde(skip)]
    pub(super) unread: Option<Box<Unread>>,
}

/// What there is of a route that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    /// What is wrong with it.
    pub(super) error: String,
    /// The beginning of its text.
    pub(super) text: String,
}

/// Which of two objects is the newer one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Tag {
    pub(super) guid: String,
    pub(super) index: u32,
}

/// What makes a route another one, and its endpoint another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    route: Box<str>,
    ip: Box<str>,
    port: u16,
}

/// What became of one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is new, or is another one.
    Upsert(Route),
    /// It is gone.
    Delete(Route),
}

impl Change {
    /// What an event says; `None` where it is about something else (C-491).
    ///
    /// # Errors
    ///
    /// When its data is no route.
    pub(super) fn read(event: &sse::Event) -> Result<Option<Self>, serde_json::Error> {
        let change = match &*event.name {
            "Upsert" => Self::Upsert,
            "Delete" => Self::Delete,
            _ => return Ok(None),
        };
        serde_json::from_str(&event.data).map(|route| Some(change(route)))
    }
}

impl Route {
    pub(super) fn key(&self) -> Key {
        Key {
            route: self.route.as_str().into(),
            ip: self.ip.as_str().into(),
            port: self.port,
        }
    }

    pub(super) fn tag(&self) -> ModificationTag {
        ModificationTag {
            guid: self.modification_tag.guid.as_str().into(),
            index: self.modification_tag.index,
        }
    }

    /// The route in the words of the registry: plain HTTP, without zone, instance, tags or segment (C-472). The rules are
    /// those of messages.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub(super) fn registration(&self, policy: &Policy) -> Result<Registration, Refusal> {
        if let Some(unread) = &self.unread {
            return Err(Refusal::with(Cause::WrongType, &*unread.error));
        }
        let service = self.route_service_url.as_deref().unwrap_or_default();
        if !service.is_empty() && !service.starts_with("https") {
            return Err(Refusal::of(Cause::RouteServiceNotHttps));
        }
        let uri = message::parse_uri(&self.route, policy)
            .map_err(|cause| Refusal::with(cause, &*self.route))?;
        let address = message::parse_address(&self.ip, self.port, policy.allow_loopback)
            .map_err(|cause| Refusal::with(cause, &*self.ip))?;
        message::check_text("log_guid", &self.log_guid)?;
        let description = Description::new(Fields {
            app_id: &self.log_guid,
            route_service_url: service,
            ..Fields::default()
        });
        let description = description.map_err(|error| message::too_long(&error))?;
        Ok(Registration {
            uris: vec![uri],
            address,
            segment: Arc::from(""),
            description: Arc::new(description),
            stale_threshold_seconds: self.ttl.unwrap_or_default(),
            tag: self.tag(),
            fingerprint: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Route {
        serde_json::from_str(text).unwrap()
    }

    /// C-472: the fields of a route object, and what they become
    #[test]
    fn a_route_object_is_mapped() {
        let route = read(
            r#"{"route":"a.example.com/Path","port":3000,"ip":"10.0.0.5","ttl":50,"log_guid":"guid-1",
            "route_service_url":"https://rs.example.com","modification_tag":{"guid":"abc","index":7},"new":[{}]}"#,
        );
        let registration = route.registration(&Policy::default()).unwrap();
        assert_eq!(registration.uris[0].as_sent(), "a.example.com/Path");
        assert_eq!(&*registration.address, "10.0.0.5:3000");
        assert_eq!(&*registration.segment, "");
        assert_eq!(registration.stale_threshold_seconds, 50);
        assert_eq!(
            (&*registration.tag.guid, registration.tag.index),
            ("abc", 7)
        );
        let description = &registration.description;
        assert_eq!(description.app_id(), "guid-1");
        assert_eq!(description.route_service_url(), "https://rs.example.com");
        assert!(!description.is_tls() && !description.has_tags());
        assert_eq!(description.protocol(), "");
    }

    #[test]
    fn what_is_absent_or_null_is_empty() {
        let least = read(r#"{"route":"a.example.com","port":1,"ip":"10.0.0.5","ttl":null}"#);
        let registration = least.registration(&Policy::default()).unwrap();
        assert_eq!(registration.stale_threshold_seconds, 0);
        assert_eq!(registration.tag, ModificationTag::default());
        assert_eq!(registration.description.route_service_url(), "");
    }

    #[test]
    fn what_no_request_could_reach_is_refused_by_cause() {
        let good = read(r#"{"route":"a.example.com","port":1,"ip":"10.0.0.5"}"#);
        let refused = |change: &dyn Fn(&mut Route)| {
            let mut route = good.clone();
            change(&mut route);
            route.registration(&Policy::default()).unwrap_err().cause
        };
        assert_eq!(refused(&|route| route.port = 0), Cause::NoPort);
        assert_eq!(refused(&|route| route.ip.clear()), Cause::NoHost);
        assert_eq!(
            refused(&|route| route.ip = "169.254.169.254".to_owned()),
            Cause::HostMetadata
        );
        assert_eq!(
            refused(&|route| route.route = "a.example.com:80".to_owned()),
            Cause::UriPort
        );
        assert_eq!(
            refused(&|route| route.route_service_url = Some("http://rs".to_owned())),
            Cause::RouteServiceNotHttps
        );
        assert_eq!(
            refused(&|route| route.log_guid = "x".repeat(1000)),
            Cause::FieldTooLong
        );
        assert_eq!(
            refused(&|route| route.log_guid = "guid\r\nX-Forged: 1".to_owned()),
            Cause::ControlCharacter
        );
    }

    /// C-491: events of other names say nothing, whatever their data
    #[test]
    fn events_are_told_apart_by_their_name() {
        let event = |name: &str, data: &str| sse::Event {
            name: name.to_owned(),
            data: data.to_owned(),
        };
        let data = r#"{"route":"a.example.com"}"#;
        let route = read(data);
        assert_eq!(
            Change::read(&event("Upsert", data)).unwrap(),
            Some(Change::Upsert(route.clone()))
        );
        assert_eq!(
            Change::read(&event("Delete", data)).unwrap(),
            Some(Change::Delete(route))
        );
        for name in ["", "upsert", "Invalid"] {
            assert_eq!(Change::read(&event(name, "{")).unwrap(), None);
        }
        assert!(Change::read(&event("Upsert", "{")).is_err());
    }
}
