//! Endpoints.

use pointsman_proto::v1;
use pointsman_routing::{
    Address, EndpointThing, Protocol, RegisteredBalancing, Rejection, Thing, ThingKind,
};

use super::{Unnamed, key, unnamed};

pub(super) fn thing(endpoint: v1::Endpoint) -> Result<Thing, Box<Unnamed>> {
    let key = match key(endpoint.route.as_ref()) {
        Ok(key) => key,
        Err(reason) => {
            let name = (endpoint.route, endpoint.address.as_str());
            return Err(unnamed(name, &endpoint.segment, reason));
        }
    };
    if endpoint.address.is_empty() {
        // An empty address would name the attributes of the route.
        return Err(unnamed(
            (endpoint.route, ""),
            &endpoint.segment,
            "the endpoint has no address",
        ));
    }
    let address = Address::parse(&endpoint.address).map_err(|error| error.to_string());
    let address = address.and_then(|address| sayable(&endpoint).map(|()| address));
    Ok(match address {
        Ok(address) => Thing::Endpoint(Box::new(EndpointThing {
            key,
            address,
            segment: endpoint.segment,
            group: endpoint.group,
            generation: endpoint.generation,
            protocol: protocol(&endpoint.protocol),
            protocol_text: endpoint.protocol,
            tls: endpoint.tls.map(|tls| tls.server_cert_domain_san),
            app_id: endpoint.app_id,
            instance_id: endpoint.instance_id,
            instance_index: endpoint.instance_index,
            tags: endpoint
                .has_tags
                .then(|| endpoint.tags.into_iter().collect()),
            availability_zone: endpoint.availability_zone,
            route_service_url: endpoint.route_service_url,
            balancing: endpoint.balancing.map(|balancing| RegisteredBalancing {
                algorithm: balancing.algorithm,
                hash_header: balancing.hash_header,
                hash_balance: balancing.hash_balance,
            }),
            max_connections: endpoint.limits.map_or(0, |limits| limits.max_connections),
            updated_at_ns: endpoint.updated_at_ns,
            stale_threshold_seconds: endpoint.stale_threshold_seconds,
            silent: endpoint.silent,
        })),
        Err(reason) => Thing::Rejected(Rejection {
            key,
            segment: endpoint.segment,
            kind: ThingKind::Endpoint {
                address: endpoint.address,
                generation: endpoint.generation,
                silent: endpoint.silent,
            },
            reason,
        }),
    })
}

/// The longest that each text may be that is said of an endpoint in header fields, cookies and logs, in bytes (L-32).
const LONGEST_ID: usize = 128;
const LONGEST_INDEX: usize = 16;

/// Whether everything that is said of the endpoint can be said: a control plane of any release may have let a
/// registration through that says more.
fn sayable(endpoint: &v1::Endpoint) -> Result<(), String> {
    for (name, text, most) in [
        ("app id", &endpoint.app_id, LONGEST_ID),
        ("instance id", &endpoint.instance_id, LONGEST_ID),
        ("instance index", &endpoint.instance_index, LONGEST_INDEX),
        ("zone", &endpoint.availability_zone, LONGEST_ID),
    ] {
        if text.len() > most {
            let length = text.len();
            return Err(format!(
                "its {name} is {length} bytes long; expected at most {most}"
            ));
        }
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(format!(
                "its {name} has a control character, which no header field can carry"
            ));
        }
    }
    Ok(())
}

/// What a registered protocol means: anything that is not known means HTTP/1.1.
fn protocol(text: &str) -> Protocol {
    if text == "http2" {
        Protocol::Http2
    } else {
        Protocol::Http1
    }
}
