//! What a data plane refuses, a control plane does not send: the same words, a byte below and a byte above each bound.

use std::time::Duration;

use pointsman_control_plane::distribution::batch;
use pointsman_control_plane::sources::message::{Policy, parse};
use pointsman_data_plane::subscription::{Follower, Identity};
use pointsman_proto::v1::{self, follow_response};
use pointsman_registry::{
    Capabilities, Held, Reader, Registry, SegmentFilter, Settings, Step, Thing, Time, View,
    WhileAway,
};
use prost::Message as _;
use serde_json::{Value, json};

/// The largest message that either end takes (L-36).
const LARGEST: usize = 4 * 1024 * 1024;

/// What a control plane makes of a registration: the batches that data planes are sent; none where nothing is registered.
fn produced(message: &Value) -> Vec<Vec<u8>> {
    let Ok(parsed) = parse(message.to_string().as_bytes(), &Policy::default(), None) else {
        return Vec::new();
    };
    let mut registry = Registry::new(Settings::default(), 1);
    let source = registry.add_source("nats", WhileAway::Wait);
    registry.source_returned(source, Time::ZERO);
    registry.register(source, &parsed.registration, Time::ZERO);
    let view = View {
        filter: SegmentFilter::All,
        capabilities: Capabilities::ALL,
    };
    let (mut reader, _) = Reader::new(&registry, view, Held::default());
    let mut batches = Vec::new();
    while let Step::Batch(things) = reader.next(&registry, 512) {
        if things
            .iter()
            .any(|thing| matches!(thing, Thing::Endpoint(_)))
        {
            batches.push(batch::encode(&things).to_vec());
        }
    }
    batches
}

fn data_plane() -> Follower {
    let identity = Identity {
        id: "dp".to_owned(),
        name: "dp".to_owned(),
        zone: String::new(),
        filter: v1::SegmentFilter::default(),
        any_host: false,
    };
    let mut follower = Follower::new(identity, 7);
    let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
    let welcome = v1::Welcome {
        epoch: 1,
        settings: Some(v1::Settings {
            mark_time: seconds(30),
            empty_pool: Some(v1::EmptyPool {
                status: 404,
                timeout: None,
            }),
            default_algorithm: v1::Algorithm::RoundRobin.into(),
            registration_interval: seconds(20),
        }),
        ..v1::Welcome::default()
    };
    take(&mut follower, follow_response::Message::Welcome(welcome));
    follower
}

fn take(follower: &mut Follower, message: follow_response::Message) {
    let message = v1::FollowResponse {
        message: Some(message),
    };
    let now = pointsman_routing::Time::since_origin(Duration::ZERO);
    follower.receive(message, now).expect("it is followed");
}

/// What a data plane refuses of these batches, and how many endpoints it holds then.
fn consumed(batches: &[Vec<u8>]) -> (Vec<String>, u64) {
    let mut follower = data_plane();
    for bytes in batches {
        let message = v1::FollowResponse::decode(&**bytes).expect("a message");
        take(&mut follower, message.message.expect("a batch"));
    }
    let refused = follower.rejected().map(|it| it.reason.to_owned());
    let refused = refused.collect();
    follower.publish();
    (refused, follower.table().endpoints())
}

fn registration(key: &str, value: &Value) -> Value {
    let mut message = json!({
        "host": "10.0.0.1",
        "port": 8080,
        "uris": ["app.example.com"],
        "app": "app",
        "private_instance_id": "id",
        "private_instance_index": "0",
    });
    message[key] = value.clone();
    message
}

/// The same endpoint as a control plane without bounds would send it, beside one that is as it should be.
fn unbounded(change: impl FnOnce(&mut v1::Endpoint)) -> Vec<Vec<u8>> {
    let batches = produced(&registration("app", &json!("app")));
    let message = v1::FollowResponse::decode(&*batches[0]).expect("a message");
    let Some(follow_response::Message::Batch(mut batch)) = message.message else {
        panic!("no batch");
    };
    let mut endpoint = batch.things.iter().find_map(|thing| match &thing.kind {
        Some(v1::thing::Kind::Endpoint(endpoint)) => Some(endpoint.clone()),
        _ => None,
    });
    let endpoint = endpoint.as_mut().expect("an endpoint");
    endpoint.address = "10.0.0.2:8080".to_owned();
    change(endpoint);
    batch.things.push(v1::Thing {
        kind: Some(v1::thing::Kind::Endpoint(endpoint.clone())),
    });
    let message = v1::FollowResponse {
        message: Some(follow_response::Message::Batch(batch)),
    };
    vec![message.encode_to_vec()]
}

type Field = fn(&mut v1::Endpoint) -> &mut String;

/// What a data plane bounds of an endpoint: the key of a registration, the field of the contract, the longest text.
const BOUNDED: [(&str, Field, usize); 4] = [
    ("app", |it| &mut it.app_id, 128),
    ("private_instance_id", |it| &mut it.instance_id, 128),
    ("private_instance_index", |it| &mut it.instance_index, 16),
    ("availability_zone", |it| &mut it.availability_zone, 128),
];

/// what a data plane bounds, a control plane bounds alike: at the bound both take it, above it neither does
#[test]
fn what_a_data_plane_refuses_is_not_sent() {
    for (key, field, most) in BOUNDED {
        let longest = registration(key, &json!("x".repeat(most)));
        let batches = produced(&longest);
        assert_eq!(batches.len(), 1, "{key} of {most} bytes is registered");
        assert_eq!(consumed(&batches), (vec![], 1), "{key}");

        for text in ["x".repeat(most + 1), "a\u{7}b".to_owned()] {
            let refused = produced(&registration(key, &json!(text)));
            assert!(refused.is_empty(), "{key} of {text:?} is not registered");
            let (refused, held) = consumed(&unbounded(|it| *field(it) = text.clone()));
            assert_eq!((refused.len(), held), (1, 1), "{key}: {refused:?}");
        }
    }
    for address in ["10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536", ":80", "["] {
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let port = port.parse::<u32>().unwrap_or_default();
        let mut message = registration("host", &json!(host));
        message["port"] = json!(port);
        assert!(produced(&message).is_empty(), "{address} is not registered");
        let (refused, held) = consumed(&unbounded(|it| it.address = address.to_owned()));
        assert_eq!((refused.len(), held), (1, 1), "{address}: {refused:?}");
    }
}

/// the most that a publisher can say of an endpoint fits many times into a message of the stream
#[test]
fn what_is_sent_fits_into_a_message() {
    let tags: serde_json::Map<_, _> = (0..32)
        .map(|number| (format!("{number:064}"), json!("x".repeat(256))))
        .collect();
    let path = format!("app.example.com/{}", "x".repeat(2000));
    let uris: Vec<_> = (0..100).map(|number| format!("{path}{number}")).collect();
    let mut full = registration("tags", &tags.into());
    full["uris"] = json!(uris);
    full["options"] =
        json!({"route_policy_scope": "org", "route_policy_sources": "x".repeat(4_000)});
    full["server_cert_domain_san"] = json!("x".repeat(256));
    full["tls_port"] = json!(8443);
    assert!(
        full.to_string().len() > 200_000,
        "near the bound of a message"
    );
    let batches = produced(&full);
    assert!(!batches.is_empty());
    for batch in &batches {
        assert!(batch.len() < LARGEST / 8, "{} bytes", batch.len());
    }
    assert_eq!(consumed(&batches), (vec![], 100));
}
