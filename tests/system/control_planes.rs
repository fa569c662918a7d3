//! Two control planes, and data planes that follow one of them.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::StatusCode;
use pointsman_tests::fleet::BOUND;
use pointsman_tests::publisher::Emitted;
use pointsman_tests::{
    Authority, Broker, Client, Cut, Endpoint, Process, Publisher, Requests, configuration,
    eventually,
};
use rustix::process::Signal;

use crate::{assert_none_lost, shown};

const HOST: &str = "app.example.com";

/// A broker, two control planes, and a data plane that may follow either.
struct Pair {
    control_planes: Vec<Process>,
    data_plane: Process,
    publisher: Publisher,
    _broker: Broker,
}

impl Pair {
    async fn start() -> Self {
        let broker = Broker::start().await;
        let beat = "distribution:\n  heartbeat: 1s\n";
        let configuration =
            configuration::control_plane(&broker, "").replace("distribution:\n", beat);
        let control_planes = vec![
            Process::start("control-plane", &configuration).await,
            Process::start("control-plane", &configuration).await,
        ];
        // What is registered once, and before both listen, would be lost to one of them.
        for control_plane in &control_planes {
            control_plane.until_logged("subscriber-started").await;
        }
        let [one, other] = [0, 1].map(|at: usize| control_planes[at].address("distribution"));
        let both = format!("  heartbeat: 1s\n  addresses: ['{one}', '{other}']");
        let configuration = configuration::data_plane(one);
        let configuration = configuration.replace(&format!("  addresses: ['{one}']"), &both);
        Self {
            data_plane: Process::start("data-plane", &configuration).await,
            control_planes,
            publisher: Publisher::connect(&broker).await,
            _broker: broker,
        }
    }

    /// Which of the control planes is followed.
    async fn followed(&self) -> usize {
        let addresses: Vec<_> = self
            .control_planes
            .iter()
            .map(|control_plane| control_plane.address("distribution").to_string())
            .collect();
        eventually("a control plane to be followed", BOUND, async || {
            let shown = shown(&self.data_plane).await?;
            let followed = shown["followed"]["address"].as_str();
            let found = addresses
                .iter()
                .position(|address| Some(address.as_str()) == followed);
            found.ok_or_else(|| shown.to_string())
        })
        .await
    }

    /// Waits until the other one is followed.
    async fn other_is_followed(&self, than: usize, bound: Duration) {
        let address = self.control_planes[1 - than]
            .address("distribution")
            .to_string();
        eventually(
            "the other control plane to be followed",
            bound,
            async || {
                let shown = shown(&self.data_plane).await?;
                (shown["followed"]["address"] == address.as_str())
                    .then_some(())
                    .ok_or_else(|| shown.to_string())
            },
        )
        .await;
    }

    async fn answers(&self, host: &str) {
        let router = self.data_plane.address("http");
        answers(router, host).await;
    }
}

async fn answers(router: SocketAddr, host: &str) {
    eventually("an answer", BOUND, async || {
        let mut client = Client::connect(router).await;
        let response = client.get(host, "/").await;
        let status = response.map_err(|failure| failure.to_string())?.status;
        (status == StatusCode::OK)
            .then_some(())
            .ok_or_else(|| status.to_string())
    })
    .await;
}

/// R-131: the control plane that is followed dies, the other one is followed within a second, and nothing is lost
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_control_plane_is_left_within_a_second() {
    let mut pair = Pair::start().await;
    let endpoint = Endpoint::named("app").await;
    let message = Emitted::plain(HOST, endpoint.address(), 0);
    pair.publisher.register(&message).await;
    pair.answers(HOST).await;
    let followed = pair.followed().await;
    let requests = Requests::keep_sending(&[pair.data_plane.address("http")], HOST, 2);
    pair.control_planes[followed].kill();
    pair.other_is_followed(followed, Duration::from_secs(1))
        .await;
    // What is registered now is known to the other one alone.
    let new = Emitted::plain("new.example.com", endpoint.address(), 0);
    pair.publisher.register(&new).await;
    pair.answers("new.example.com").await;
    let before = endpoint.request_count();
    eventually("two hundred more requests", BOUND, async || {
        let count = endpoint.request_count() - before;
        (count >= 200)
            .then_some(())
            .ok_or_else(|| count.to_string())
    })
    .await;
    assert_none_lost(&requests.stop().await);
}

/// R-143: a control plane that hangs is left after three missed signs of life
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_control_plane_is_left_after_three_missed_signs_of_life() {
    let pair = Pair::start().await;
    let endpoint = Endpoint::named("app").await;
    let message = Emitted::plain(HOST, endpoint.address(), 0);
    pair.publisher.register(&message).await;
    pair.answers(HOST).await;
    let followed = pair.followed().await;
    pair.control_planes[followed].signal(Signal::STOP);
    // Three seconds of silence, one for whoever else is tried, and what a busy machine takes.
    pair.other_is_followed(followed, Duration::from_secs(8))
        .await;
    let new = Emitted::plain("new.example.com", endpoint.address(), 0);
    pair.publisher.register(&new).await;
    pair.answers("new.example.com").await;
    // A ping of HTTP/2 went unanswered at the same moment: either may be what is told.
    pair.data_plane.until_logged("control-plane-lost").await;
    // It comes back, and is not turned to: whoever works is not left for it.
    pair.control_planes[followed].signal(Signal::CONT);
    pair.answers(HOST).await;
    assert_eq!(pair.followed().await, 1 - followed);
}

