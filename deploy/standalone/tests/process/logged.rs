//! What is told about endpoints and requests.

use crate::DELAY;
use crate::broker::Broker;
use crate::instance::Instance;
use crate::router::{Router, ask, free_port, get};

/// C-236: a plain endpoint that cannot be reached is passed over for a while, which is told.
/// C-234: a TLS endpoint that cannot be reached is told as well.
#[test]
fn endpoints_that_fail_are_told_in_gorouters_words() {
    let broker = Broker::start();
    let mut router = Router::start(&(broker.nats() + DELAY));
    router.wait_for("subscriber-started");
    let gone = free_port();
    broker.register_as(
        "plain.example.com",
        &format!(r#""port":{gone},"availability_zone":"z1""#),
    );
    let also_gone = free_port();
    broker.register_as(
        "tls.example.com",
        &format!(r#""tls_port":{also_gone},"tags":{{"a":"b"}}"#),
    );
    router.wait_until_healthy();
    let traffic = router.traffic_port();
    for (host, event, address, zone, tags) in [
        (
            "plain.example.com",
            "endpoint-marked-as-ineligible",
            gone,
            "z1",
            "",
        ),
        (
            "tls.example.com",
            "prune-failed-endpoint",
            also_gone,
            "",
            "a=b",
        ),
    ] {
        let answer = get(traffic, "/", host);
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        let told = router.wait_for(event);
        assert_eq!(told["log_level"], 3, "{told}");
        let endpoint = &told["data"]["route-endpoint"];
        assert_eq!(endpoint["ApplicationId"], "app-1", "{told}");
        assert_eq!(endpoint["Addr"], format!("127.0.0.1:{address}"));
        assert_eq!(
            (&endpoint["AZ"], &endpoint["Tags"]),
            (&zone.into(), &tags.into())
        );
    }
    let count = |log: &[serde_json::Value], event: &str| {
        log.iter().filter(|line| line["message"] == event).count()
    };
    // It is set aside, so there is nothing to tell a second time.
    assert!(get(traffic, "/", "tls.example.com").starts_with("HTTP/1.1 404 "));
    router.signal("TERM");
    let (_, log) = router.until_it_ends();
    assert_eq!(count(&log, "prune-failed-endpoint"), 1);
}

/// C-507: with `disable_log_forwarded_for` requests are served, and the log does not show for whom.
/// C-508: with `disable_log_source_ip` it does not show whose connection it was.
#[test]
fn addresses_are_left_out_of_the_log_where_the_file_says_so() {
    for (key, hidden, shown) in [
        (
            "disable_log_forwarded_for",
            " x_forwarded_for:\"-\" ",
            " \"127.0.0.1:",
        ),
        (
            "disable_log_source_ip",
            " \"-\" \"127.0.0.1:",
            " x_forwarded_for:\"9.9.9.9, 127.0.0.1\" ",
        ),
    ] {
        let (broker, instance) = (Broker::start(), Instance::start());
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("access.log");
        let file = format!(
            "{DELAY}logging: {{{key}: true}}\naccess_log: {{file: {}}}\n",
            log.display()
        );
        let mut router = Router::start(&(broker.nats() + &file));
        router.wait_for("subscriber-started");
        broker.register("app.example.com", instance.port());
        router.wait_until_healthy();
        let fields = "Host: app.example.com\r\nUser-Agent: me\r\nX-Forwarded-For: 9.9.9.9";
        let answer = ask(router.traffic_port(), "/", fields);
        assert!(answer.ends_with("from the instance"), "{answer}");
        router.signal("TERM");
        assert_eq!(router.until_it_ends().0, Some(0));
        let line = std::fs::read_to_string(&log).expect("the log");
        assert!(line.contains(hidden) && line.contains(shown), "{line}");
    }
}
