//! Files that change, that are wrong, and that go.

use std::fs;
use std::os::unix::fs::symlink;

use hyper::StatusCode;
use pointsman_tests::balancer::Balancer;
use pointsman_tests::fleet::BOUND;
use pointsman_tests::{Client, Endpoint, eventually};

const HOST: &str = "any.example.com";

async fn metric(balancer: &Balancer, line: &str) {
    eventually(line, BOUND, async || {
        let mut client = Client::connect(balancer.control_plane.address("admin")).await;
        let answer = client.get("127.0.0.1", "/metrics").await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        let text = answer.text();
        let found = text.lines().any(|it| it == line);
        found.then_some(()).ok_or_else(|| text.to_owned())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_file_is_told_with_its_line_and_what_it_said_stays() {
    let endpoint = Endpoint::named("svc").await;
    let good = format!("services:\n  svc:\n    v1: ['{}']\n", endpoint.address());
    let balancer = Balancer::start(&good).await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    balancer.write("routes.yml", &good.replace("services", "servces"));
    let line = balancer.logged("route-file-refused").await;
    for words in [
        "routes.yml:1:1: servces: is no key of this file; did you mean `services`?",
        "kept",
    ] {
        assert!(line.contains(words), "{line}");
    }
    metric(&balancer, "pointsman_route_files_bad 1").await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    // What stands beside it counts, and so does it once it is mended.
    balancer.write("b.yml", &good.replace("svc", "other"));
    balancer.answers(HOST, "/other/v1/", StatusCode::OK).await;
    balancer.write("routes.yml", &good.replace("v1", "v2"));
    balancer.answers(HOST, "/svc/v2/", StatusCode::OK).await;
    balancer
        .answers(HOST, "/svc/v1/", StatusCode::NOT_FOUND)
        .await;
    metric(&balancer, "pointsman_route_files_bad 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_cannot_be_followed_is_told_by_its_name_and_the_other_files_go_on() {
    let endpoint = Endpoint::named("svc").await;
    let good = format!("services:\n  svc:\n    v1: ['{}']\n", endpoint.address());
    let balancer = Balancer::start(&good).await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    symlink("loop.yml", balancer.folder().join("loop.yml")).expect("a link");
    let line = balancer.logged("route-file-refused").await;
    assert!(
        line.contains("loop.yml: cannot be read: Too many levels"),
        "{line}"
    );
    balancer.write("routes.yml", &good.replace("v1", "v2"));
    balancer.answers(HOST, "/svc/v2/", StatusCode::OK).await;
    metric(&balancer, "pointsman_route_files_unreadable 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_goes_takes_its_routes_and_a_folder_that_goes_takes_none() {
    let endpoint = Endpoint::named("svc").await;
    let routes = format!(
        "services: {{ svc: {{ v1: ['{}'] }} }}\n",
        endpoint.address()
    );
    let balancer = Balancer::start(&routes).await;
    balancer.write("b.yml", &routes.replace("svc", "other"));
    balancer.answers(HOST, "/other/v1/", StatusCode::OK).await;
    fs::remove_file(balancer.folder().join("b.yml")).expect("it is there");
    balancer
        .answers(HOST, "/other/v1/", StatusCode::NOT_FOUND)
        .await;
    let away = balancer.folder().with_extension("away");
    fs::rename(balancer.folder(), &away).expect("renamed");
    balancer.logged("route-files-unreadable").await;
    metric(&balancer, "pointsman_route_files_unreadable 1").await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    fs::rename(&away, balancer.folder()).expect("renamed");
    balancer.logged("route-files-readable-again").await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
}

/// The files of a `ConfigMap` of Kubernetes are links that are switched all at once.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_switched_by_a_link_are_followed() {
    let endpoint = Endpoint::named("svc").await;
    let balancer = Balancer::start("services: {}\n").await;
    let folder = balancer.folder();
    for version in ["v1", "v2"] {
        let text = format!(
            "services: {{ svc: {{ {version}: ['{}'] }} }}\n",
            endpoint.address()
        );
        fs::create_dir(folder.join(format!("..{version}"))).expect("a folder");
        fs::write(folder.join(format!("..{version}/map.yml")), text).expect("a file");
    }
    symlink("..v1", folder.join("..data")).expect("a link");
    symlink("..data/map.yml", folder.join("map.yml")).expect("a link");
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    symlink("..v2", folder.join("..tmp")).expect("a link");
    fs::rename(folder.join("..tmp"), folder.join("..data")).expect("switched");
    balancer.answers(HOST, "/svc/v2/", StatusCode::OK).await;
    balancer
        .answers(HOST, "/svc/v1/", StatusCode::NOT_FOUND)
        .await;
}

/// L-35: a file that suddenly says little leaves most routes where they are, until an operator lets them go
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_suddenly_says_little_takes_little_with_it() {
    let endpoint = Endpoint::named("svc").await;
    let service = |number: usize| format!("  s{number}: {{ v1: ['{}'] }}\n", endpoint.address());
    let all: String = (0..200).map(service).collect();
    let balancer = Balancer::start(&format!("services:\n{all}")).await;
    balancer.answers(HOST, "/s199/v1/", StatusCode::OK).await;
    balancer.write("routes.yml", &format!("services:\n{}", service(0)));
    metric(&balancer, "pointsman_registry_held_expiries 149").await;
    let mut kept = 0;
    for number in 0..200 {
        let answers = balancer.ask(HOST, &format!("/s{number}/v1/")).await;
        kept += usize::from(answers.iter().all(|answer| answer.status == StatusCode::OK));
    }
    assert_eq!(kept, 150, "50 may go in any case");
    balancer.write("routes.yml", &format!("services:\n{all}"));
    metric(&balancer, "pointsman_registry_held_expiries 0").await;
    for number in 0..200 {
        balancer
            .answers(HOST, &format!("/s{number}/v1/"), StatusCode::OK)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_plane_that_does_not_serve_every_host_is_not_given_such_routes() {
    let endpoint = Endpoint::named("svc").await;
    let address = endpoint.address();
    let balancer = Balancer::launch(
        &format!(
            "services: {{ svc: {{ v1: ['{address}'] }} }}\n\
             routes: [{{ host: web.example.com, endpoints: ['{address}'] }}]\n"
        ),
        &pointsman_tests::process::Launch::default(),
        "",
    )
    .await;
    balancer.answers(HOST, "/svc/v1/", StatusCode::OK).await;
    let control_plane = balancer.control_plane.address("distribution");
    let configuration = pointsman_tests::configuration::data_plane(control_plane);
    let other = pointsman_tests::Process::start("data-plane", &configuration).await;
    let mut client = Client::connect(other.address("http")).await;
    eventually("the route of a named host", BOUND, async || {
        let answer = client.get("web.example.com", "/").await;
        let answer = answer.map_err(|failure| failure.to_string())?;
        (answer.status == StatusCode::OK)
            .then_some(())
            .ok_or_else(|| format!("{answer:?}"))
    })
    .await;
    let answer = client.get(HOST, "/svc/v1/").await.expect("an answer");
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let mut admin = Client::connect(balancer.control_plane.address("admin")).await;
    let replicas = admin
        .get("127.0.0.1", "/v1/replicas")
        .await
        .expect("an answer");
    assert!(replicas.text().contains("any host"), "{}", replicas.text());
}
