use pointsman_proto::v1::follow_request::Message;
use tonic::Code;

use super::*;

fn hello() -> v1::Hello {
    v1::Hello {
        id: "one".to_owned(),
        name: "dp".to_owned(),
        protocol_level: 1,
        filter: Some(v1::SegmentFilter {
            mode: v1::SegmentMode::All.into(),
            segments: vec![],
        }),
        ..v1::Hello::default()
    }
}

fn read_hello(change: impl FnOnce(&mut v1::Hello)) -> Result<Caller, Status> {
    let mut hello = hello();
    change(&mut hello);
    read(Some(v1::FollowRequest {
        message: Some(Message::Hello(hello)),
    }))
}

fn refused(change: impl FnOnce(&mut v1::Hello)) -> String {
    let refused = read_hello(change).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    refused.message().to_owned()
}

#[test]
fn a_hello_without_its_parts_is_refused_with_what_would_be_right() {
    let long = "x".repeat(257);
    assert_eq!(
        refused(|it| it.id.clear()),
        "hello.id is empty; expected a text that is unique to one life of one process"
    );
    assert_eq!(
        refused(|it| it.name.clone_from(&long)),
        "hello.name has 257 bytes; expected at most 256"
    );
    assert_eq!(
        refused(|it| it.protocol_level = 0),
        "hello.protocol_level is 0; expected 1 or more"
    );
    assert_eq!(
        refused(|it| it.filter = None),
        "hello.filter.mode is 0; expected all, shared and segments, or segments"
    );
}

#[test]
fn a_filter_that_means_nothing_is_refused() {
    let with = |mode: i32, segments: Vec<String>| {
        refused(|it| it.filter = Some(v1::SegmentFilter { mode, segments }))
    };
    let listed = v1::SegmentMode::Segments.into();
    assert!(with(9, vec![]).starts_with("hello.filter.mode is 9; expected"));
    assert_eq!(
        with(listed, vec![]),
        "hello.filter asks for listed segments only, and lists none"
    );
    assert_eq!(
        with(listed, vec!["x".repeat(257)]),
        "hello.filter names a segment of more than 256 bytes"
    );
    assert_eq!(
        with(listed, vec![String::new(); 1025]),
        "hello.filter names 1025 segments; expected at most 1024"
    );
}

#[test]
fn another_beginning_is_refused() {
    assert_eq!(
        read(None).unwrap_err().message(),
        "the stream ended before a hello"
    );
    let ack = v1::FollowRequest {
        message: Some(Message::Ack(v1::Ack::default())),
    };
    for first in [ack, v1::FollowRequest { message: None }] {
        let refused = read(Some(first)).unwrap_err();
        assert_eq!(
            refused.message(),
            "the first message of a session is a hello"
        );
    }
}

#[test]
fn what_is_not_known_of_capabilities_is_left_alone() {
    let caller = read_hello(|it| {
        it.capabilities = vec![
            v1::Capability::TlsEndpoint.into(),
            999,
            v1::Capability::Cors.into(),
        ];
    })
    .unwrap();
    assert_eq!(caller.view.capabilities, Capabilities::TLS_ENDPOINT);
}

#[test]
fn who_rejected_very_much_gets_everything() {
    let thing = v1::RejectedThing {
        address: "a".to_owned(),
        ..v1::RejectedThing::default()
    };
    let caller = read_hello(|it| {
        it.revision = 7;
        it.rejected = vec![thing.clone(); 10_001];
    });
    assert_eq!(caller.unwrap().held.revision, 0);
    let caller = read_hello(|it| {
        it.revision = 7;
        it.rejected = vec![thing];
    })
    .unwrap();
    // What names no route cannot be given again.
    assert_eq!((caller.held.revision, caller.held.rejected.len()), (7, 0));
}

#[test]
fn a_default_algorithm_that_is_not_known_is_shown() {
    let simple = read_hello(|_| ()).unwrap();
    assert_eq!(
        simple.default_algorithm(Algorithm::RoundRobin),
        (Algorithm::RoundRobin, "")
    );
    let (used, degraded) = simple.default_algorithm(Algorithm::LeastConnection);
    assert_eq!(used, Algorithm::RoundRobin);
    assert!(degraded.contains("default balancing algorithm"));
    let able = read_hello(|it| it.capabilities = vec![v1::Capability::LeastConnection.into()]);
    let used = able.unwrap().default_algorithm(Algorithm::LeastConnection);
    assert_eq!(used, (Algorithm::LeastConnection, ""));
}
