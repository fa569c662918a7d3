//! Registrations and unregistrations, good and bad, as publishers send them.

use hyper::StatusCode;
use pointsman_tests::publisher::{Emitted, Registrar};
use serde_json::json;

use crate::follower::{Follower, hello};
use crate::plane::{Plane, until_logged};

fn emitted(uri: &str, index: u32) -> Emitted {
    Emitted::plain(uri, ([127, 0, 0, 1], 8080).into(), index)
}

/// C-041: an unregistration with the same body as the registration takes it back
/// C-343: after the last unregistration, the table is empty
/// C-348: a registered route is listed
/// C-349: an unregistered one is not
#[tokio::test]
async fn routes_come_and_go() {
    let plane = Plane::start().await;
    assert_eq!(plane.get("/routes").await.text(), "{}\n");
    let app = emitted("test.com", 0);
    let component = Registrar::plain(
        &["API.example.com/v2", "*.sys.example.com"],
        ([127, 0, 0, 1], 9000).into(),
    );
    plane.publisher.register(&app).await;
    plane.publisher.register(&component).await;
    plane
        .until_routes(&["*.sys.example.com", "api.example.com/v2", "test.com"])
        .await;
    plane.publisher.unregister(&component).await;
    plane.until_routes(&["test.com"]).await;
    plane.publisher.unregister(&app).await;
    plane.until_routes(&[]).await;
    assert_eq!(plane.get("/routes").await.text(), "{}\n");
}

/// C-052: after 100 registrations, a register and unregister of another URI leaves it absent
#[tokio::test]
async fn the_order_of_a_publisher_is_kept() {
    let plane = Plane::start().await;
    for round in 0..100 {
        plane
            .publisher
            .register(&emitted("other.example.com", round))
            .await;
    }
    let last = emitted("last.example.com", 0);
    for _round in 0..20 {
        plane.publisher.register(&last).await;
        plane.publisher.unregister(&last).await;
    }
    plane
        .publisher
        .register(&emitted("mark.example.com", 0))
        .await;
    plane
        .until_routes(&["mark.example.com", "other.example.com"])
        .await;
}

/// Heartbeats that change nothing are counted, and send nothing to those who follow: what a data plane is told next is
/// the next change.
#[tokio::test]
async fn heartbeats_send_nothing_to_data_planes() {
    let plane = Plane::start().await;
    let apps: Vec<_> = (0..20)
        .map(|number| emitted(&format!("app-{number}.example.com"), number))
        .collect();
    for app in &apps {
        plane.publisher.register(app).await;
    }
    plane.until_registered(&apps[apps.len() - 1]).await;
    let mut follower =
        Follower::connect(plane.process.address("distribution"), hello("quiet")).await;
    let filled = follower.step().await.closing.revision;
    for _round in 0..50 {
        for app in &apps {
            plane.publisher.register(app).await;
        }
    }
    let heard = "pointsman_registry_heartbeats_total";
    plane.until_metric(heard, 1000.0).await;
    plane
        .publisher
        .register(&emitted("mark.example.com", 0))
        .await;
    let mark = follower.step().await;
    // A route and its endpoint.
    assert_eq!((mark.routes.len(), mark.endpoints.len()), (1, 1));
    assert_eq!(mark.closing.revision, filled + 2);
}

/// A heartbeat after an unregistration of the same endpoint registers it again, although its payload is known.
#[tokio::test]
async fn a_known_payload_registers_again_after_an_unregistration() {
    let plane = Plane::start().await;
    let app = emitted("a.example.com", 0);
    for _round in 0..3 {
        plane.publisher.register(&app).await;
        plane.publisher.register(&app).await;
        plane.until_routes(&["a.example.com"]).await;
        plane.publisher.unregister(&app).await;
        plane.until_routes(&[]).await;
    }
}

