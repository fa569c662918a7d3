//! One assertion for each promise of the README, on real processes.

mod bad_input;
mod balancing;
mod broker;
mod bursts;
mod collectors;
mod command_line;
mod control_plane;
mod control_planes;
mod data_plane_admin;
mod drain;
mod hand_over;
mod instances;
mod kill_switches;
mod lending;
mod persisted;
mod registration;
mod route_files;
mod route_services;
mod routing_api;
mod tls;
mod websockets;

use hyper::StatusCode;
use pointsman_tests::requests::Tally;
use pointsman_tests::{Client, Process};

/// No request was lost, and there were enough of them to say so.
#[track_caller]
fn assert_none_lost(tally: &Tally) {
    assert!(
        tally.failed.is_empty(),
        "{} lost: {:#?}",
        tally.failed.len(),
        tally.failed
    );
    assert!(tally.total() > 100, "too few to say: {tally:?}");
}

/// What a data plane shows of itself.
async fn shown(data_plane: &Process) -> Result<serde_json::Value, String> {
    let mut client = Client::connect(data_plane.address("admin")).await;
    let response = client.get("127.0.0.1", "/status").await;
    let response = response.map_err(|failure| failure.to_string())?;
    serde_json::from_str(response.text()).map_err(|error| format!("{error}: {response:?}"))
}

const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
