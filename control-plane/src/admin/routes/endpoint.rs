//! An endpoint as `/routes` shows it.

use pointsman_registry::{Description, Endpoint};
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

/// The fields of an endpoint in Gorouter's order; some are left out when they say nothing.
pub(super) struct Shown<'a> {
    endpoint: &'a Endpoint,
    /// The algorithm of the route, where the endpoint names none.
    default_algorithm: &'a str,
}

impl<'a> Shown<'a> {
    pub(super) fn of(endpoint: &'a Endpoint, default_algorithm: &'a str) -> Self {
        Self {
            endpoint,
            default_algorithm,
        }
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Endpoint {
            address,
            segment,
            description,
            stale_threshold_seconds,
            ..
        } = self.endpoint;
        let mut shown = serializer.serialize_struct("Endpoint", 13)?;
        shown.serialize_field("address", &**address)?;
        shown.serialize_field("availability_zone", description.availability_zone())?;
        shown.serialize_field("protocol", description.protocol())?;
        shown.serialize_field("tls", &description.is_tls())?;
        shown.serialize_field("ttl", stale_threshold_seconds)?;
        text(
            &mut shown,
            "route_service_url",
            description.route_service_url(),
        )?;
        shown.serialize_field("tags", &Tags(description))?;
        text(&mut shown, "isolation_segment", segment)?;
        text(&mut shown, "private_instance_id", description.instance_id())?;
        text(
            &mut shown,
            "server_cert_domain_san",
            description.server_cert_domain_san(),
        )?;
        let algorithm = match description.algorithm() {
            "" => self.default_algorithm,
            registered => registered,
        };
        text(&mut shown, "load_balancing_algorithm", algorithm)?;
        text(&mut shown, "hash_header", description.hash_header())?;
        if algorithm == "hash" {
            shown.serialize_field("hash_balance", &description.hash_balance())?;
        }
        shown.end()
    }
}

fn text<S: SerializeStruct>(shown: &mut S, name: &'static str, text: &str) -> Result<(), S::Error> {
    if text.is_empty() {
        Ok(())
    } else {
        shown.serialize_field(name, text)
    }
}

/// The tags of an endpoint; null where none were registered at all.
struct Tags<'a>(&'a Description);

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.0.has_tags() {
            return serializer.serialize_none();
        }
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.tags() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pointsman_registry::Fields;
    use pointsman_route_key::RouteKey;

    use super::*;
    use crate::admin::routes::go_json;

    fn shown(address: &str, fields: Fields<'_>, default_algorithm: &str) -> String {
        let endpoint = Endpoint {
            route: Arc::new(RouteKey::from_uri("foo").unwrap()),
            address: address.into(),
            segment: "".into(),
            generation: 1,
            description: Arc::new(Description::new(fields).unwrap()),
            stale_threshold_seconds: -1,
            silent: false,
            ejected: false,
        };
        let mut text = Vec::new();
        go_json::push(&mut text, &Shown::of(&endpoint, default_algorithm));
        String::from_utf8(text).unwrap()
    }

    /// C-342: an http2 endpoint with a route service, to the letter
    /// C-344: a plain and a TLS endpoint, to the letter
    /// C-347: absent tags are null
    #[test]
    fn endpoints_are_gorouters_to_the_letter() {
        let http2 = Fields {
            protocol: "http2",
            route_service_url: "https://my-routeService.com",
            ..Fields::default()
        };
        assert_eq!(
            shown("192.168.1.1:1234", http2, ""),
            r#"{"address":"192.168.1.1:1234","availability_zone":"","protocol":"http2","tls":false,"ttl":-1,"route_service_url":"https://my-routeService.com","tags":null}"#
        );
        let plain = Fields {
            protocol: "http1",
            availability_zone: "az-meow",
            route_service_url: "https://my-rs.com",
            ..Fields::default()
        };
        assert_eq!(
            shown("1.2.3.4:5678", plain, ""),
            r#"{"address":"1.2.3.4:5678","availability_zone":"az-meow","protocol":"http1","tls":false,"ttl":-1,"route_service_url":"https://my-rs.com","tags":null}"#
        );
        let tls = Fields {
            protocol: "http2",
            tls: Some("pvt_test_san"),
            instance_id: "pvt_test_instance_id",
            algorithm: "lb-meow",
            ..Fields::default()
        };
        assert_eq!(
            shown("5.6.7.8:5678", tls, "round-robin"),
            r#"{"address":"5.6.7.8:5678","availability_zone":"","protocol":"http2","tls":true,"ttl":-1,"tags":null,"private_instance_id":"pvt_test_instance_id","server_cert_domain_san":"pvt_test_san","load_balancing_algorithm":"lb-meow"}"#
        );
    }

    /// C-345: tags are shown in the order of their names
    /// C-346: empty tags are an empty object
    #[test]
    fn tags_are_shown_as_they_came() {
        let with = |tags: &[(&str, &str)]| {
            shown(
                "a:1",
                Fields {
                    tags: Some(tags.iter().copied().collect()),
                    ..Fields::default()
                },
                "",
            )
        };
        assert!(
            with(&[("some-key", "some-value")]).contains(r#""tags":{"some-key":"some-value"}"#)
        );
        assert!(with(&[("b", "<"), ("a", "1")]).contains(r#""tags":{"a":"1","b":"\u003c"}"#));
        assert!(with(&[]).contains(r#""tags":{}"#));
    }

    /// C-350: a hash endpoint shows its balance, 0 included
    #[test]
    fn the_balance_is_shown_with_the_hash() {
        let with = |algorithm, hash_header, hash_balance| {
            let fields = Fields {
                algorithm,
                hash_header,
                hash_balance,
                ..Fields::default()
            };
            shown("a:1", fields, "round-robin")
        };
        assert!(
            with("hash", "X", 0.0).ends_with(
                r#""load_balancing_algorithm":"hash","hash_header":"X","hash_balance":0}"#
            )
        );
        assert!(with("hash", "X", 1.25).ends_with(r#""hash_balance":1.25}"#));
        assert!(with("", "", 0.0).ends_with(r#""load_balancing_algorithm":"round-robin"}"#));
    }
}