/// C-342: the listing of an endpoint, over NATS
/// C-345: its tags
/// C-351: 200, JSON and a newline
#[tokio::test]
async fn a_listing_is_gorouters_to_the_letter() {
    let plane = Plane::start().await;
    let message = json!({
        "uris": ["foo<bar>.example.com", "foo.example.com"], "host": "10.0.0.7", "port": 80, "tls_port": 443,
        "protocol": "http2", "route_service_url": "https://rs.example.com/a?b&c",
        "tags": {"b": "2", "a": "<1>"}, "isolation_segment": "iso", "private_instance_id": "id",
        "server_cert_domain_san": "san", "availability_zone": "z1", "stale_threshold_in_seconds": -1,
        "options": {"loadbalancing": "hash", "hash_header": "X-Key", "hash_balance": 0},
    });
    plane
        .publisher
        .publish("router.register", message.to_string())
        .await;
    plane.until_routes(&["foo.example.com"]).await;
    let answer = plane.get("/routes").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(
        answer.text(),
        concat!(
            r#"{"foo.example.com":[{"address":"10.0.0.7:443","availability_zone":"z1","protocol":"http2","#,
            r#""tls":true,"ttl":-1,"route_service_url":"https://rs.example.com/a?b\u0026c","#,
            r#""tags":{"a":"\u003c1\u003e","b":"2"},"isolation_segment":"iso","#,
            r#""private_instance_id":"id","server_cert_domain_san":"san","#,
            r#""load_balancing_algorithm":"hash","hash_header":"X-Key","hash_balance":0}]}"#,
            "\n"
        )
    );
}

/// A router that asks for another interval is told of, once: publishers do as the last one asked.
#[tokio::test]
async fn another_interval_of_another_router_is_told() {
    let plane = Plane::start().await;
    let said = |id: &str, interval: u64| {
        format!(
            r#"{{"id":"{id}","hosts":["10.0.1.5"],"minimumRegisterIntervalInSeconds":{interval},"pruneThresholdInSeconds":120}}"#
        )
    };
    for (id, interval) in [("1-same", 20), ("2-other", 30), ("2-other", 30)] {
        let payload = said(id, interval);
        plane.publisher.publish("router.start", payload).await;
    }
    plane
        .publisher
        .register(&emitted("mark.example.com", 0))
        .await;
    plane.until_routes(&["mark.example.com"]).await;
    // Lines keep their order, and this one comes last.
    plane.until_logged("endpoint-registered").await;
    let told = plane.logged("another-router-asks-for-another-interval");
    assert_eq!(told.len(), 1, "{told:?}");
    let data = &told[0]["data"];
    assert_eq!(
        (
            &data["router"],
            &data["interval_seconds"],
            &data["own_interval_seconds"]
        ),
        (&"2-other".into(), &30.into(), &20.into())
    );
}

/// Route and endpoint are told where something changed, and only there.
#[tokio::test]
async fn changes_are_told_and_nothing_else() {
    let plane = Plane::start().await;
    let app = emitted("a.example.com", 0);
    let other = Emitted::plain("a.example.com", ([127, 0, 0, 1], 8081).into(), 1);
    let mark = emitted("mark.example.com", 2);
    for message in [&app, &app, &app, &other, &app] {
        plane.publisher.register(message).await;
    }
    for message in [&other, &other, &app, &app] {
        plane.publisher.unregister(message).await;
    }
    plane.publisher.register(&mark).await;
    // Lines keep their order, and the one about this endpoint comes last.
    until_logged(&plane.process, "endpoint-registered", 3).await;
    let told = |event: &str| {
        let lines = plane.logged(event);
        let of_app = lines.iter().filter(|line| {
            let uri = line["data"]["uri"].as_str().unwrap_or_default();
            uri == "a.example.com"
        });
        of_app.count()
    };
    let events = [
        "route-registered",
        "endpoint-registered",
        "endpoint-unregistered",
        "route-unregistered",
    ];
    assert_eq!(events.map(told), [1, 2, 2, 1]);
}

/// C-063: `router.start` of another router is ignored
/// C-065: `router.register.extra` is not received
/// R-117: subjects other than the three are ignored
#[tokio::test]
async fn other_subjects_are_left_alone() {
    let plane = Plane::start().await;
    let payload = br#"{"uris":["a.example.com"],"host":"127.0.0.1","port":80}"#.as_slice();
    for subject in [
        "router.start",
        "router.active_apps",
        "router.register.extra",
        "router",
        "router.registers",
    ] {
        plane.publisher.publish(subject, payload).await;
    }
    plane
        .publisher
        .publish("router.active_apps", b"\x78\x9c\x01".as_slice())
        .await;
    plane
        .publisher
        .register(&emitted("mark.example.com", 0))
        .await;
    plane.until_routes(&["mark.example.com"]).await;
    assert!(plane.logged("validation-error").is_empty());
}

