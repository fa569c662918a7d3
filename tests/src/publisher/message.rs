//! Registration messages, field by field as the two publishers of Cloud Foundry encode them.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use serde::Serialize;

/// What can be published.
pub trait Message {
    /// The bytes on the wire.
    fn payload(&self) -> Bytes;
}

/// A route of one app instance as route-emitter (Diego) publishes it: exactly one URI, `host`, `port` and `tags` always
/// there, everything else only when it has a value.
#[derive(Clone, Debug, Serialize)]
pub struct Emitted {
    /// The instance's host address.
    pub host: String,
    /// Its port for plain HTTP.
    pub port: u32,
    /// Its port for TLS, which is preferred where it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_port: Option<u32>,
    /// The one route.
    pub uris: Vec<String>,
    /// `http1` or `http2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The app's GUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// The route service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_service_url: Option<String>,
    /// The instance's GUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_instance_id: Option<String>,
    /// The instance's number within the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_instance_index: Option<String>,
    /// The name in the instance's certificate: its GUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cert_domain_san: Option<String>,
    /// The isolation segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolation_segment: Option<String>,
    /// When the actual LRP last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_updated_at_ns: Option<i64>,
    /// Tags for logs and metrics.
    pub tags: BTreeMap<String, String>,
    /// The availability zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// Options of the route, as Cloud Controller wrote them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<serde_json::Value>,
}

/// A route of one platform component as route-registrar publishes it: `uris`, `host`, `tags` (null without any) and
/// `private_instance_id` always there, no app and no segment.
#[derive(Clone, Debug, Serialize)]
pub struct Registrar {
    /// The routes.
    pub uris: Vec<String>,
    /// The component's host address.
    pub host: String,
    /// `http1` or `http2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Its port for plain HTTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its port for TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_port: Option<u16>,
    /// Tags for logs and metrics.
    pub tags: Option<BTreeMap<String, String>>,
    /// The route service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_service_url: Option<String>,
    /// One id for each run of route-registrar.
    pub private_instance_id: String,
    /// The name in the component's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cert_domain_san: Option<String>,
    /// The availability zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
}

impl Emitted {
    /// Instance `index` of an app, reached without TLS.
    #[must_use]
    pub fn plain(uri: &str, address: SocketAddr, index: u32) -> Self {
        let app = "a8e14e2e-57b1-4c5c-b1cf-2d2f3b3c9a01".to_owned();
        let tags = [
            ("process_type", "web"),
            ("app_name", "sample"),
            ("process_id", &app),
        ];
        let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            host: address.ip().to_string(),
            port: address.port().into(),
            tls_port: None,
            uris: vec![uri.to_owned()],
            protocol: Some("http1".to_owned()),
            app: Some(app),
            route_service_url: None,
            private_instance_id: Some(format!("instance-{index}")),
            private_instance_index: Some(index.to_string()),
            server_cert_domain_san: None,
            isolation_segment: None,
            endpoint_updated_at_ns: Some(1_700_000_000_000_000_000),
            tags: tags.into(),
            availability_zone: Some("z1".to_owned()),
            options: None,
        }
    }

    /// Instance `index` of an app, reached over TLS, whose certificate must have the name `san`.
    #[must_use]
    pub fn tls(uri: &str, address: SocketAddr, index: u32, san: &str) -> Self {
        Self {
            tls_port: Some(address.port().into()),
            private_instance_id: Some(san.to_owned()),
            server_cert_domain_san: Some(san.to_owned()),
            ..Self::plain(uri, address, index)
        }
    }
}

impl Registrar {
    /// A component that is reached without TLS.
    #[must_use]
    pub fn plain(uris: &[&str], address: SocketAddr) -> Self {
        Self {
            uris: uris.iter().map(|&uri| uri.to_owned()).collect(),
            host: address.ip().to_string(),
            protocol: None,
            port: Some(address.port()),
            tls_port: None,
            tags: None,
            route_service_url: None,
            private_instance_id: uuid::Uuid::new_v4().to_string(),
            server_cert_domain_san: None,
            availability_zone: None,
        }
    }
}

fn encode(message: &impl Serialize) -> Bytes {
    serde_json::to_vec(message)
        .expect("a message of plain fields")
        .into()
}

impl Message for Emitted {
    fn payload(&self) -> Bytes {
        encode(self)
    }
}

impl Message for Registrar {
    fn payload(&self) -> Bytes {
        encode(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Emitted, Message, Registrar};

    #[test]
    fn an_emitted_route_has_the_fields_of_route_emitter() {
        let message = Emitted::plain("app.example.com", "10.0.0.1:8080".parse().unwrap(), 3);
        let value: serde_json::Value = serde_json::from_slice(&message.payload()).unwrap();
        assert_eq!(value["uris"], serde_json::json!(["app.example.com"]));
        assert_eq!(value["port"], 8080);
        assert_eq!(value["private_instance_index"], "3");
        assert!(
            value.get("tls_port").is_none(),
            "absent without TLS, as Go's omitempty"
        );
    }

    #[test]
    fn a_registrar_route_without_tags_says_null() {
        let message = Registrar::plain(&["api.example.com"], "10.0.0.1:9022".parse().unwrap());
        let text = String::from_utf8(message.payload().to_vec()).unwrap();
        assert!(text.contains(r#""tags":null"#), "{text}");
        assert!(!text.contains("app"), "a component belongs to no app");
    }
}