/// R-146: planes know each other by certificates both ways, which are renewed without a restart
#[tokio::test(flavor = "multi_thread")]
async fn certificates_between_the_planes_are_renewed_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    // Each plane's files; what believes whom is replaced below.
    let servers = first.write(folder.path(), "servers");
    let clients = first.write(folder.path(), "clients");
    let server = first.server(&["127.0.0.1"]).write(folder.path(), "server");
    let client = first.client(&["data-plane"]).write(folder.path(), "client");
    let stranger = second
        .client(&["data-plane"])
        .write(folder.path(), "stranger");

    let broker = Broker::start().await;
    let tls = format!(
        "distribution:\n  tls: {{certificate: {}, key: {}, client_ca: {}}}\n  segments: {{data-plane: ['*']}}\n",
        server.certificate.display(),
        server.key.display(),
        clients.display()
    );
    let configuration = configuration::control_plane(&broker, "").replace("distribution:\n", &tls);
    let control_plane = Process::start("control-plane", &configuration).await;
    let path_between = Cut::before(control_plane.address("distribution")).await;
    let follower = |files: &pointsman_tests::certs::Files| {
        let tls = format!(
            "control_planes:\n  tls: {{certificate: {}, key: {}, ca: {}}}\n",
            files.certificate.display(),
            files.key.display(),
            servers.display()
        );
        configuration::data_plane(path_between.address()).replace("control_planes:\n", &tls)
    };
    let data_plane = Process::start("data-plane", &follower(&client)).await;
    let uninvited = Process::start("data-plane", &follower(&stranger)).await;
    let endpoint = Endpoint::named("app").await;
    let publisher = Publisher::connect(&broker).await;
    publisher.greet().await;
    publisher
        .register(&Emitted::plain(HOST, endpoint.address(), 0))
        .await;
    answers(data_plane.address("http"), HOST).await;
    uninvited.until_logged("control-plane-not-followed").await;
    assert_eq!(shown(&uninvited).await.expect("an answer")["ready"], false);

    // Now the second authority alone is believed, and has signed both.
    let _files = second.server(&["127.0.0.1"]).write(folder.path(), "server");
    let _files = second
        .client(&["data-plane"])
        .write(folder.path(), "client");
    let _file = second.write(folder.path(), "servers");
    let _file = second.write(folder.path(), "clients");
    for process in [&control_plane, &data_plane] {
        eventually("two files to be read again", BOUND, async || {
            let log = process.log();
            let count = log.matches("certificate-reloaded").count();
            (count >= 2).then_some(()).ok_or(log)
        })
        .await;
    }
    path_between.cut();
    data_plane.until_logged("control-plane-lost").await;
    path_between.restore();
    let new = Emitted::plain("new.example.com", endpoint.address(), 0);
    publisher.register(&new).await;
    answers(data_plane.address("http"), "new.example.com").await;
}

/// What a data plane may not ask for whose certificate is mapped to one segment, and what it is told.
const GREEDY: [(&str, &str); 3] = [
    (
        "mode: segments, list: [east, west]",
        // As the text of a text stands in a line of the log.
        r#"does not grant \\\"west"#,
    ),
    (
        "mode: shared-and-segments, list: [east]",
        "does not grant the shared segment",
    ),
    ("mode: all", "does not grant all segments"),
];

/// A data plane of this configuration gets nothing, and is told why.
async fn refused(configuration: &str, told: &str) {
    let data_plane = Process::start("data-plane", configuration).await;
    data_plane.until_logged(told).await;
    let shown = shown(&data_plane).await.expect("an answer");
    assert_eq!(shown["ready"], false, "{shown}");
    assert_eq!(shown["table"]["routes"], 0, "{shown}");
}

/// R-145: the segments of a data plane are those that its certificate is mapped to, not those that it asks for
#[tokio::test(flavor = "multi_thread")]
async fn a_data_plane_gets_the_segments_of_its_certificate_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new("planes");
    let ca = authority.write(folder.path(), "ca");
    let server = authority.server(&["127.0.0.1"]);
    let server = server.write(folder.path(), "server");
    let east = authority.client(&["dp-east"]).write(folder.path(), "east");
    let broker = Broker::start().await;
    let tls = format!(
        "distribution:\n  tls: {{certificate: {}, key: {}, client_ca: {}}}\n  segments: {{dp-east: [east], dp-west: [west, '']}}\n",
        server.certificate.display(),
        server.key.display(),
        ca.display()
    );
    let configuration = configuration::control_plane(&broker, "").replace("distribution:\n", &tls);
    let control_plane = Process::start("control-plane", &configuration).await;
    let asking = |segments: &str| {
        let tls = format!(
            "control_planes:\n  tls: {{certificate: {}, key: {}, ca: {}}}\n",
            east.certificate.display(),
            east.key.display(),
            ca.display()
        );
        let address = control_plane.address("distribution");
        let configuration = configuration::data_plane(address).replace("control_planes:\n", &tls);
        configuration + &format!("segments: {{{segments}}}\n")
    };
    let honest = Process::start("data-plane", &asking("mode: segments, list: [east]")).await;
    let endpoint = Endpoint::named("app").await;
    let publisher = Publisher::connect(&broker).await;
    publisher.greet().await;
    for (host, segment) in [
        ("west.example.com", "west"),
        ("shared.example.com", ""),
        (HOST, "east"),
    ] {
        let message = Emitted {
            isolation_segment: Some(segment.to_owned()),
            ..Emitted::plain(host, endpoint.address(), 0)
        };
        publisher.register(&message).await;
    }
    // The last one that was registered is there, and so would be the others.
    let router = honest.address("http");
    answers(router, HOST).await;
    let mut client = Client::connect(router).await;
    for foreign in ["west.example.com", "shared.example.com"] {
        let answer = client.get(foreign, "/").await.expect("an answer");
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{foreign}");
    }
    for (segments, told) in GREEDY {
        refused(&asking(segments), told).await;
    }
}