const BAD: [&[u8]; 8] = [
    b"",
    b" ",
    b"\xff\xfe\x00",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    br#"{"uris":["good.example.com"],"host":"127.0.0.1","port":"8080"}"#,
    br#"{"uris":["good.example.com"],"host":"127.0.0.1","port":0}"#,
    br#"{"uris":["good.example.com"],"host":"169.254.169.254","port":8080}"#,
    br#"{"uris":["good.example.com"],"host":"127.0.0.1","port":8080,"route_service_url":"http://rs"}"#,
];

/// C-049: an unregistration with a plain http route service is refused, and the endpoint stays
/// R-111: no message ends the process
/// R-116: a malformed unregistration removes nothing
/// R-119: a rejected message is told once per cause and publisher, with an excerpt of at most 512 bytes
#[tokio::test]
async fn bad_messages_change_nothing_and_are_told_once() {
    let mut plane = Plane::start().await;
    let app = emitted("good.example.com", 0);
    plane.publisher.register(&app).await;
    plane.until_routes(&["good.example.com"]).await;
    for payload in BAD {
        for subject in ["router.register", "router.unregister"] {
            plane.publisher.publish(subject, payload.to_vec()).await;
        }
    }
    let huge = vec![b'x'; 900_000];
    for _round in 0..20 {
        plane
            .publisher
            .publish("router.register", huge.clone())
            .await;
    }
    plane
        .publisher
        .register(&emitted("mark.example.com", 0))
        .await;
    plane
        .until_routes(&["good.example.com", "mark.example.com"])
        .await;
    let too_large = r#"pointsman_refused_registrations_total{cause="too_large"}"#;
    assert_eq!(plane.metric(too_large).await.to_bits(), 20.0_f64.to_bits());
    // Lines keep their order, so those before this one are there.
    until_logged(&plane.process, "endpoint-registered", 2).await;
    let lines = plane.logged("validation-error");
    let told = |what: &str| {
        lines
            .iter()
            .filter(|line| {
                line["data"]["error"]
                    .as_str()
                    .is_some_and(|error| error.contains(what))
            })
            .count()
    };
    for what in [
        "larger than is decoded",
        "unexpected end",
        "wrong type: port",
        "has no port",
        "metadata service",
        "must be https",
    ] {
        assert_eq!(told(what), 1, "{what} in {lines:#?}");
    }
    for line in &lines {
        assert!(line["data"]["payload"].as_str().expect("an excerpt").len() <= 512);
        assert_eq!(line["source"], "control-plane.subscriber");
    }
    assert!(plane.process.is_running());
}

