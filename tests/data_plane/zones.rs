//! Endpoints of the data plane's own zone come first.

use pointsman_data_plane::ZonePreference;
use pointsman_tests::Endpoint;

use crate::support::Setup;

/// One endpoint in each of these zones, before a data plane in `z1`.
async fn zones(preference: ZonePreference, zones: &[&str]) -> (Vec<Endpoint>, Setup) {
    let mut setup = Setup::new().with(|settings| {
        settings.balancing.zone = "z1".to_owned();
        settings.balancing.zone_preference = preference;
    });
    let mut endpoints = Vec::new();
    for zone in zones {
        let endpoint = Endpoint::named(zone).await;
        setup = setup.thing("app.test", endpoint.address(), |thing| {
            thing.availability_zone = (*zone).to_owned();
        });
        endpoints.push(endpoint);
    }
    (endpoints, setup)
}

/// D-377: the local endpoint is chosen.
/// D-379: of several, each in its turn.
#[tokio::test]
async fn local_endpoints_get_the_requests() {
    for preference in [
        ZonePreference::LocallyOptimistic,
        ZonePreference::LocallyAlways,
    ] {
        let (endpoints, setup) = zones(preference, &["z1", "z2", "z1", "z3"]).await;
        let plane = setup.start();
        for _ in 0..8 {
            assert_eq!(plane.get("/").await.body, b"z1");
        }
        let counts: Vec<_> = endpoints.iter().map(Endpoint::request_count).collect();
        assert_eq!(counts, [4, 0, 4, 0]);
    }
}

/// D-383: without local endpoints any zone serves.
/// D-382: and where the local ones have failed.
#[tokio::test]
async fn far_endpoints_serve_where_no_local_one_can() {
    let (mut endpoints, setup) =
        zones(ZonePreference::LocallyOptimistic, &["z1", "z2", "z3"]).await;
    let plane = setup.start();
    endpoints[0].close().await;
    for _ in 0..6 {
        assert_eq!(plane.get("/").await.status, 200);
    }
    assert_eq!(
        plane.settled().await.retries,
        1,
        "the mark keeps later requests away"
    );
    assert_eq!(
        endpoints[1].request_count() + endpoints[2].request_count(),
        6
    );
}

/// Without a preference all zones take turns.
#[tokio::test]
async fn without_a_preference_all_zones_take_turns() {
    let (endpoints, setup) = zones(ZonePreference::None, &["z1", "z2", "z3"]).await;
    let plane = setup.start();
    for _ in 0..9 {
        assert_eq!(plane.get("/").await.status, 200);
    }
    let counts: Vec<_> = endpoints.iter().map(Endpoint::request_count).collect();
    assert_eq!(counts, [3, 3, 3]);
}