/// R-112: what is wrong with one URI drops that URI only
#[tokio::test]
async fn bad_uris_leave_good_ones_alone() {
    let plane = Plane::start().await;
    let message = json!({
        "uris": ["http://a.example.com", "b.example.com", "*.com", "", null, "c.example.com:80"],
        "host": "127.0.0.1", "port": 8080,
    });
    plane
        .publisher
        .publish("router.register", message.to_string())
        .await;
    plane.until_routes(&["b.example.com"]).await;
    for (cause, count) in [
        ("uri_scheme", 1.0),
        ("uri_top_level_wildcard", 1.0),
        ("uri_no_host", 2.0),
        ("uri_port", 1.0),
    ] {
        let name = format!(r#"pointsman_refused_registrations_total{{cause="{cause}"}}"#);
        assert_eq!(
            plane.metric(&name).await.to_bits(),
            f64::to_bits(count),
            "{cause}"
        );
    }
}

/// R-119: what is refused of a message that is otherwise good is counted each time
#[tokio::test]
async fn what_is_refused_of_a_heartbeat_is_counted_each_time() {
    let plane = Plane::start().await;
    let message = json!({
        "uris": ["ok.example.com", "bad$.example.com"], "host": "127.0.0.1", "port": 8080,
    });
    let refused = r#"pointsman_refused_registrations_total{cause="uri_host"}"#;
    for count in 1..=5 {
        plane
            .publisher
            .publish("router.register", message.to_string())
            .await;
        plane.until_metric(refused, count.into()).await;
    }
    plane.until_routes(&["ok.example.com"]).await;
    until_logged(&plane.process, "validation-error", 1).await;
    assert_eq!(plane.logged("validation-error").len(), 1);
}

/// R-119: each publisher of a message that cannot be decoded is told of
/// R-172: credentials that were refused are never logged
#[tokio::test]
async fn refusals_name_their_publishers_without_credentials() {
    let plane = Plane::start().await;
    let wrong_type =
        |host: &str| json!({"uris": ["a.example.com"], "host": host, "port": "80"}).to_string();
    let publishers = ["10.0.0.1", "10.0.0.2", "user:hunter2@10.0.0.3"];
    for host in publishers {
        plane
            .publisher
            .publish("router.register", wrong_type(host))
            .await;
    }
    for message in [
        r#"{"uris":["user:hunter2@a.example.com"],"host":"127.0.0.1","port":80}"#,
        r#"{"uris":["b.example.com"],"host":"user:hunter2@10.0.0.4","port":80}"#,
        r#"{"uris":["http:\u002f\u002fuser:hunter2@c.example.com"],"host":"127.0.0.1","port":80}"#,
        r#"{"uris":["d:1\u003ft=hunter2"],"host":"127.0.0.1","port":80}"#,
    ] {
        plane.publisher.publish("router.register", message).await;
    }
    until_logged(&plane.process, "validation-error", 7).await;
    let lines = plane.logged("validation-error");
    let told: Vec<_> = lines[..3]
        .iter()
        .map(|line| &line["data"]["publisher"])
        .collect();
    assert_eq!(told, ["10.0.0.1", "10.0.0.2", "***@10.0.0.3"]);
    let log = plane.process.log();
    assert!(!log.contains("hunter2"), "{log}");
}

/// C-033: an empty algorithm is shown as the router's default
/// C-071: so is an absent one
#[tokio::test]
async fn the_default_algorithm_is_shown_where_none_was_named() {
    let plane = Plane::start_changed(|configuration| {
        configuration.replace(
            "start_delay: 0s",
            "start_delay: 0s\n  default_algorithm: least-connection",
        )
    })
    .await;
    for (uri, options) in [
        ("a.example.com", json!({"loadbalancing": ""})),
        ("b.example.com", json!(null)),
        ("c.example.com", json!({"loadbalancing": "round-robin"})),
    ] {
        let message = json!({"uris": [uri], "host": "10.0.0.1", "port": 80, "options": options});
        plane
            .publisher
            .publish("router.register", message.to_string())
            .await;
    }
    plane
        .until_routes(&["a.example.com", "b.example.com", "c.example.com"])
        .await;
    let routes: serde_json::Value =
        serde_json::from_slice(&plane.get("/routes").await.body).expect("JSON");
    for (uri, algorithm) in [
        ("a.example.com", "least-connection"),
        ("b.example.com", "least-connection"),
        ("c.example.com", "round-robin"),
    ] {
        assert_eq!(
            routes[uri][0]["load_balancing_algorithm"], algorithm,
            "{uri}"
        );
    }
}

/// C-066: an unregistration is told at the level of debugging, with its text
/// R-172: the user information and query of a route service are not
#[tokio::test]
async fn unregistrations_are_told_to_who_wants_to_know() {
    let plane =
        Plane::start_changed(|configuration| format!("{configuration}log: {{level: debug}}\n"))
            .await;
    let message = r#"{"uris":["a.example.com"],"host":"10.0.0.1","port":80,"route_service_url":"https://user:marked@rs/x?marked"}"#;
    plane.publisher.publish("router.register", message).await;
    plane.publisher.publish("router.unregister", message).await;
    plane.until_logged("unregister-route").await;
    let told = plane.logged("unregister-route");
    let text = told[0]["data"]["message"]
        .as_str()
        .expect("the message's text");
    assert!(
        text.starts_with(r#"{"uris":["a.example.com"],"host":"10.0.0.1""#),
        "{text}"
    );
    plane
        .publisher
        .publish(
            "router.unregister",
            message.replace("port\":80", "port\":\"80\""),
        )
        .await;
    plane.until_logged("validation-error").await;
    assert!(
        !plane.process.log().contains("marked"),
        "{}",
        plane.process.log()
    );
}
